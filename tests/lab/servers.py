"""Fixtures of servers that all tests of a session share: leave each as you found it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.lab.reap import Ledger
from tests.lab.svc.postgres import Postgres
from tests.lab.svc.rabbitmq import Rabbit
from tests.lab.svc.redis import RedisServer
from tests.lab.svc.tls import Authority


@pytest.fixture(scope="session")
def postgres(ledger: Ledger, authority: Authority) -> Iterator[Postgres]:
    """A PostgreSQL with TLS; `postgres.database("mine")` gives a database of your own."""
    with Postgres(ledger, tls=authority.issue("localhost")) as server:
        yield server


@pytest.fixture(scope="session")
def replica(postgres: Postgres) -> Iterator[Postgres]:
    """A streaming replica of `postgres`."""
    with Postgres(postgres.ledger, primary=postgres) as server:
        yield server


@pytest.fixture(scope="session")
def rabbit(ledger: Ledger) -> Iterator[Rabbit]:
    """A RabbitMQ with its management API; use queues of your own."""
    with Rabbit(ledger) as server:
        yield server


@pytest.fixture(scope="session")
def redis_server(ledger: Ledger, authority: Authority) -> Iterator[RedisServer]:
    """A Redis with a password and TLS; use keys of your own."""
    with RedisServer(ledger, tls=authority.issue("localhost")) as server:
        yield server

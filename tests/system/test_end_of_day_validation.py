"""Jobs, queues and data of real servers by the real command: green, four faults found, healed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

from pytest_ddd import clock
from tests.lab.svc.postgres import PASSWORD, Postgres
from tests.lab.svc.rabbitmq import PASSWORD as MQ_PASSWORD
from tests.lab.svc.rabbitmq import USER as MQ_USER
from tests.lab.svc.rabbitmq import Rabbit
from tests.lab.svc.redis import PASSWORD as REDIS_PASSWORD
from tests.lab.svc.redis import RedisServer
from tests.system.conftest import Here, Prod, Run

pytestmark = pytest.mark.needs("postgresql", "rabbitmq", "redis")

HOSTS = "version: 1\nhosts: {here: {connection: 'local://'}}\n"
JOBS = """
    jobs:
      report:
        schedule: "{due}"
        late: {{warn: 30m, crit: 2h}}
        sql:
          database: {{url: {url}, password: {{env: SHOP_PASSWORD}}, timeout: 20s}}
          query: SELECT max(ended) AS finished_at FROM run
"""
QUEUES = """
    queues:
      eod-orders:
        rabbitmq: {{url: "{url}", user: {user}, password: {{env: MQ_PASSWORD}}, settle: 4s}}
        depth: {{warn: 3, crit: 5}}
      mails:
        redis: {{url: "{redis}", password: {{env: REDIS_PASSWORD}}, list: eod-mails}}
        depth: {{crit: 2}}
"""
SYNC = """
    sync:
      replica:
        replication:
          primary: {{url: {primary}, password: {{env: SHOP_PASSWORD}}, timeout: 20s}}
          replica: {{url: {replica}, password: {{env: SHOP_PASSWORD}}, timeout: 20s}}
        behind: {{crit: 64kB}}
      runs:
        queries:
          left:
            database: {{url: {primary}, password: {{env: SHOP_PASSWORD}}, timeout: 20s}}
            query: SELECT count(*) FROM run
          right:
            database: {{url: {replica}, password: {{env: SHOP_PASSWORD}}, timeout: 20s}}
            query: SELECT count(*) FROM run
        difference: {{crit: 1}}
"""
SECRETS = {
    "SHOP_PASSWORD": PASSWORD,
    "MQ_PASSWORD": MQ_PASSWORD,
    "REDIS_PASSWORD": REDIS_PASSWORD,
}


@dataclass(frozen=True)
class Servers:
    """What the checks ask."""

    postgres: Postgres
    replica: Postgres
    rabbit: Rabbit
    redis: RedisServer


@pytest.fixture
def servers(
    postgres: Postgres, replica: Postgres, rabbit: Rabbit, redis_server: RedisServer
) -> Servers:
    return Servers(postgres, replica, rabbit, redis_server)


@pytest.fixture
def site(servers: Servers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Prod]:
    postgres, rabbit = servers.postgres, servers.rabbit
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    url = postgres.database("eod")
    postgres.run("CREATE TABLE run AS SELECT now() AS ended", database="eod")
    rabbit.declare("eod-orders")
    rabbit.shows("eod-orders", "messages", 0)
    postgres.caught_up()
    due = clock.now() - timedelta(minutes=5)
    made = Prod(tmp_path / "site", Here())
    made.baseline("hosts", HOSTS)
    made.baseline("jobs", JOBS.format(url=url, due=f"{due.minute} {due.hour} * * *"))
    queues = QUEUES.format(url=rabbit.url(), user=MQ_USER, redis=servers.redis.url())
    made.baseline("queues", queues)
    made.baseline("sync", SYNC.format(primary=url, replica=servers.replica.url("eod")))
    yield made
    rabbit.delete("eod-orders")


@contextmanager
def faults(servers: Servers) -> Iterator[None]:
    postgres, replica = servers.postgres, servers.replica
    rabbit, redis = servers.rabbit, servers.redis
    replica.run("SELECT pg_wal_replay_pause()")
    postgres.run(
        "UPDATE run SET ended = ended - interval '2 days'",
        "INSERT INTO run SELECT ended - interval '3 days' FROM run, generate_series(1, 9000)",
        database="eod",
    )
    rabbit.publish("eod-orders", 5)
    rabbit.shows("eod-orders", "messages", 5)
    redis.run("RPUSH", "eod-mails", "a", "b")
    try:
        yield
    finally:
        replica.run("SELECT pg_wal_replay_resume()")
        postgres.run("TRUNCATE run", "INSERT INTO run VALUES (now())", database="eod")
        rabbit.purge("eod-orders")
        rabbit.shows("eod-orders", "messages", 0)
        redis.run("DEL", "eod-mails")
        postgres.caught_up()


def look(site: Prod) -> Run:
    return site.run("--host=prod", "--ddd-scenario=end-of-day-validation")


def test_green_then_each_fault_then_green(site: Prod, servers: Servers) -> None:
    healthy = look(site)
    with faults(servers):
        broken = look(site)
    healed = look(site)

    assert (healthy.status, healthy.bad()) == (0, {}), healthy.text
    assert broken.status == 1
    assert broken.bad() == {
        ("prod", "report"): "RED",
        ("prod", "eod-orders"): "RED",
        ("prod", "mails"): "RED",
        ("prod", "replica"): "RED",
        ("prod", "runs"): "RED",
    }, broken.text
    assert "eod-orders depth 5 >= crit 5 (baselines/prod/queues.yaml:5)" in broken.text
    assert "runs difference 9000 >= crit 1" in broken.text
    assert "Traceback" not in broken.text
    assert not any(secret in broken.text for secret in (PASSWORD, REDIS_PASSWORD))
    assert (healed.status, healed.bad()) == (0, {}), healed.text

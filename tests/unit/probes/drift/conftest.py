"""The sandbox that drift tests change by hand."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pytest_ddd.connections import Connections, ConnectionSpec
from tests.unit.probes.drift.sandbox import NAME, Sandbox, Way


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[Sandbox]:
    """A private /etc, mount table and network."""
    scratch = tmp_path / "sandbox"
    scratch.mkdir()
    sandbox = Sandbox(scratch)
    yield sandbox
    sandbox.close()


@pytest.fixture(scope="session")
def here() -> Iterator[Connections]:
    """This machine as it is, over a connection of ours."""
    spec = ConnectionSpec(name=NAME, kind="local", hostspec="local://")
    connections = Connections({NAME: spec})
    yield connections
    connections.close()


@pytest.fixture(scope="session")
def as_nobody() -> Way:
    """This machine for somebody who may do little."""
    return Way("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")

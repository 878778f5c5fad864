"""Connections that are closed at the end of a test, and container engines that only pretend."""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pytest_ddd.connections import Connections, ConnectionSpec, Session, parse_hostspec

SHELLS = {"dash": "exec dash", "bash": "exec bash --posix", "busybox": "exec busybox ash"}

Connect = Callable[..., Connections]
Engine = Callable[[str], Session]


@pytest.fixture
def connect() -> Iterator[Connect]:
    """Return a function that makes `Connections` of specs."""
    pools: list[Connections] = []

    def make(*specs: ConnectionSpec, **options: int) -> Connections:
        pools.append(Connections({spec.name: spec for spec in specs}, **options))
        return pools[-1]

    yield make
    for pool in pools:
        pool.close()


@pytest.fixture
def local(connect: Connect) -> Session:
    """A session on this machine."""
    return connect(parse_hostspec("local://", name="here")).session("here")


@pytest.fixture
def stub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], None]:
    """Return a function that puts a program (name, shell text) first on PATH."""
    programs = tmp_path / "programs"
    programs.mkdir()
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")

    def write(name: str, text: str) -> None:
        (programs / name).write_text(f"#!/bin/bash\n{text}\n")
        (programs / name).chmod(0o755)

    return write


@pytest.fixture
def engine(connect: Connect, stub: Callable[[str, str], None]) -> Engine:
    """Return a function: shell text that becomes the far side's shell -> its session."""

    def start(text: str) -> Session:
        stub("docker", text)
        spec = parse_hostspec("docker://box?connect_timeout=1", name="box")
        return connect(spec).session("box")

    return start


@pytest.fixture(params=SHELLS)
def session(request: pytest.FixtureRequest, engine: Engine) -> Session:
    """A session whose dispatcher runs under each shell."""
    return engine(SHELLS[request.param])


@pytest.fixture
def nap() -> str:
    """Seconds that no other process sleeps: `sleep {nap}` can be found, and is nobody else's."""
    return f"{random.randint(600, 999)}.{random.randint(10**8, 10**9)}"

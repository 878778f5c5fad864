"""Connections that are closed at the end of a test, and container engines that only pretend."""

from __future__ import annotations

import os
import random
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pytest_ddd.connections import Connections, ConnectionSpec, Session, parse_hostspec
from tests.unit.connections.alone import Root

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


@pytest.fixture
def here() -> Iterator[Connections]:
    """This machine as the host `here`."""
    connections = Connections({"here": parse_hostspec("local://", name="here")})
    yield connections
    connections.close()


@pytest.fixture
def busybox(tmp_path: Path) -> Root:
    """A root with nothing but BusyBox."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc" / "passwd").write_text("root:x:0:0::/:/bin/sh\n")
    (tmp_path / "etc" / "mtab").symlink_to("../proc/self/mounts")
    (tmp_path / "proc" / "sys" / "kernel").mkdir(parents=True)
    (tmp_path / "proc" / "sys" / "kernel" / "ostype").write_text("Linux\n")
    (tmp_path / "dev").mkdir()
    (tmp_path / "dev" / "null").touch()
    shutil.copy(shutil.which("busybox") or "", tmp_path / "bin" / "busybox")
    (tmp_path / "dev" / "stdin").symlink_to("../in")
    for name in ("sh", "stat", "sha256sum", "cut", "ls", "uname", "cat", "sysctl", "readlink"):
        (tmp_path / "bin" / name).symlink_to("busybox")
    prefix = ("unshare", "-m", "sh", "-c")
    enter = f'mount -t proc proc {tmp_path}/proc && mount --bind /dev {tmp_path}/dev && exec /usr/sbin/chroot {tmp_path} "$@"'
    return Root(prefix=(*prefix, enter, "sh"), env={"PATH": "/bin"})

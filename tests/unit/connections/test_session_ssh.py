"""Sessions over a real sshd: shells, banners, handshakes, lost and stuck connections."""

from __future__ import annotations

import os
import shlex
import signal
import socket
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from pytest_ddd import clock
from pytest_ddd.errors import CommandTimeoutError, UnreachableError
from tests.lab.net import free_port
from tests.support.sshd import SERVER, Sshd, needs, running, sshd, until
from tests.unit.connections.conftest import Connect

pytestmark = [SERVER, needs("busybox", "csh", "fish")]

NOISE = "echo 'Welcome to web1'; head -c 50000 /dev/urandom; echo 'bashrc warns' >&2\n"


def busybox(base: Path) -> dict[str, str]:
    """Return what makes a host whose sh, and every other program, is BusyBox."""
    applets = shlex.quote(str(base / "applets"))
    return {
        "shell": "/usr/bin/busybox",
        "setup": f"mkdir {applets}; busybox --install -s {applets}",
        "extra": f"SetEnv PATH={base / 'applets'}",
    }


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    """An ordinary host."""
    with sshd(tmp_path_factory.mktemp("sshd") / "s") as running_server:
        yield running_server


@pytest.fixture(
    params=["dash", "bash", "busybox", "fish login", "csh login", "noisy login", "read-only /tmp"]
)
def odd_host(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Sshd]:
    """Hosts of all kinds."""
    base = tmp_path / "s"
    options: dict[str, dict[str, object]] = {
        "dash": {"login_shell": "/bin/dash"},
        "bash": {"shell": "/bin/bash"},
        "busybox": dict(busybox(base)),
        "fish login": {"login_shell": "/usr/bin/fish"},
        "csh login": {"login_shell": "/bin/csh"},
        "noisy login": {"home_files": {".bashrc": NOISE}, "extra": f"Banner {__file__}"},
        "read-only /tmp": {"setup": "mount -t tmpfs -o ro none /dev/shm"},
    }
    with sshd(base, **options[request.param]) as server:  # type: ignore[arg-type]  # a table
        yield server


def test_every_kind_of_host_answers_exactly(odd_host: Sshd, connect: Connect) -> None:
    session = connect(odd_host.spec()).session("web1")
    answer = session.run(r"printf 'a\0b\n\n\377'; printf 'e\0' >&2; exit 255")
    assert (answer.stdout, answer.stderr, answer.exit_status) == (b"a\0b\n\n\xff", b"e\0", 255)


def test_every_kind_of_host_kills_at_the_timeout(
    nap: str, odd_host: Sshd, connect: Connect
) -> None:
    session = connect(odd_host.spec()).session("web1")
    hung = session.submit(f"sleep {nap} | sleep {nap}", timeout_s=1)
    meanwhile = session.run("echo meanwhile").stdout
    with pytest.raises(CommandTimeoutError):
        hung.result()
    assert meanwhile == b"meanwhile\n"
    assert until(lambda: running(f"sleep {nap}") == [])


def test_every_kind_of_host_is_left_clean(nap: str, odd_host: Sshd, connect: Connect) -> None:
    session = connect(odd_host.spec()).session("web1")
    directory = Path(session.run("readlink /proc/self/fd/1").text.strip()).parent
    session.submit(f"sleep {nap}")
    assert until(lambda: running(f"sleep {nap}"))
    session.close().result()
    assert until(lambda: running(f"sleep {nap}") == [])
    assert until(lambda: not directory.exists())


def test_busybox_host_has_nothing_else(connect: Connect, tmp_path: Path) -> None:
    with sshd(tmp_path / "s", **busybox(tmp_path / "s")) as server:  # type: ignore[arg-type]
        session = connect(server.spec()).session("web1")
        seen = session.run("readlink -f $(command -v setsid) $(command -v head) /proc/$$/exe")
    assert set(seen.text.split()) <= {"/usr/bin/busybox", "/usr/bin/dash"}  # dash: bind mount


def test_hundred_megabytes_over_ssh(connect: Connect, server: Sshd) -> None:
    answer = connect(server.spec()).session("web1").run("head -c 100000000 /dev/zero | tr '\\0' x")
    assert answer.stdout == b"x" * 100_000_000


def test_user_locale_is_not_passed_on(
    connect: Connect, server: Sshd, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LC_ALL", "de_DE.UTF-8")
    assert connect(server.spec()).session("web1").run("echo $LC_ALL").stdout == b"C\n"


def test_forty_commands_are_one_handshake(connect: Connect, server: Sshd) -> None:
    before = server.handshakes
    session = connect(server.spec()).session("web1")
    for future in [session.submit(f"echo {n}") for n in range(40)]:
        future.result()
    assert server.handshakes - before == 1


def kill_connections(server: Sshd, what: signal.Signals = signal.SIGKILL) -> None:
    """Send a signal to the sshd processes of all connections."""
    for pid in server.children():
        with suppress(ProcessLookupError):  # of a test before this one
            os.kill(pid, what)


def test_killed_connection_is_reopened_for_reads(
    connect: Connect, server: Sshd, tmp_path: Path
) -> None:
    session = connect(server.spec()).session("web1")
    session.run("true")
    before = server.handshakes
    wait = f"until test -e {tmp_path}/go; do sleep 0.1; done"
    reading = session.submit(f"{wait}; echo read", repeatable=True)
    session.run("true")
    kill_connections(server)
    (tmp_path / "go").touch()
    assert reading.result().stdout == b"read\n"
    assert server.handshakes - before == 1


def test_killed_connection_fails_what_may_act(nap: str, connect: Connect, server: Sshd) -> None:
    session = connect(server.spec()).session("web1")
    acting = session.submit(f"sleep {nap}")
    session.run("true")
    kill_connections(server)
    with pytest.raises(UnreachableError, match="was lost"):
        acting.result()
    assert until(lambda: running(f"sleep {nap}") == [])


def test_connection_that_dies_again_and_again_ends(connect: Connect, server: Sshd) -> None:
    session = connect(server.spec()).session("web1")
    suicide = "kill -9 $(ps -o ppid= -p $(ps -o ppid= -p $PPID))"
    answers = [session.submit(f"{suicide}; sleep 9", repeatable=True) for _ in range(3)]
    assert all(isinstance(answer.exception(), UnreachableError) for answer in answers)


def test_stopped_sshd_ends_at_the_deadline(connect: Connect, server: Sshd) -> None:
    session = connect(server.spec()).session("web1")
    session.run("true")
    kill_connections(server, signal.SIGSTOP)
    started = clock.monotonic()
    try:
        with pytest.raises(CommandTimeoutError, match="the connection is stuck"):
            session.run("true", timeout_s=1)
    finally:
        kill_connections(server, signal.SIGCONT)
    assert clock.monotonic() - started < 30


def test_reads_survive_a_stopped_sshd(connect: Connect, server: Sshd) -> None:
    """One command is given up; the next one, over a new connection, is answered."""
    session = connect(server.spec()).session("web1")
    session.run("true")
    stopped = server.children()
    kill_connections(server, signal.SIGSTOP)
    try:
        with pytest.raises(CommandTimeoutError):
            session.run("true", timeout_s=0.5)
        assert session.run("echo again", repeatable=True).stdout == b"again\n"
    finally:
        for pid in stopped:
            os.kill(pid, signal.SIGCONT)


def test_keepalive_notices_a_dead_network(connect: Connect, server: Sshd) -> None:
    session = connect(server.spec()).session("web1")
    session.run("true")
    kill_connections(server, signal.SIGSTOP)
    started = clock.monotonic()
    try:
        with pytest.raises(UnreachableError, match=r"lost: Timeout, server .* not responding"):
            session.run("true", timeout_s=60)
    finally:
        kill_connections(server, signal.SIGCONT)
    assert 10 < clock.monotonic() - started < 60


def test_dead_host_with_twenty_commands_is_one_timeout(connect: Connect, server: Sshd) -> None:
    with socket.socket() as silent:  # takes the connection and never speaks
        silent.bind(("127.0.0.1", 0))
        silent.listen(50)
        spec = server.spec("timeout=1")
        port = silent.getsockname()[1]
        session = connect(replace(spec, port=port)).session("web1")
        started = clock.monotonic()
        errors = [session.submit("true").exception() for _ in range(20)]
    assert {str(error) for error in errors} == {str(errors[0])}
    assert isinstance(errors[0], UnreachableError)
    assert clock.monotonic() - started < 10  # one after the other: 20 s


def test_dead_hosts_overlap(connect: Connect, server: Sshd) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen(50)
        port = silent.getsockname()[1]
        specs = [replace(server.spec("timeout=1", name=f"web{n}"), port=port) for n in range(20)]
        pool = connect(*specs)
        started = clock.monotonic()
        waiting = [pool.session(name).submit("true") for name in pool.names]
        assert all(isinstance(future.exception(), UnreachableError) for future in waiting)
    assert clock.monotonic() - started < 15  # one after the other: 20 s


def test_ssh_leaves_no_process(connect: Connect, server: Sshd) -> None:
    pool = connect(*(server.spec(name=f"web{n}") for n in range(5)))
    for name in pool.names:
        pool.session(name).run("true")
    pool.close()
    assert running(f"-p {server.port}") == []
    assert until(lambda: server.children() == [])


def test_control_master_of_the_user_is_not_started_by_us(connect: Connect, server: Sshd) -> None:
    with tempfile.TemporaryDirectory() as short:  # a ControlPath has 108 bytes
        assert_no_master(connect, server, Path(short))


def assert_no_master(connect: Connect, server: Sshd, tmp_path: Path) -> None:
    """Run a command with an ssh_config that asks for a master; look for its socket."""
    config = tmp_path / "config"
    base = (server.base / "ssh_config").read_text()
    config.write_text(
        f"{base}  ControlMaster auto\n  ControlPath {tmp_path}/%C\n  ControlPersist 60\n"
    )
    spec = server.spec()
    pool = connect(replace(spec, ssh_config=str(config)))
    assert pool.session("web1").run("echo ok").stdout == b"ok\n"
    assert [path.name for path in tmp_path.iterdir()] == ["config"]


def test_known_hosts_of_the_user_stays_as_it_is(connect: Connect, tmp_path: Path) -> None:
    """Where a host shows more keys than are known, ssh would add them without asking."""
    second = tmp_path / "s" / "second_key"
    setup = f"ssh-keygen -q -t ecdsa -N '' -f {second}"
    with sshd(tmp_path / "s", setup=setup, extra=f"HostKey {second}") as server:
        config, known = tmp_path / "config", server.base / "known_hosts"
        config.write_text((server.base / "ssh_config").read_text() + "  UpdateHostKeys yes\n")
        before = known.read_bytes()
        session = connect(replace(server.spec(), ssh_config=str(config))).session("web1")
        assert session.run("echo ok").stdout == b"ok\n"
        session.close().result()
        assert known.read_bytes() == before


def test_refused_port_is_dead_at_once(connect: Connect, server: Sshd) -> None:
    session = connect(replace(server.spec(), port=free_port())).session("web1")
    with pytest.raises(UnreachableError, match="connection refused"):
        session.run("true")

"""Connections that end: lost, killed, closed, refused; nothing stays behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from pytest_ddd import clock
from pytest_ddd.connections import Connections, Session, parse_hostspec
from pytest_ddd.errors import (
    CannotLookError,
    CommandTimeoutError,
    RefusedError,
    UnreachableError,
)
from tests.support.sshd import needs, running, until
from tests.unit.connections.conftest import Connect, Engine

pytestmark = needs("unshare", "busybox")


def test_echoing_far_side_is_no_shell(engine: Engine) -> None:
    session = engine("exec timeout 3 cat")
    with pytest.raises(CannotLookError):
        session.run("true")


def test_shell_that_ends_at_once_is_refused(engine: Engine) -> None:
    session = engine("echo This account is currently not available. >&2; exit 1")
    with pytest.raises(RefusedError, match="ended with 1 before it was ready: This account"):
        session.run("true")


def test_missing_program_says_what_to_install(
    connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    session = connect(parse_hostspec("podman://x", name="x")).session("x")
    with pytest.raises(CannotLookError, match="cannot start podman") as caught:
        session.run("true")
    assert caught.value.hint == "apt install podman"


def far_side_pid(session: Session) -> int:
    """Process id of the dispatcher, seen from one of its commands."""
    return int(session.run("ps -o ppid= -p $PPID").text)


def test_lost_connection_is_reopened_for_commands_that_only_read(session: Session) -> None:
    pid = far_side_pid(session)
    waiting = session.submit("sleep 0.5; echo read", repeatable=True)
    session.run("true")
    os.kill(pid, signal.SIGKILL)
    assert waiting.result().stdout == b"read\n"


def test_lost_connection_fails_a_command_that_may_act(session: Session) -> None:
    pid = far_side_pid(session)
    waiting = session.submit("sleep 5.0625; echo acted")
    session.run("true")
    os.kill(pid, signal.SIGKILL)
    with pytest.raises(UnreachableError, match=r"was lost.*while 'sleep 5.0625; echo acted' ran"):
        waiting.result()
    assert session.run("echo next").stdout == b"next\n"


def test_killed_dispatcher_leaves_no_command_behind(nap: str, session: Session) -> None:
    pid = far_side_pid(session)
    waiting = session.submit(f"sleep {nap}")
    assert until(lambda: running(f"sleep {nap}"))
    os.kill(pid, signal.SIGKILL)
    assert waiting.exception() is not None
    assert until(lambda: running(f"sleep {nap}") == [])


def test_close_kills_what_runs_and_removes_the_files(
    nap: str, engine: Engine, tmp_path: Path
) -> None:
    runtime = tmp_path / "runtime"
    runtime.mkdir()
    session = engine(f"export XDG_RUNTIME_DIR={runtime}; exec sh")
    session.submit(f"trap '' TERM; sleep {nap} | sleep {nap}")
    assert until(lambda: len(running(f"sleep {nap}")) >= 2)
    session.close().result(timeout=60)
    assert until(lambda: (running(f"sleep {nap}"), list(runtime.iterdir())) == ([], []))


def test_killed_controller_leaves_nothing_behind(nap: str, tmp_path: Path) -> None:
    runtime = tmp_path / "runtime"
    runtime.mkdir()
    script = (
        "from pytest_ddd.connections import *\n"
        "s = Connections({'x': parse_hostspec('local://', name='x')}).session('x')\n"
        f"s.run('sleep {nap}', timeout_s=60)\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", script],
        env={**os.environ, "XDG_RUNTIME_DIR": str(runtime), "PYTHONPATH": str(Path.cwd())},
    )
    assert until(lambda: running(f"sleep {nap}"))
    process.kill()
    process.wait()
    assert until(lambda: running(f"sleep {nap}") == [] and list(runtime.iterdir()) == [])


def test_closed_session_says_so(local: Session) -> None:
    local.close().result()
    with pytest.raises(CannotLookError, match="has been closed"):
        local.run("true")


def test_stuck_far_side_ends_at_the_deadline(engine: Engine) -> None:
    session = engine("exec sh")
    pid = far_side_pid(session)
    os.kill(pid, signal.SIGSTOP)
    try:
        with pytest.raises(CommandTimeoutError, match="the connection is stuck"):
            session.run("true", timeout_s=0.5)
    finally:
        os.kill(pid, signal.SIGCONT)


def test_unreachable_is_tried_once(engine: Engine, tmp_path: Path) -> None:
    session = engine(f"echo x >>{tmp_path}/tries; echo Error: No such container: box >&2; exit 1")
    for _ in range(20):
        with pytest.raises(UnreachableError, match="no such container"):
            session.run("true")
    assert (tmp_path / "tries").read_text() == "x\n"


def test_retry_forgets_the_verdict(engine: Engine, stub: Callable[[str, str], None]) -> None:
    session = engine("exit 1")
    with pytest.raises(CannotLookError):
        session.run("true")
    stub("docker", "exec sh")
    session.retry()
    assert session.run("echo back").stdout == b"back\n"


def test_pool_closes_everything_in_time(nap: str, connect: Connect) -> None:
    pool: Connections = connect(*(parse_hostspec("local://", name=f"host{n}") for n in range(40)))
    for future in [pool.session(name).submit(f"sleep {nap}") for name in pool.names[:3]]:
        assert not future.done()
    for name in pool.names:
        pool.session(name).run("true")
    started = clock.monotonic()
    pool.close()
    assert clock.monotonic() - started < 20  # 40 hosts that have to be killed: 4 s each
    assert until(lambda: running(f"sleep {nap}") == [])


def test_pool_at_rest_ends_by_itself_and_answers_who_asks_again(connect: Connect) -> None:
    pool: Connections = connect(parse_hostspec("local://", name="here"))
    far_side = Path(f"/proc/{far_side_pid(pool.session('here'))}")
    assert far_side.exists()

    pool.rest()

    assert until(lambda: not far_side.exists())
    assert pool.session("here").run("echo again").stdout == b"again\n"


def test_many_hosts_get_the_descriptors_they_need() -> None:
    script = (
        "from pytest_ddd.connections import *\n"
        "specs = [parse_hostspec('local://', name=f'host{n}') for n in range(60)]\n"
        "pool = Connections({spec.name: spec for spec in specs})\n"
        "waiting = [pool.session(name).submit('true') for name in pool.names]\n"
        "print(sum(future.result().ok for future in waiting)); pool.close()\n"
    )
    command = ["sh", "-c", 'ulimit -Sn 100; exec "$@"', "sh", sys.executable, "-c", script]
    answer = subprocess.run(command, capture_output=True, check=True)
    assert answer.stdout == b"60\n"


def test_descriptors_that_run_out_after_all_are_told() -> None:
    """What else has files open is not known beforehand."""
    script = (
        "import os\n"
        "from pytest_ddd.connections import *\n"
        "specs = [parse_hostspec('local://', name=f'host{n}') for n in range(9)]\n"
        "pool = Connections({spec.name: spec for spec in specs})\n"
        "sessions = [pool.session(name) for name in pool.names]\n"
        "others = [os.open('/dev/null', os.O_RDONLY) for _ in range(285)]\n"
        "waiting = [session.submit('true') for session in sessions]\n"
        "print({str(e) for e in (f.exception() for f in waiting) if e}.pop())\n"
        "for one in others: os.close(one)\n"
        "pool.close()\n"
    )
    command = ["sh", "-c", 'ulimit -n 300; exec "$@"', "sh", sys.executable, "-c", script]
    answer = subprocess.run(command, capture_output=True, check=True, timeout=60)
    assert b"Too many open files\n  hint: ulimit -n 65536" in answer.stdout


def test_closing_right_after_an_answer_leaves_no_file(engine: Engine, tmp_path: Path) -> None:
    (tmp_path / "runtime").mkdir()
    for _ in range(50):
        session = engine(f"export XDG_RUNTIME_DIR={tmp_path}/runtime; exec sh")
        session.run("echo out; echo err >&2")
        session.close().result()
    assert until(lambda: list((tmp_path / "runtime").iterdir()) == [])


def test_closing_right_after_opening_leaves_nothing(
    connect: Connect, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    took_s = []
    for _ in range(5):
        started = clock.monotonic()
        pool = connect(*(parse_hostspec("local://", name=f"host{n}") for n in range(20)))
        for opened in [pool.session(name).open() for name in pool.names]:
            opened.result()
        pool.close()
        took_s.append(clock.monotonic() - started)
    assert until(lambda: list(tmp_path.iterdir()) == [])
    assert min(took_s) < 4  # nobody had to be killed, which takes 4 s each time

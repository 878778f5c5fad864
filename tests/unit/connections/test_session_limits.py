"""Time, size and room: a command over its limits is killed, and never a shorter answer."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from pytest_ddd import clock
from pytest_ddd.connections import ConnectionSpec, Session, parse_hostspec
from pytest_ddd.errors import (
    CannotLookError,
    CommandTimeoutError,
    OutputLimitError,
)
from tests.support.sshd import needs, running, until
from tests.unit.connections.conftest import Connect, Engine

pytestmark = needs("unshare", "busybox")

PATIENCE_S = 60.0


def test_late_output_of_a_background_child_lands_nowhere(session: Session) -> None:
    first = session.run("(sleep 0.3; echo LATE) & echo hi")
    clock.wait(0.5)
    assert (first.stdout, session.run("echo clean").stdout) == (b"hi\n", b"clean\n")


def test_slow_command_holds_nobody_up(session: Session) -> None:
    slow = session.submit("sleep 600.25", timeout_s=10)
    assert [session.run("echo fast").stdout for _ in range(3)] == [b"fast\n"] * 3
    assert not slow.done()
    with pytest.raises(CommandTimeoutError):
        slow.result()


def test_timeout_kills_the_whole_group(nap: str, session: Session) -> None:
    with pytest.raises(CommandTimeoutError, match="did not end within 1 s and was killed"):
        session.run(f"sleep {nap} & sleep {nap} | sleep {nap}", timeout_s=1)
    assert until(lambda: running(f"sleep {nap}") == [])


def test_timeout_beats_a_command_that_ignores_terminate(nap: str, session: Session) -> None:
    with pytest.raises(CommandTimeoutError):
        session.run(f"trap '' TERM; while :; do sleep {nap}; done", timeout_s=1)
    assert until(lambda: running(f"sleep {nap}") == [])


def test_command_that_cannot_be_killed_is_given_up(nap: str, engine: Engine) -> None:
    """As on a dead mount: its end never comes, and must not cost the others their connection."""
    session = engine("exec setpriv --bounding-set -kill sh")  # root that may not kill others
    slow = session.submit("sleep 5; echo others")
    try:
        with pytest.raises(CommandTimeoutError, match="cannot be killed"):
            session.run(f"exec setpriv --reuid 65534 --clear-groups sleep {nap}", timeout_s=1)
        assert slow.result().stdout == b"others\n"
        session.close().result(timeout=15)
    finally:
        for pid in running(f"sleep {nap}"):
            os.kill(pid, signal.SIGKILL)


def test_session_works_after_a_timeout(session: Session) -> None:
    with pytest.raises(CommandTimeoutError):
        session.run("sleep 603", timeout_s=1)
    assert session.run("echo well").stdout == b"well\n"


def test_timeout_is_not_early(local: Session) -> None:
    local.run("true")
    clock.wait(0.6)  # the watchdog's clock is in the middle of a second
    assert local.run("sleep 0.5", timeout_s=1).ok


@pytest.mark.parametrize("repeatable", [True, False])
def test_output_over_the_limit_is_an_error(session: Session, repeatable: bool) -> None:
    with pytest.raises(OutputLimitError, match="printed more than 1 MiB"):
        session.run("head -c 1048577 /dev/zero", max_output_bytes=1 << 20, repeatable=repeatable)


def test_output_at_the_limit_is_no_error(session: Session) -> None:
    answer = session.run("head -c 1048576 /dev/zero", max_output_bytes=1 << 20, repeatable=True)
    assert len(answer.stdout) == 1 << 20


@pytest.mark.parametrize("repeatable", [True, False])
def test_endless_output_is_stopped(nap: str, session: Session, repeatable: bool) -> None:
    with pytest.raises(OutputLimitError):
        session.run(f"yes {nap}", max_output_bytes=1 << 20, repeatable=repeatable)
    assert until(lambda: running(f"yes {nap}") == [])


def test_only_reading_commands_have_a_file_limit(local: Session, tmp_path: Path) -> None:
    answer = local.run(f"head -c 3000000 /dev/zero >{tmp_path}/big", max_output_bytes=1000)
    assert answer.ok


def test_output_limit_harms_nobody_else(local: Session) -> None:
    big = local.submit("yes", max_output_bytes=1000, repeatable=True)
    assert [local.run("echo ok").stdout for _ in range(5)] == [b"ok\n"] * 5
    with pytest.raises(OutputLimitError):
        big.result()


NAMESPACE = "exec unshare -m --propagation private sh -c '{mounts}; exec sh'"
READ_ONLY = "for d in /dev/shm /tmp /var/tmp; do mount -t tmpfs -o ro none $d; done"


def test_read_only_tmp_is_no_problem(engine: Engine) -> None:
    mounts = "mount -t tmpfs -o ro none /tmp; mount -t tmpfs -o ro none /dev/shm"
    assert engine(NAMESPACE.format(mounts=mounts)).run("echo ok").stdout == b"ok\n"


def test_home_is_the_last_resort(engine: Engine) -> None:
    mounts = f'{READ_ONLY}; mount -t tmpfs none /mnt; mkdir "/mnt/my home"; HOME="/mnt/my home"'
    session = engine(f"unset XDG_RUNTIME_DIR; {NAMESPACE.format(mounts=mounts)}")
    assert session.run('ls -d "$HOME"/.ddd-*').text.startswith("/mnt/my home/.ddd-")


def test_nowhere_to_write_is_told(engine: Engine) -> None:
    mounts = READ_ONLY + "; [ ! -d /run/shm ] || mount -t tmpfs -o ro none /run/shm"
    session = engine(f"unset XDG_RUNTIME_DIR; export HOME=/proc; {NAMESPACE.format(mounts=mounts)}")
    with pytest.raises(CannotLookError, match="tried /dev/shm /run/shm /tmp /var/tmp /proc"):
        session.run("true")


def test_full_directory_is_an_error_and_no_shorter_answer(engine: Engine) -> None:
    mounts = "mount -t tmpfs -o size=256k none /dev/shm"
    session = engine(f"unset XDG_RUNTIME_DIR; {NAMESPACE.format(mounts=mounts)}")
    with pytest.raises(CannotLookError, match="cut short"):
        session.run("head -c 1000000 /dev/zero 2>/dev/null; exit 0")
    assert session.run("echo again").stdout == b"again\n"


def test_full_directory_is_passed_over_at_the_start(engine: Engine) -> None:
    mounts = "mount -t tmpfs -o size=64k none /dev/shm; head -c 70000 /dev/zero >/dev/shm/x"
    session = engine(f"unset XDG_RUNTIME_DIR; {NAMESPACE.format(mounts=mounts)} 2>/dev/null")
    assert session.run("ls -d /dev/shm/.ddd-*").exit_status != 0


def test_removed_directory_is_an_error(session: Session) -> None:
    session.run("true")
    with pytest.raises(CannotLookError, match="cut short"):
        session.run("rm -rf $(dirname $(readlink /proc/$$/fd/1)); echo lost")


FLOOD = "yes | head -c 12000000"


def test_answers_of_all_hosts_together_have_a_limit(connect: Connect) -> None:
    """The one that holds the most is given up, and says why; its host goes on."""
    pool = connect(*_here("one", "two"), hold_at_once_bytes=4 << 20)
    flood = pool.session("one").submit(FLOOD, repeatable=True)
    with pytest.raises(OutputLimitError, match=r"one .*: the answers of all hosts together"):
        flood.result(PATIENCE_S)
    assert pool.session("two").run("echo fine").stdout == b"fine\n"
    assert pool.session("one").run("echo again").stdout == b"again\n"


def test_the_larger_of_two_answers_is_given_up(connect: Connect) -> None:
    """A host whose answer is under way is not the one to suffer."""
    pool = connect(*_here("small", "large"), hold_at_once_bytes=4 << 20)
    answers = [
        pool.session(name).submit(f"yes | head -c {size}", repeatable=True)
        for name, size in (("small", 1 << 20), ("large", 12 << 20))
    ]
    assert len(answers[0].result(PATIENCE_S).stdout) == 1 << 20
    with pytest.raises(OutputLimitError):
        answers[1].result(PATIENCE_S)


def test_what_is_within_the_limit_is_whole(connect: Connect) -> None:
    pool = connect(*_here("one"), hold_at_once_bytes=4 << 20)
    for _ in range(5):  # what has been handed over is not counted any more
        assert len(pool.session("one").run("yes | head -c 3000000").stdout) == 3_000_000


def _here(*names: str) -> list[ConnectionSpec]:
    return [parse_hostspec("local://", name=name) for name in names]

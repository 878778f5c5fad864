"""Sessions without a server: this machine's own sh, and sh of other kinds behind a stub."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from pytest_ddd import clock
from pytest_ddd.connections import Connections, Session, parse_hostspec
from pytest_ddd.errors import (
    CannotLookError,
    CommandTimeoutError,
    OutputLimitError,
    RefusedError,
    UnreachableError,
    UsageError,
)
from tests.support.sshd import needs, running, until
from tests.unit.connections.conftest import Connect, Engine

pytestmark = needs("unshare", "busybox")

SHELLS = {"dash": "exec dash", "bash": "exec bash --posix", "busybox": "exec busybox ash"}
EVERY_BYTE = bytes(range(1, 256))


@pytest.fixture(params=SHELLS)
def session(request: pytest.FixtureRequest, engine: Engine) -> Session:
    """A session whose dispatcher runs under each shell."""
    return engine(SHELLS[request.param])


@pytest.mark.parametrize("status", [0, 1, 2, 126, 127, 137, 255])
def test_exit_status_is_exact(session: Session, status: int) -> None:
    assert session.run(f"exit {status}").exit_status == status


def test_stdout_and_stderr_are_apart(session: Session) -> None:
    answer = session.run("echo out; echo err >&2; exit 3")
    assert (answer.stdout, answer.stderr, answer.exit_status) == (b"out\n", b"err\n", 3)


def test_output_is_binary_safe_without_final_newline(session: Session) -> None:
    answer = session.run(r"printf 'a\000\r\n\377\n\n\000'; printf '\000x' >&2")
    assert (answer.stdout, answer.stderr) == (b"a\0\r\n\xff\n\n\0", b"\0x")


def test_command_may_hold_any_byte(session: Session) -> None:
    text = EVERY_BYTE.replace(b"'", b"").decode("utf-8", errors="surrogateescape")
    assert session.run(f"printf %s '{text}'").stdout == EVERY_BYTE.replace(b"'", b"")


def test_quotes_and_lines_survive(session: Session) -> None:
    assert session.run("echo \"it's\"\necho 'two\nlines'").stdout == b"it's\ntwo\nlines\n"


def test_command_may_start_with_a_dash(session: Session) -> None:
    assert session.run("-nonsense").exit_status == 127


def test_unbalanced_quote_harms_nobody_else(session: Session) -> None:
    broken, good = session.submit("echo 'oops"), session.submit("echo fine")
    assert broken.result().exit_status == 2
    assert good.result().stdout == b"fine\n"


def test_stdin_reaches_the_command(session: Session) -> None:
    data = bytes(range(256)) * 100 + b"%s \\n'"
    assert session.run("cat", stdin=data).stdout == data


def test_without_stdin_a_reader_sees_its_end(session: Session) -> None:
    assert session.run("cat; echo end").stdout == b"end\n"


def test_answers_are_in_english(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    assert session.run("echo $LC_ALL; LC_ALL=de_DE.UTF-8 sh -c 'echo $LC_ALL'").text == (
        "C\nde_DE.UTF-8\n"
    )


@pytest.mark.parametrize("locale", ["de_DE.UTF-8", "ja_JP.SJIS", "zh_CN.GBK", "nonsense"])
def test_any_locale_of_the_far_side(engine: Engine, locale: str) -> None:
    session = engine(f"export LANG={locale} LC_ALL={locale}; exec bash --posix")
    assert session.run("printf '\\203\\134\\n'; printf %s 'ソ\\'").stdout == (
        b"\x83\\\n" + "ソ\\".encode()
    )


def test_commands_do_not_see_each_other(session: Session) -> None:
    session.run("cd /; x=1; exit")
    assert session.run("echo $x; [ $PWD = / ] && echo root; true").stdout in (b"\n", b"\nroot\n")


def test_commands_do_not_see_the_marker(session: Session) -> None:
    seen = session.run("set; env; ls -l /proc/self/fd; tr '\\0' ' ' </proc/$PPID/cmdline").text
    assert not any(len(word) == 33 and word.isalnum() for word in seen.replace("=", " ").split())


def test_commands_hold_no_descriptor_of_the_session(session: Session) -> None:
    assert session.run("ls /proc/self/fd | wc -l").text.strip() == "4"  # 0, 1, 2 and ls's own


def test_hundred_megabytes_come_back_exactly(local: Session) -> None:
    answer = local.run("head -c 100000000 /dev/zero; head -c 6000000 /dev/zero >&2")
    assert (len(answer.stdout), len(answer.stderr)) == (100_000_000, 6_000_000)


def test_random_data_comes_back_exactly(session: Session, tmp_path: Path) -> None:
    (tmp_path / "data").write_bytes(data := os.urandom(3_000_001))
    answer = session.run(f"cat {tmp_path}/data")
    assert hashlib.sha256(answer.stdout).digest() == hashlib.sha256(data).digest()


def test_late_output_of_a_background_child_lands_nowhere(session: Session) -> None:
    first = session.run("(sleep 0.3; echo LATE) & echo hi")
    clock.wait(0.5)
    assert (first.stdout, session.run("echo clean").stdout) == (b"hi\n", b"clean\n")


def test_background_child_does_not_delay_the_answer(session: Session) -> None:
    assert session.run("sleep 5.0125 & echo hi").took_s < 2


def test_background_child_survives_its_command(local: Session, tmp_path: Path) -> None:
    local.run(f"(sleep 0.5; echo done >{tmp_path}/mark) &", timeout_s=0.1)
    assert until((tmp_path / "mark").exists)


def test_slow_command_holds_nobody_up(session: Session) -> None:
    slow = session.submit("sleep 600.25", timeout_s=3)
    assert [session.run("echo fast").took_s < 1 for _ in range(3)] == [True] * 3
    with pytest.raises(CommandTimeoutError):
        slow.result()


def test_timeout_kills_the_whole_group(session: Session) -> None:
    with pytest.raises(CommandTimeoutError, match="did not end within 1 s and was killed"):
        session.run("sleep 601.5 & sleep 601.5 | sleep 601.5", timeout_s=1)
    assert until(lambda: running("sleep 601.5") == [])


def test_timeout_beats_a_command_that_ignores_terminate(session: Session) -> None:
    with pytest.raises(CommandTimeoutError):
        session.run("trap '' TERM; while :; do sleep 602.5; done", timeout_s=1)
    assert until(lambda: running("sleep 602.5") == [])


def test_command_that_cannot_be_killed_is_given_up(engine: Engine) -> None:
    """As on a dead mount: its end never comes, and must not cost the others their connection."""
    session = engine("exec setpriv --bounding-set -kill sh")  # root that may not kill others
    slow = session.submit("sleep 5; echo others")
    try:
        with pytest.raises(CommandTimeoutError, match="cannot be killed"):
            session.run("exec setpriv --reuid 65534 --clear-groups sleep 640.5", timeout_s=1)
        assert slow.result().stdout == b"others\n"
        session.close().result(timeout=3)
    finally:
        for pid in running("sleep 640.5"):
            os.kill(pid, signal.SIGKILL)


def test_session_works_after_a_timeout(session: Session) -> None:
    with pytest.raises(CommandTimeoutError):
        session.run("sleep 603", timeout_s=1)
    assert session.run("echo well").stdout == b"well\n"


def test_timeout_is_not_early(local: Session) -> None:
    local.run("true")  # the watchdog's clock may be in the middle of a second
    assert local.run("sleep 0.95", timeout_s=1).ok


@pytest.mark.parametrize("repeatable", [True, False])
def test_output_over_the_limit_is_an_error(session: Session, repeatable: bool) -> None:
    with pytest.raises(OutputLimitError, match="printed more than 1 MiB"):
        session.run("head -c 1048577 /dev/zero", max_output_bytes=1 << 20, repeatable=repeatable)


def test_output_at_the_limit_is_no_error(session: Session) -> None:
    answer = session.run("head -c 1048576 /dev/zero", max_output_bytes=1 << 20, repeatable=True)
    assert len(answer.stdout) == 1 << 20


@pytest.mark.parametrize("repeatable", [True, False])
def test_endless_output_is_stopped(session: Session, repeatable: bool) -> None:
    with pytest.raises(OutputLimitError):
        session.run("yes 604.75", max_output_bytes=1 << 20, repeatable=repeatable)
    assert until(lambda: running("yes 604.75") == [])


def test_only_reading_commands_have_a_file_limit(local: Session, tmp_path: Path) -> None:
    answer = local.run(f"head -c 3000000 /dev/zero >{tmp_path}/big", max_output_bytes=1000)
    assert answer.ok


def test_output_limit_harms_nobody_else(local: Session) -> None:
    big = local.submit("yes", max_output_bytes=1000, repeatable=True)
    assert [local.run("echo ok").stdout for _ in range(5)] == [b"ok\n"] * 5
    with pytest.raises(OutputLimitError):
        big.result()


def test_many_commands_at_once_keep_their_answers(session: Session) -> None:
    futures = [session.submit(f"echo {n}; echo {n} >&2; exit {n % 200}") for n in range(300)]
    answers = [future.result() for future in futures]
    assert [(a.stdout, a.stderr, a.exit_status) for a in answers] == [
        (b"%d\n" % n, b"%d\n" % n, n % 200) for n in range(300)
    ]


def test_many_threads_may_share_a_session(local: Session) -> None:
    wrong: list[bytes] = []

    def work(number: int) -> None:
        for turn in range(20):
            answer = local.run(f"echo {number}.{turn}").stdout
            if answer != b"%d.%d\n" % (number, turn):
                wrong.append(answer)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_far_side_keeps_no_zombies_and_no_files(session: Session) -> None:
    for _ in range(100):
        session.run("echo x")
    here = "d=$(ls -d /dev/shm/.ddd-*); ls $d | wc -l"
    count = session.run(f"ps -o stat= --ppid $(ps -o ppid= -p $PPID) | grep -c Z; {here}").text
    zombies, *_ = map(int, count.split())
    assert zombies <= 5


def test_noise_before_and_between_answers_is_dropped(engine: Engine) -> None:
    session = engine("head -c 300000 /dev/urandom; echo; echo Welcome; exec sh")
    assert session.run("echo $((6 * 7))").stdout == b"42\n"


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


def test_nul_in_a_command_is_a_mistake(local: Session) -> None:
    with pytest.raises(UsageError, match="NUL"):
        local.run("echo \0")


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
        session.run('rm -rf "${XDG_RUNTIME_DIR:-/dev/shm}"/.ddd-*; echo lost')


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


def test_killed_dispatcher_leaves_no_command_behind(session: Session) -> None:
    pid = far_side_pid(session)
    waiting = session.submit("sleep 605.5")
    assert until(lambda: running("sleep 605.5"))
    os.kill(pid, signal.SIGKILL)
    assert waiting.exception() is not None
    assert until(lambda: running("sleep 605.5") == [])


def test_close_kills_what_runs_and_removes_the_files(engine: Engine, tmp_path: Path) -> None:
    runtime = tmp_path / "runtime"
    runtime.mkdir()
    session = engine(f"export XDG_RUNTIME_DIR={runtime}; exec sh")
    session.submit("trap '' TERM; sleep 606.5 | sleep 606.5")
    assert until(lambda: len(running("sleep 606.5")) >= 2)
    session.close().result(timeout=6)
    assert (running("sleep 606.5"), list(runtime.iterdir())) == ([], [])


def test_killed_controller_leaves_nothing_behind(tmp_path: Path) -> None:
    runtime = tmp_path / "runtime"
    runtime.mkdir()
    script = (
        "from pytest_ddd.connections import *\n"
        "s = Connections({'x': parse_hostspec('local://', name='x')}).session('x')\n"
        "s.run('sleep 607.5', timeout_s=60)\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", script],
        env={**os.environ, "XDG_RUNTIME_DIR": str(runtime), "PYTHONPATH": str(Path.cwd())},
    )
    assert until(lambda: running("sleep 607.5"))
    process.kill()
    process.wait()
    assert until(lambda: running("sleep 607.5") == [] and list(runtime.iterdir()) == [])


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


def test_importing_stays_light() -> None:
    script = "import sys, pytest_ddd.connections; print('testinfra' in sys.modules)"
    answer = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True)
    assert answer.stdout == b"False\n"


def test_waiting_commands_travel_together(local: Session) -> None:
    local.run("true")
    started = clock.monotonic()
    for future in [local.submit("sleep 0.5") for _ in range(40)]:
        future.result()
    assert clock.monotonic() - started < 3


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


def test_pool_closes_everything_in_time(connect: Connect) -> None:
    pool: Connections = connect(*(parse_hostspec("local://", name=f"host{n}") for n in range(40)))
    for future in [pool.session(name).submit("sleep 608.5") for name in pool.names[:3]]:
        assert not future.done()
    for name in pool.names:
        pool.session(name).run("true")
    started = clock.monotonic()
    pool.close()
    assert clock.monotonic() - started < 6
    assert running("sleep 608.5") == []

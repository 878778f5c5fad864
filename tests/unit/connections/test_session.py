"""Answers are exact, apart and nobody else's, under dash, bash and BusyBox."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from pytest_ddd import clock
from pytest_ddd.connections import Session
from pytest_ddd.errors import (
    UsageError,
)
from tests.support.sshd import needs, until
from tests.unit.connections.conftest import Engine

pytestmark = needs("unshare", "busybox")

EVERY_BYTE = bytes(range(1, 256))


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


def test_background_child_does_not_delay_the_answer(session: Session) -> None:
    assert session.run("sleep 5.0125 & echo hi").took_s < 5


def test_background_child_survives_its_command(local: Session, tmp_path: Path) -> None:
    local.run(f"(sleep 1.5; echo done >{tmp_path}/mark) &", timeout_s=1)
    assert until((tmp_path / "mark").exists)


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


def test_far_side_keeps_no_zombies(session: Session) -> None:
    for _ in range(100):
        session.run("echo x")
    seen = session.run("ps -o stat= --ppid $(ps -o ppid= -p $PPID)")
    assert seen.text.count("Z") <= 5


def test_far_side_keeps_few_files(session: Session) -> None:
    for _ in range(100):
        session.run("echo x")
    seen = session.run("ls $(dirname $(readlink /proc/$$/fd/1)) | wc -l")
    assert int(seen.text) < 150


def test_noise_before_and_between_answers_is_dropped(engine: Engine) -> None:
    session = engine("head -c 300000 /dev/urandom; echo; echo Welcome; exec sh")
    assert session.run("echo $((6 * 7))").stdout == b"42\n"


def test_nul_in_a_command_is_a_mistake(local: Session) -> None:
    with pytest.raises(UsageError, match="NUL"):
        local.run("echo \0")


def test_importing_stays_light() -> None:
    script = "import sys, pytest_ddd.connections; print('testinfra' in sys.modules)"
    answer = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True)
    assert answer.stdout == b"False\n"


def test_waiting_commands_travel_together(local: Session) -> None:
    local.run("true")
    started = clock.monotonic()
    for future in [local.submit("sleep 0.5") for _ in range(40)]:
        future.result()
    assert clock.monotonic() - started < 15  # one after the other: 20 s

"""Log files: rotated, packed, renamed and cut off, also while they are being read."""

from __future__ import annotations

import bz2
import gzip
import lzma
import shutil
import subprocess
import threading
from pathlib import Path

import pytest

from pytest_ddd.connections import Completed
from pytest_ddd.errors import NotApplicableError
from tests.support.sshd import needs
from tests.unit.probes.logs.site import Logs, Way

pytestmark = needs("busybox", "bzip2", "logrotate")


@pytest.mark.parametrize(
    "name",
    [
        "shop.log.1",
        "shop.log.0",
        "shop.log-20261123",
        "shop.log-2026112306",
        "shop.log.2026-11-23",
        "shop.log.2026-11-23_06",
        "shop.log.old",
        "shop.1.log",
        "shop-20261123.log",
    ],
)
def test_a_rotated_file_is_read(logs: Logs, name: str) -> None:
    logs.write("fine\n")
    logs.write("CRITICAL disk gone\n", name, hours=1)
    review = logs.review()
    assert review.critical.value == 1
    assert review.critical.detail == f"{name}:1: CRITICAL disk gone"


@pytest.mark.parametrize("name", ["shop.log.2.gz", "shop.log-20261123.gz", "shop-20261123.log.gz"])
def test_a_packed_file_is_read(logs: Logs, name: str) -> None:
    logs.write("fine\n")
    logs.write(gzip.compress(b"fine\nCRITICAL disk gone\n"), name, hours=1)
    assert logs.review().critical.detail == f"{name}:2: CRITICAL disk gone"


def test_bzip2_and_xz_are_read(logs: Logs) -> None:
    logs.write("fine\n")
    logs.write(bz2.compress(b"CRITICAL a\n"), "shop.log.2.bz2", hours=1)
    logs.write(lzma.compress(b"CRITICAL b\n"), "shop.log.3.xz", hours=1)
    assert logs.counts() == (2, 0)


@pytest.mark.parametrize("name", ["shop.log.bak~", "shop.log.swp", "shop.logs", "shop-2.log"])
def test_a_neighbour_is_not_read(logs: Logs, name: str) -> None:
    logs.write("fine\n")
    logs.write("CRITICAL of another\n", name)
    assert logs.counts() == (0, 0)


def test_files_from_before_the_night_are_not_read(logs: Logs) -> None:
    logs.write("fine\n")
    logs.write("CRITICAL without a stamp\n", "shop.log.1", hours=13)
    assert logs.counts() == (0, 0)


def test_a_file_that_is_being_packed_counts_once(logs: Logs) -> None:
    logs.write("fine\n")
    logs.write("CRITICAL\n", "shop.log.1", hours=1)
    logs.write(gzip.compress(b"CRITICAL\n")[:-8], "shop.log.1.gz")
    assert logs.counts() == (1, 0)


def test_a_hard_link_counts_once(logs: Logs) -> None:
    path = logs.write("CRITICAL\n")
    path.with_name("shop.log.1").hardlink_to(path)
    assert logs.counts() == (1, 0)


def test_a_link_to_the_log_is_followed(logs: Logs) -> None:
    logs.write("CRITICAL\n", "elsewhere")
    logs.path.symlink_to(logs.directory / "elsewhere")
    assert logs.counts() == (1, 0)


def test_a_missing_file_may_be_optional(logs: Logs) -> None:
    with pytest.raises(NotApplicableError, match="is not there, and may be absent"):
        logs.review(optional=True)


def test_an_optional_file_that_is_there_is_read(logs: Logs) -> None:
    logs.write("CRITICAL\n")
    assert logs.counts(optional=True) == (1, 0)


def test_an_optional_file_that_was_rotated_away_is_read(logs: Logs) -> None:
    logs.write("CRITICAL\n", "shop.log.1", hours=1)
    assert logs.counts(optional=True) == (1, 0)


def test_a_line_without_end_of_line_counts(logs: Logs) -> None:
    logs.write("fine\nCRITICAL cut off")
    assert logs.counts() == (1, 0)


def test_binary_garbage_hides_no_line(logs: Logs) -> None:
    garbage = bytes(range(256)) * 4096
    logs.write(garbage + b"\n\0\0\xff CRITICAL disk \0 gone\n" + garbage)
    assert logs.counts() == (1, 0)


def test_carriage_returns_are_part_of_the_line(logs: Logs) -> None:
    logs.write("ERROR\r\n" * 3)
    assert logs.counts() == (0, 3)


class Meanwhile(Way):
    """A host on which something happens when grep starts to read the log."""

    def __init__(self, directory: Path, happening: str) -> None:
        grep = directory / "grep"
        flag = directory / "happened"
        grep.write_text(
            "#!/bin/sh\n"
            'case "$*" in *CRITICAL*) [ -p /dev/stdin ] ||'
            f" if [ ! -e {flag} ]; then : >{flag}; {happening}; fi ;; esac\n"
            f'exec {shutil.which("grep")} "$@"\n'
        )
        grep.chmod(0o755)
        super().__init__(env={"PATH": f"{directory}:/usr/bin:/bin"})


@pytest.fixture
def tools(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("tools")


def rotating(tmp_path: Path, tools: Path, happening: str) -> Logs:
    """A log with one critical line now and one an hour ago, to which something happens."""
    logs = Logs(tmp_path, Meanwhile(tools, f"cd {tmp_path} && {happening}"))
    logs.write("CRITICAL older\n", "shop.log.1", hours=1)
    logs.write("CRITICAL newer\n")
    return logs


def test_renamed_while_reading_counts_all_lines_once(tmp_path: Path, tools: Path) -> None:
    happening = "mv shop.log.1 shop.log.2; mv shop.log shop.log.1; echo CRITICAL new >shop.log"
    logs = rotating(tmp_path, tools, happening)
    assert logs.counts() == (3, 0)


def test_packed_while_reading_counts_all_lines_once(tmp_path: Path, tools: Path) -> None:
    happening = (
        "gzip shop.log.1; mv shop.log.1.gz shop.log.2.gz; mv shop.log shop.log.1; : >shop.log"
    )
    logs = rotating(tmp_path, tools, happening)
    assert logs.counts() == (2, 0)


def test_cut_off_while_reading_counts_all_lines_once(tmp_path: Path, tools: Path) -> None:
    happening = "mv shop.log.1 shop.log.2; cp shop.log shop.log.1; : >shop.log"
    logs = rotating(tmp_path, tools, happening)
    assert logs.counts() == (2, 0)


def test_replaced_while_reading_by_a_file_of_the_same_size(tmp_path: Path, tools: Path) -> None:
    """File systems use a freed inode again at once: the new file has the number of the old."""
    logs = rotating(tmp_path, tools, "rm shop.log; echo 'CRITICAL other' >shop.log")
    assert "CRITICAL other" in logs.review().critical.detail


def test_cut_off_and_grown_again_while_reading(tmp_path: Path, tools: Path) -> None:
    happening = "cp shop.log shop.log.2; : >shop.log; echo CRITICAL and a longer line >>shop.log"
    logs = rotating(tmp_path, tools, happening)
    assert logs.counts() == (3, 0)


def test_removed_while_reading_is_still_read(tmp_path: Path, tools: Path) -> None:
    logs = rotating(tmp_path, tools, "rm shop.log")
    assert logs.counts() == (2, 0)


def test_endless_rotation_is_unknown(tmp_path: Path, tools: Path) -> None:
    happening = f"rm {tools}/happened; echo CRITICAL $$ >x$$; mv x$$ shop.log"
    logs = rotating(tmp_path, tools, happening)
    review = logs.review()
    assert [problem.text for problem in review.problems] == [
        f"{logs.path} is rotated faster than it can be read"
    ]


def test_a_log_that_grows_while_reading_loses_nothing(tmp_path: Path) -> None:
    logs = Logs(tmp_path, Way())
    logs.write("ERROR x\n" * 1000)
    stop = threading.Event()

    def grow() -> None:
        with logs.path.open("a") as log:
            for _ in range(20_000):
                log.write("ERROR x\n")
                log.flush()
                if stop.is_set():
                    return

    writer = threading.Thread(target=grow)
    writer.start()
    try:
        errors = logs.review().errors.value
    finally:
        stop.set()
        writer.join()
    assert isinstance(errors, int)
    assert errors >= 1000


def test_logrotate_itself(tmp_path: Path) -> None:
    """What the real program leaves behind after three rotations is read in full."""
    logs = Logs(tmp_path, Way())
    rules = tmp_path / "rules"
    rules.write_text(f"{logs.path} {{\n rotate 9\n compress\n delaycompress\n missingok\n}}\n")
    tmp_path.chmod(0o755)
    for number in range(4):
        logs.path.write_text(f"CRITICAL number {number}\n")
        if number < 3:
            command = ["/usr/sbin/logrotate", "-f", "-s", str(tmp_path / "state"), str(rules)]
            subprocess.run(command, check=True, capture_output=True)
    assert logs.counts() == (4, 0)


def test_a_command_answers_with_little(tmp_path: Path) -> None:
    """However many lines match, counts and a sample cross the wire."""
    answers: list[Completed] = []

    class Listening(Way):
        def run(self, command: str, *, timeout_s: float, repeatable: bool = False) -> Completed:
            answers.append(super().run(command, timeout_s=timeout_s, repeatable=repeatable))
            return answers[-1]

    logs = Logs(tmp_path, Listening())
    logs.write("ERROR and a line of some length\n" * 200_000)
    assert logs.counts() == (0, 200_000)
    assert len(answers[0].stdout) < 10_000

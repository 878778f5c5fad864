"""Logs that cannot be looked at: UNKNOWN with the command that helps, never green."""

from __future__ import annotations

import gzip
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from pytest_ddd.clock import monotonic
from tests.support.sshd import needs
from tests.unit.probes.logs.site import Logs, Way, applets

pytestmark = needs("busybox", "setpriv")

_FEW = ("awk", "cat", "cut", "date", "dd", "grep", "head", "sha256sum", "stat", "tail", "tr", "wc")
"""What a host needs to have a log searched."""


@pytest.fixture
def nobody(tmp_path: Path) -> Iterator[Logs]:
    """The same logs, seen by somebody who may do little."""
    for directory in (tmp_path, *list(tmp_path.parents)[:-2]):
        directory.chmod(directory.stat().st_mode | 0o755)
    yield Logs(tmp_path, Way("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"))
    tmp_path.chmod(0o755)


def test_a_missing_file(logs: Logs) -> None:
    assert f"{logs.path} does not exist" in logs.blind()


def test_a_missing_directory(logs: Logs) -> None:
    assert "does not exist" in logs.blind(path="/no/such/directory/shop.log")


def test_a_directory(logs: Logs) -> None:
    logs.path.mkdir()
    assert "no regular file but a directory" in logs.blind()


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-be"])
def test_a_file_in_utf_16(logs: Logs, encoding: str) -> None:
    mark = b"\xfe\xff" if encoding == "utf-16-be" else b""  # the other one writes its own
    logs.write(mark + "CRITICAL disk is gone\n".encode(encoding))
    assert "is written in UTF-16" in logs.blind()


def test_a_file_that_begins_like_the_mark(logs: Logs) -> None:
    logs.write(b"ab\xff\xfe\n")
    assert logs.counts() == (0, 0)


def test_a_pipe_does_not_hang(logs: Logs) -> None:
    os.mkfifo(logs.path)
    assert "no regular file but a fifo" in logs.blind(timeout="60s")


def test_a_link_to_the_terminal_of_a_container(logs: Logs) -> None:
    logs.path.symlink_to("/dev/null")
    assert "no regular file but a character" in logs.blind()


def test_a_link_to_itself(logs: Logs) -> None:
    logs.path.symlink_to(logs.path)
    assert "cannot be reached" in logs.blind()


def test_a_link_to_nothing(logs: Logs) -> None:
    logs.path.symlink_to("nothing")
    assert "is a link to nothing" in logs.blind(optional=True)


def test_a_file_of_somebody_else(nobody: Logs) -> None:
    nobody.write("CRITICAL\n").chmod(0o600)
    message = nobody.blind()
    assert "cannot be read: permission denied" in message
    assert "ls -l" in message


def test_a_rotated_file_of_somebody_else(nobody: Logs) -> None:
    nobody.write("fine\n")
    nobody.write("CRITICAL\n", "shop.log.1", hours=1).chmod(0o600)
    assert f"{nobody.path}.1 cannot be read" in nobody.blind()


def test_a_directory_that_cannot_be_listed_hides_rotated_files(nobody: Logs) -> None:
    nobody.write("fine\n")
    nobody.directory.chmod(0o711)
    assert "rotated files stay unseen" in nobody.blind()


def test_a_closed_directory_is_not_absence(nobody: Logs) -> None:
    nobody.write("CRITICAL\n")
    nobody.directory.chmod(0o700)
    assert "Permission denied" in nobody.blind(optional=True)


def test_a_known_fault_is_not_hidden_by_a_blind_spot(nobody: Logs) -> None:
    nobody.write("CRITICAL\n")
    nobody.write("fine\n", "shop.log.1", hours=1).chmod(0o600)
    review = nobody.review()
    assert review.critical.value == 1
    assert [problem.text for problem in review.problems] == [
        f"{nobody.path}.1 cannot be read: permission denied"
    ]


def test_a_damaged_archive(logs: Logs) -> None:
    logs.write("fine\n")
    packed = bytearray(gzip.compress(b"fine\n" * 10_000))
    packed[len(packed) // 2 :] = b""
    logs.write(bytes(packed), "shop.log.2.gz", hours=1)
    message = logs.blind()
    assert "cannot be unpacked" in message
    assert "gzip -tv" in message


def test_an_archive_nobody_here_can_unpack(tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    few = Logs(tmp_path, Way(env={"PATH": applets(tmp_path / "bin", "/bin/busybox", _FEW)}))
    few.write("fine\n")
    few.write(gzip.compress(b"fine\n"), "shop.log.2.gz", hours=1)
    assert "is missing on the host" in few.blind()


@pytest.mark.parametrize("tool", _FEW)
def test_a_tool_that_is_missing(tool: str, tmp_path: Path) -> None:
    have = [name for name in _FEW if name != tool]
    (tmp_path / "bin").mkdir()
    logs = Logs(tmp_path, Way(env={"PATH": applets(tmp_path / "bin", "/bin/busybox", have)}))
    logs.write("fine\nERROR\n")
    assert f"{tool} is missing on the host" in logs.blind(ignore=["noise"])


def test_more_than_max_bytes(logs: Logs) -> None:
    logs.write("fine\n" * 1000)
    assert "more than max_bytes (4.88 KiB)" in logs.blind(max_bytes="4999B")


def test_exactly_max_bytes(logs: Logs) -> None:
    logs.write("fine\n" * 1000)
    assert logs.counts(max_bytes="5000B") == (0, 0)


def test_all_files_share_max_bytes(logs: Logs) -> None:
    logs.write("fine\n" * 1000)
    logs.write("fine\n" * 1000, "shop.log.1", hours=1)
    assert "more than max_bytes" in logs.blind(max_bytes="9999B")


def test_an_archive_that_swells_over_max_bytes(logs: Logs) -> None:
    logs.write("fine\n")
    logs.write(gzip.compress(b"fine\n" * 200_000), "shop.log.2.gz", hours=1)
    assert "more than max_bytes" in logs.blind(max_bytes="900000B")


def test_an_archive_of_just_max_bytes(logs: Logs) -> None:
    logs.write("fine\n")
    logs.write(gzip.compress(b"fine\n" * 200_000), "shop.log.2.gz", hours=1)
    assert logs.counts(max_bytes="1000000B") == (0, 0)


def test_a_file_full_of_nul_ends_soon(logs: Logs) -> None:
    with logs.path.open("wb") as log:
        log.truncate(500 << 30)
        log.seek(0, os.SEEK_END)
        log.write(b"CRITICAL\n")
    started = monotonic()
    assert "a line without end" in logs.blind(max_bytes="600GiB")
    assert monotonic() - started < 60


def test_a_line_of_100_mb_ends_soon_and_small(logs: Logs) -> None:
    logs.write(b"x" * 100_000_000)
    assert isinstance(logs.way, Way)
    logs.way = logs.way.limited(64 << 20)
    assert "a line without end" in logs.blind()


def test_a_matching_line_over_max_line(logs: Logs) -> None:
    logs.write(b"fine\nCRITICAL " + b"x" * 70_000 + b"\n")
    assert "line 2 of" in logs.blind()


def test_a_shell_that_cannot_limit_memory(logs: Logs) -> None:
    """The limit of the login is lower already: that guards as well."""
    low = Logs(logs.directory, Way("sh", "-c", 'ulimit -v 65000; exec "$@"', "sh"))
    low.write("CRITICAL\n")
    assert low.counts() == (1, 0)


def test_a_timeout_is_unknown(logs: Logs) -> None:
    slow = Logs(logs.directory, Way("sh", "-c", "sleep 60 #"))
    slow.write("fine\n")
    assert "killed" in slow.blind(timeout="1s")


def test_a_killed_search_is_unknown(logs: Logs) -> None:
    cut = Logs(logs.directory, Way("sh", "-c", "echo '#H 1'; exit 0 #"))
    cut.write("fine\n")
    assert "did not come to its end" in cut.blind()

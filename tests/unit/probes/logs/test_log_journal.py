"""The journal of systemd, read by the real journalctl from a journal made for the test."""

from __future__ import annotations

import subprocess
from datetime import datetime
from pathlib import Path

import pytest

from pytest_ddd.errors import NotApplicableError
from tests.support.sshd import needs
from tests.unit.probes.logs.site import Logs, Way

pytestmark = needs("busybox", "journalctl", "setpriv", "systemd-journal-remote")

_REMOTE = "/lib/systemd/systemd-journal-remote"


def exported(moment: datetime, message: str, *, unit: str, priority: int) -> str:
    """Return one entry in the journal's export format."""
    usec = int(moment.timestamp() * 1_000_000)
    fields = {
        "__REALTIME_TIMESTAMP": usec,
        "__MONOTONIC_TIMESTAMP": usec % 10**9,
        "_BOOT_ID": "0123456789abcdef0123456789abcdef",
        "_SYSTEMD_UNIT": unit,
        "_UID": 0,
        "_HOSTNAME": "web1",
        "SYSLOG_IDENTIFIER": unit.partition(".")[0],
        "PRIORITY": priority,
        "MESSAGE": message,
    }
    return "".join(f"{name}={value}\n" for name, value in fields.items()) + "\n"


@pytest.fixture
def journal(tmp_path: Path) -> Logs:
    """A host whose journal lies in a directory; `entries` adds to it."""
    (tmp_path / "journal").mkdir()
    tools = tmp_path / "tools"
    tools.mkdir()
    program = tools / "journalctl"
    program.write_text(f'#!/bin/sh\nexec /usr/bin/journalctl -D {tmp_path}/journal "$@"\n')
    program.chmod(0o755)
    return Logs(tmp_path, Way(env={"PATH": f"{tools}:/usr/bin:/bin"}))


def fill(logs: Logs, *entries: tuple[float, str, str, int]) -> None:
    """Write entries: hours ago, message, unit, priority."""
    text = "".join(
        exported(logs.at(hours=hours), message, unit=unit, priority=priority)
        for hours, message, unit, priority in entries
    )
    subprocess.run(
        [_REMOTE, "--output", f"{logs.directory}/journal/system.journal", "-"],
        input=text.encode(),
        check=True,
        capture_output=True,
    )


def test_a_unit_is_searched_since_the_night(journal: Logs) -> None:
    fill(
        journal,
        (20, "CRITICAL old", "nginx.service", 2),
        (3, "fine", "nginx.service", 6),
        (2, "CRITICAL new", "nginx.service", 2),
        (1, "CRITICAL other", "cron.service", 2),
    )
    review = journal.review(journal="nginx.service")
    assert review.critical.value == 1
    assert "CRITICAL new" in review.critical.detail


def test_the_whole_journal_is_searched(journal: Logs) -> None:
    fill(journal, (2, "CRITICAL", "nginx.service", 2), (1, "ERROR", "cron.service", 3))
    assert journal.counts(journal="*") == (1, 1)


def test_less_severe_entries_can_be_left_out(journal: Logs) -> None:
    fill(journal, (2, "ERROR is a word here", "a.service", 6), (1, "ERROR", "a.service", 3))
    assert journal.counts(journal="a.service", priority="err") == (0, 1)


def test_a_unit_that_never_wrote_is_unknown(journal: Logs) -> None:
    fill(journal, (2, "fine", "nginx.service", 6))
    assert "never wrote a line" in journal.blind(journal="ngnix.service")


def test_a_unit_that_never_wrote_may_be_optional(journal: Logs) -> None:
    fill(journal, (2, "fine", "nginx.service", 6))
    with pytest.raises(NotApplicableError, match="may be absent"):
        journal.review(journal="rare.service", optional=True)


def test_a_quiet_night_is_green(journal: Logs) -> None:
    fill(journal, (30, "CRITICAL", "nginx.service", 2))
    assert journal.counts(journal="nginx.service") == (0, 0)


def test_a_journal_that_is_not_there_is_unknown(journal: Logs) -> None:
    assert "No journal files were found" in journal.blind(journal="*", optional=True)


def test_a_journal_of_which_only_a_part_may_be_read_is_unknown(journal: Logs) -> None:
    """What journalctl says to a user outside the group systemd-journal, and ends with 0."""
    fill(journal, (2, "fine", "nginx.service", 6))
    hint = "Hint: You are currently not seeing messages from other users and the system."
    program = journal.directory / "tools/journalctl"
    real = program.read_text().splitlines()[1]
    program.write_text(
        f'#!/bin/sh\ncase " $* " in *" -q "*) ;; *) echo "{hint}" >&2 ;; esac\n{real}\n'
    )
    message = journal.blind(journal="nginx.service")
    assert "not seeing messages from other users" in message
    assert "usermod -aG systemd-journal" in message


def test_a_journal_that_nobody_may_open_is_unknown(journal: Logs) -> None:
    fill(journal, (2, "CRITICAL", "nginx.service", 2))
    (journal.directory / "journal/system.journal").chmod(0o600)
    journal.directory.chmod(0o755)
    for parent in list(journal.directory.parents)[:-2]:
        parent.chmod(parent.stat().st_mode | 0o755)
    nobody = Way(
        *("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"),
        env={"PATH": f"{journal.directory}/tools:/usr/bin:/bin"},
    )
    assert "journal cannot be read" in Logs(journal.directory, nobody).blind(journal="*")


def test_a_host_without_journalctl_is_unknown(busybox: Way, tmp_path: Path) -> None:
    logs = Logs(tmp_path, busybox)
    assert "journalctl is missing on the host" in logs.blind(journal="*")


def test_a_failing_journalctl_is_unknown(journal: Logs) -> None:
    fill(journal, (2, "fine", "nginx.service", 6))
    program = journal.directory / "tools/journalctl"
    real = program.read_text().splitlines()[1]
    program.write_text(f'#!/bin/sh\ncase "$*" in *--since*) exit 1 ;; esac\n{real}\n')
    assert "status 1" in journal.blind(journal="nginx.service")


def test_more_than_max_bytes_is_unknown(journal: Logs) -> None:
    fill(journal, *((2.0, f"fine {'x' * 500}", "nginx.service", 6) for _ in range(400)))
    assert "more than max_bytes" in journal.blind(journal="*", max_bytes="100KiB")

"""The system log: a line that arrived, or an error that says that it did not."""

from __future__ import annotations

import socket
from dataclasses import replace
from pathlib import Path

import pytest

from pytest_ddd.escalation.channels.syslog import Syslog, line
from pytest_ddd.messages import Kind, NotNowError, Severity
from tests.lab.proc import wait_for


@pytest.mark.needs("lab")
def test_the_journal_of_a_real_host_has_it(settings, trigger, fresh_host) -> None:
    host = fresh_host()
    device = f"/proc/{host.leader}/root/run/systemd/journal/dev-log"

    Syslog("last", settings(kind="syslog", url=device)).send(trigger, timeout_s=30)

    read = "journalctl --no-pager -o cat -t pytest-ddd -p crit"
    assert wait_for(lambda: trigger.message_id in host.run(read).stdout, 60)


def test_one_datagram_is_one_line(settings, trigger, tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as log:
        log.bind(str(tmp_path / "log"))
        Syslog("last", settings(kind="syslog", url=str(tmp_path / "log"))).send(
            replace(trigger, summary="two\nlines"), timeout_s=30
        )
        got = log.recv(65536)

    assert b"\n" not in got
    assert b"[CRITICAL] prod: two lines" in got


@pytest.mark.parametrize(
    ("severity", "kind", "priority"),
    [
        (Severity.CRITICAL, Kind.TRIGGER, 3 * 8 + 2),
        (Severity.ERROR, Kind.TRIGGER, 3 * 8 + 3),
        (Severity.WARNING, Kind.REMIND, 3 * 8 + 4),
        (Severity.CRITICAL, Kind.RESOLVE, 3 * 8 + 5),
        (Severity.INFO, Kind.INFO, 3 * 8 + 6),
    ],
)
def test_the_level_is_that_of_the_severity(trigger, severity, kind, priority) -> None:
    made = line(replace(trigger, severity=severity, kind=kind), 42)

    assert made.startswith(f"<{priority}>pytest-ddd[42]: ".encode())


def test_a_line_is_never_too_long(trigger) -> None:
    made = line(replace(trigger, summary="ü" * 5000), 42)

    assert len(made) < 1024
    made.decode()


def test_no_log_is_an_error(settings, trigger, tmp_path: Path) -> None:
    channel = Syslog("last", settings(kind="syslog", url=str(tmp_path / "none")))

    with pytest.raises(NotNowError, match="none: No such file"):
        channel.send(trigger, timeout_s=30)

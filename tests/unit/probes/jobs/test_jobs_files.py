"""Jobs that leave a marker file or a line in a log, on this machine."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pytest_ddd import clock
from pytest_ddd.probes.job_sources.log_line import stamp_of
from tests.support.shipped import GREEN, RED, UNKNOWN, YELLOW, Verdict

Look = Callable[..., Verdict]


def due(hours: int) -> str:
    """Return limits of a job that was due so many hours ago, to the minute."""
    at = clock.now() - timedelta(hours=hours)
    return f'schedule: "{at.minute} {at.hour} * * *", late: {{warn: 30m, crit: 2h}}'


@pytest.fixture
def marker(tmp_path: Path) -> Path:
    return tmp_path / "it's done"


def write(file: Path, ago: timedelta, text: str = "exit 0\n") -> None:
    file.write_text(text)
    at = (clock.now() - ago).timestamp()
    os.utime(file, (at, at))


def test_a_fresh_marker_is_green_and_an_old_one_red(look, marker):
    source = f'file: {{path: "{marker}"}}'
    missing = look(source, due(3))
    write(marker, timedelta(hours=2, minutes=40))
    fresh = look(source, due(3))
    write(marker, timedelta(hours=1, minutes=40))
    late = look(source, due(3))
    write(marker, timedelta(hours=4))
    old = look(source, due(3))

    assert [missing.outcome, fresh.outcome, late.outcome, old.outcome] == [RED, GREEN, YELLOW, RED]
    assert "no run is known" in missing.text


def test_an_hourly_job_that_is_dead_for_a_week_is_red_whatever_its_limit(look, marker):
    hourly = f'schedule: "{clock.now().minute} * * * *", late: {{crit: 3h}}'
    source = f'file: {{path: "{marker}"}}'
    write(marker, timedelta(days=7))
    dead = look(source, hourly)
    write(marker, timedelta(minutes=90))

    assert dead.outcome is RED
    assert look(source, hourly).outcome is GREEN


def test_a_marker_that_tells_of_a_failure_is_red_and_healed(look, marker):
    source = f'file: {{path: "{marker}", contains: "^exit 0$"}}'
    write(marker, timedelta(hours=2, minutes=40), "exit 3")
    broken = look(source, due(3))
    write(marker, timedelta(hours=2, minutes=40), "exit 0")

    assert broken.outcome is RED
    assert "holds no ~^exit 0$; it begins 'exit 3'" in broken.text
    assert look(source, due(3)).outcome is GREEN


def test_a_marker_from_the_future_is_red(look, marker):
    write(marker, -timedelta(hours=1))

    assert "tells of the future" in look(f'file: {{path: "{marker}"}}', due(3)).text


def test_a_directory_is_no_marker(look, marker):
    marker.mkdir()

    assert look(f'file: {{path: "{marker}"}}', due(3)).outcome is UNKNOWN


def test_a_marker_on_a_host(look, marker):
    write(marker, timedelta(hours=2, minutes=40))

    assert look(f'file: {{path: "{marker}"}}, applies_to: [here]', due(3)).outcome is GREEN


def line(ago: timedelta, words: str) -> str:
    return f"{clock.now() - ago:%Y-%m-%dT%H:%M:%SZ} {words}\n"


def test_the_last_line_counts(look, tmp_path):
    log = tmp_path / "report.log"
    source = f'log: {{path: "{log}", success: "report: (done|ok)", failure: "report: failed"}}'
    log.write_text(line(timedelta(hours=27), "report: done"))
    missing = look(source, due(3))
    with log.open("a") as file:
        file.write(line(timedelta(hours=2, minutes=50), "report: failed: no disk"))
    failed = look(source, due(3))
    with log.open("a") as file:
        file.write(line(timedelta(hours=2, minutes=40), "report: done") + "other\n")
    healed = look(source, due(3))

    assert [missing.outcome, failed.outcome, healed.outcome] == [RED, RED, GREEN]
    assert "report: failed: no disk" in failed.text
    assert "report lateness 20m" in healed.text


def test_the_rotated_log_is_searched_too(look, tmp_path):
    log = tmp_path / "report.log"
    log.write_text("nothing yet\n")
    (tmp_path / "report.log.1").write_text(line(timedelta(hours=2, minutes=40), "done"))

    assert look(f'log: {{path: "{log}", success: done}}', due(3)).outcome is GREEN
    (tmp_path / "report.log.1").unlink()
    assert look(f'log: {{path: "{log}", success: done}}', due(3)).outcome is RED


@pytest.mark.parametrize("content", [None, "done without a time\n"])
def test_a_log_that_tells_nothing_is_unknown(look, tmp_path, content):
    log = tmp_path / "report.log"
    if content is not None:
        log.write_text(content)

    assert look(f'log: {{path: "{log}", success: done}}', due(3)).outcome is UNKNOWN


def test_a_pattern_that_grep_refuses_is_unknown(look, tmp_path):
    log = tmp_path / "report.log"
    log.write_text(line(timedelta(hours=2, minutes=40), "done"))

    assert look(f'log: {{path: "{log}", success: "a{{99999}}"}}', due(3)).outcome is UNKNOWN


NOW = datetime(2026, 1, 2, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("stamp", "moment"),
    [
        ("2026-01-02T11:00:00Z", "2026-01-02T11:00:00"),
        ("2026-01-02T11:00:00.123+01:00", "2026-01-02T10:00:00"),
        ("2026-01-02 11:00:00,123 UTC", "2026-01-02T11:00:00"),
        ("[2026/01/02 11:00:00]", "2026-01-02T10:00:00"),
        ("Jan  2 11:00:00 host", "2026-01-02T10:00:00"),
        ("Dec 31 11:00:00 host", "2025-12-31T10:00:00"),
        ("<13>Jan  2 11:00:00 host", "2026-01-02T10:00:00"),
        ("1767351600 done", "2026-01-02T11:00:00"),
        ("1767351600.5 done", "2026-01-02T11:00:00"),
    ],
)
def test_stamps_of_lines(stamp, moment):
    """A stamp without a zone is in the zone of the host, here one hour east."""
    found = stamp_of(f"{stamp} done", NOW, "+0100")

    assert found == datetime.fromisoformat(moment).replace(tzinfo=UTC)

"""How late a job is, as arithmetic."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from pytest_ddd.probes.job_sources.interface import Run
from pytest_ddd.probes.job_sources.lateness import lateness

LAST = datetime(2026, 11, 23, 18, 0, tzinfo=UTC)
DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)
BEFORE = LAST - DAY


def done(ended: datetime) -> Run:
    return Run(started_at=ended - MINUTE, finished_at=ended)


def failed(ended: datetime) -> Run:
    return Run(started_at=ended - MINUTE, finished_at=ended, succeeded=False)


def running(since: datetime) -> Run:
    return Run(started_at=since)


@pytest.mark.parametrize(
    ("run", "now", "late"),
    [
        (done(LAST + 20 * MINUTE), LAST + 5 * HOUR, 20 * MINUTE),
        (done(LAST), LAST + 5 * HOUR, 0 * HOUR),
        # not yet ended, and it need not have
        (done(BEFORE + 20 * MINUTE), LAST + 10 * MINUTE, 10 * MINUTE),
        (done(LAST - MINUTE), LAST + 10 * MINUTE, 10 * MINUTE),
        # not yet ended, and it should have
        (done(BEFORE + 20 * MINUTE), LAST + 31 * MINUTE, 31 * MINUTE),
        (failed(LAST + 20 * MINUTE), LAST + 31 * MINUTE, 31 * MINUTE),
        (None, LAST + 31 * MINUTE, 31 * MINUTE),
        # the time before was missed already
        (done(BEFORE - HOUR), LAST + 10 * MINUTE, DAY + 10 * MINUTE),
        (failed(BEFORE + HOUR), LAST + 10 * MINUTE, DAY + 10 * MINUTE),
        (None, LAST + 10 * MINUTE, DAY + 10 * MINUTE),
        # it runs
        (running(LAST + MINUTE), LAST + 3 * HOUR, 3 * HOUR),
        (running(LAST - 30 * timedelta(seconds=1)), LAST + MINUTE, MINUTE),
        (running(BEFORE + MINUTE), LAST + 10 * MINUTE, DAY + 10 * MINUTE),
    ],
)
def test_lateness(run, now, late):
    found = lateness(run, last=LAST, before=BEFORE, now=now, grace_s=1800)

    assert found.seconds == late.total_seconds()

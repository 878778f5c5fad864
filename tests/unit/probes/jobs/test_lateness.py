"""How late a job is, as arithmetic."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import count

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


def daily():
    return (LAST - number * DAY for number in count())


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
    found = lateness(run, dues=daily(), now=now, most_s=1800)

    assert found is not None
    assert found.seconds == late.total_seconds()


@pytest.mark.parametrize(
    ("run", "late"),
    [
        (done(LAST - 7 * DAY), 3 * HOUR + 10 * MINUTE),
        (failed(LAST - 7 * DAY), 3 * HOUR + 10 * MINUTE),
        (running(LAST - 7 * DAY), 3 * HOUR + 10 * MINUTE),
        (None, 3 * HOUR + 10 * MINUTE),
        (done(LAST - HOUR - 30 * MINUTE), HOUR + 10 * MINUTE),
        (running(LAST - HOUR - 30 * MINUTE), 2 * HOUR + 10 * MINUTE),
        (done(LAST - 30 * MINUTE), 10 * MINUTE),
    ],
)
def test_job_that_is_dead_reaches_a_limit_of_several_periods(run, late):
    hourly = (LAST - number * HOUR for number in count())

    found = lateness(run, dues=hourly, now=LAST + 10 * MINUTE, most_s=3 * 3600)

    assert found is not None
    assert found.seconds == late.total_seconds()


def test_never_due():
    assert lateness(None, dues=(), now=LAST, most_s=1800) is None

"""Remember in the history what was due, so that a run that never began is missed by somebody."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy import Connection

from pytest_ddd.history import occurrences
from pytest_ddd.occurrences import Occurrence
from pytest_ddd.scenarios.schedule import Schedule

BEFORE = "before anybody remembered this schedule"
_US = "pytest-ddd"

_BACK = timedelta(days=400)
"""More than a year: the last occurrence of every routine is newer."""


def remember(tx: Connection, environment: str, schedule: Schedule, now: datetime) -> None:
    """Remember all that has become due since the last time.

    The first time, what was due last is remembered too; if it may not start any more it is
    excused, because nobody knows whether the schedule was there already.
    """
    known = occurrences.between(
        tx, now - _BACK, now + timedelta.resolution, environment, schedule.scenario
    )
    if not known:
        last = schedule.last_until(now)
        if last is not None and schedule.startable(now) is None:
            first = replace(_occurrence(environment, schedule, last), excuse=BEFORE, excused_by=_US)
            occurrences.excuse(tx, first)
        start = last
    else:
        start = known[-1].due_at  # once more: a run may be there that nobody expected
    if start is not None:
        for due in schedule.between(start, now + timedelta.resolution):
            occurrences.expect(tx, _occurrence(environment, schedule, due))


def _occurrence(environment: str, schedule: Schedule, due: datetime) -> Occurrence:
    return Occurrence(
        environment=environment,
        scenario=schedule.scenario,
        due_at=due,
        grace_s=schedule.grace.total_seconds(),
        schedule=f"{schedule.days} {schedule.zone.key}",
    )

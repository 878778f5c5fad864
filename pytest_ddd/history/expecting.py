"""Remember in the history what was due, so that a run that never began is missed by somebody."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Connection

from pytest_ddd.history import occurrences
from pytest_ddd.occurrences import Occurrence
from pytest_ddd.scenarios.schedule import Schedule

_BACK = timedelta(days=400)
"""More than a year: the last occurrence of every routine is newer."""


def remember(tx: Connection, environment: str, schedule: Schedule, now: datetime) -> None:
    """Remember all that has become due since the last time.

    The first time, that is only what may start now: nobody knows how long before the schedule
    was there.
    """
    known = occurrences.between(
        tx, now - _BACK, now + timedelta.resolution, environment, schedule.scenario
    )
    if known:
        start: datetime | None = known[-1].due_at + timedelta.resolution
    else:
        start = schedule.startable(now)
    if start is None:
        return
    for due in schedule.between(start, now + timedelta.resolution):
        occurrences.expect(
            tx,
            Occurrence(
                environment=environment,
                scenario=schedule.scenario,
                due_at=due,
                grace_s=schedule.grace.total_seconds(),
                schedule=f"{schedule.days} {schedule.zone.key}",
            ),
        )

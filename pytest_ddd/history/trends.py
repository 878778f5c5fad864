"""Finds what the judged readings of a scenario were in its last runs."""

from __future__ import annotations

from sqlalchemy import Connection, select

from pytest_ddd.history.tables import READINGS, RESULTS, RUNS
from pytest_ddd.occurrences import State, Trend

_RUNS = 30
"""How many runs a trend reaches back."""

_READINGS = 100_000
"""How many readings are looked through: a large fleet sees fewer runs, not a slower report."""


def trends(tx: Connection, environment: str, scenario: str) -> tuple[Trend, ...]:
    """Return the values of each judged reading over the last runs, oldest first.

    Of a check that was looked at twice in a run, the last look counts.
    """
    last = (
        select(RUNS.c.id)
        .where(RUNS.c.environment == environment, RUNS.c.scenario == scenario)
        .where(RUNS.c.state != State.RUNNING)
        .order_by(RUNS.c.started_at.desc())
        .limit(_RUNS)
    )
    about = (RESULTS.c.check_id, RESULTS.c.target, RESULTS.c.entry, READINGS.c.name)
    rows = tx.execute(
        select(READINGS.c.run, READINGS.c.number, READINGS.c.unit, *about)
        .join(RESULTS, (RESULTS.c.run == READINGS.c.run) & (RESULTS.c.seq == READINGS.c.seq))
        .where(READINGS.c.run.in_(tx.execute(last).scalars().all()))
        .where(READINGS.c.number.is_not(None), READINGS.c.outcome.is_not(None))
        .order_by(READINGS.c.run.desc(), READINGS.c.seq.desc(), READINGS.c.n.desc())
        .limit(_READINGS)
    )
    units: dict[tuple[str, ...], str] = {}
    values: dict[tuple[str, ...], dict[int, float]] = {}
    for run, number, unit, *name in rows:
        key = tuple(name)
        if units.setdefault(key, unit) == unit:
            values.setdefault(key, {}).setdefault(run, number)
    return tuple(
        Trend(
            check_id=key[0],
            target=key[1],
            entry=key[2],
            name=key[3],
            unit=units[key],
            values=tuple(reversed(found.values())),
        )
        for key, found in values.items()
        if len(found) > 1
    )

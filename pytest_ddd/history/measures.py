"""Measures what runs do not say of themselves: how long yellows took, and readings by name."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Sequence
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Connection, Select, and_, func, literal_column, select

from pytest_ddd.history import occurrences
from pytest_ddd.history.tables import READINGS, RESULTS, RUNS
from pytest_ddd.occurrences import Gathered

_CHUNK = 500
"""Keys in one statement: SQLite takes a limited number of values."""

YELLOW_DAYS = 90
"""How far back yellows are timed; a test holds that no objective asks for more."""

_YELLOW: ColumnElement[str] = literal_column("'YELLOW'")
_GREEN: ColumnElement[str] = literal_column("'GREEN'")
"""Literal, because an index over part of a table serves no parameter."""

_NO_NUMBER = 1e308


def slowest(tx: Connection, runs: Collection[int]) -> dict[int, float]:
    """Return seconds from yellow to green of the slowest check that turned yellow, by run.

    A run in which nothing turned yellow is not in it; what is not green yet takes for ever. A
    check that was yellow at the look before turned yellow earlier, and counts there.
    """
    found: dict[int, float] = {}
    for keys in _chunks(runs):
        for row in tx.execute(_episodes(keys)).mappings():
            took_s = _seconds(row["yellow_at"], row["green_at"])
            found[row["run"]] = max(found.get(row["run"], 0.0), took_s)
    return found


def largest(
    tx: Connection, runs: Collection[int], names: Collection[str]
) -> dict[tuple[str, int], float]:
    """Return the largest distance from 0 by reading and run; one without a number is infinite."""
    found: dict[tuple[str, int], float] = {}
    distance = func.max(func.coalesce(func.abs(READINGS.c.number), _NO_NUMBER))
    for keys in _chunks(runs):
        rows = (
            select(READINGS.c.name, READINGS.c.run, distance.label("distance"))
            .where(READINGS.c.run.in_(keys), READINGS.c.name.in_(sorted(names)))
            .group_by(READINGS.c.name, READINGS.c.run)
        )
        for row in tx.execute(rows).mappings():
            value = row["distance"]
            found[row["name"], row["run"]] = math.inf if value >= _NO_NUMBER else value
    return found


def _episodes(keys: Sequence[int]) -> Select[tuple[object, ...]]:
    """Select run, time of the first yellow look, and time of the next green one."""
    yellow, other, run, other_run = (
        RESULTS.alias("yellow"),
        RESULTS.alias("other"),
        RUNS.alias("run"),
        RUNS.alias("other_run"),
    )
    same = and_(
        other.c.check_id == yellow.c.check_id,
        other.c.target == yellow.c.target,
        other.c.entry == yellow.c.entry,
        other_run.c.environment == run.c.environment,
    )
    joined = other.join(other_run, other_run.c.id == other.c.run)
    looks = select(other.c.started_at).select_from(joined).where(same)
    green_at = (
        looks.where(other.c.outcome == _GREEN, other.c.started_at > yellow.c.started_at)
        .order_by(other.c.started_at)
        .limit(1)
        .correlate(yellow, run)
        .scalar_subquery()
    )
    before = (
        looks.with_only_columns(other.c.outcome)
        .where(other.c.started_at < yellow.c.started_at)
        .order_by(other.c.started_at.desc())
        .limit(1)
        .correlate(yellow, run)
        .scalar_subquery()
    )
    return (
        select(yellow.c.run, yellow.c.started_at.label("yellow_at"), green_at.label("green_at"))
        .select_from(yellow.join(run, run.c.id == yellow.c.run))
        .where(
            yellow.c.run.in_(keys),
            yellow.c.outcome == _YELLOW,
            func.coalesce(before, "") != _YELLOW,
        )
    )


def _seconds(since: datetime, until: datetime | None) -> float:
    return math.inf if until is None else (until - since).total_seconds()


def _chunks(keys: Collection[int]) -> Iterator[list[int]]:
    ordered = sorted(keys)
    for start in range(0, len(ordered), _CHUNK):
        yield ordered[start : start + _CHUNK]


def gather(
    tx: Connection, environment: str, since: datetime, until: datetime, readings: Collection[str]
) -> Gathered:
    """Return what objectives count: the occurrences of a time, and what was measured in them."""
    found = occurrences.between(tx, since, until, environment)
    runs = [one.run.id for one in found if one.run is not None]
    recent = until - timedelta(days=YELLOW_DAYS)
    young = [one.run.id for one in found if one.run is not None and one.due_at >= recent]
    return Gathered(
        occurrences=found,
        yellow_s=slowest(tx, young),
        readings=largest(tx, runs, readings) if readings else {},
    )

"""Answers the questions that people ask a history: which runs there were, and what they found."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import TextIO

from sqlalchemy import Connection, delete, func, select, update

from pytest_ddd.history import lines, rows
from pytest_ddd.history.lines import RunKey
from pytest_ddd.history.records import RunEnd, RunStart
from pytest_ddd.history.runs import to_run
from pytest_ddd.history.tables import READINGS, RESULTS, RUNS
from pytest_ddd.occurrences import Run, State
from pytest_ddd.outcomes import Outcome
from pytest_ddd.plain import Json

_CHUNK = 1000


def listed(
    tx: Connection, *, environment: str = "", scenario: str = "", limit: int = 20
) -> tuple[Run, ...]:
    """Return the last runs, newest first."""
    wanted = select(RUNS).order_by(RUNS.c.started_at.desc(), RUNS.c.id.desc()).limit(limit)
    if environment:
        wanted = wanted.where(RUNS.c.environment == environment)
    if scenario:
        wanted = wanted.where(RUNS.c.scenario == scenario)
    return tuple(to_run(row) for row in tx.execute(wanted).mappings())


def find(tx: Connection, run_id: str) -> tuple[Run, ...]:
    """Return the runs whose `run_id` begins like this, or whose key it is."""
    is_wanted = RUNS.c.run_id.startswith(run_id, autoescape=True)
    if run_id.isdecimal():
        is_wanted |= RUNS.c.id == int(run_id)
    found = select(RUNS).where(is_wanted).order_by(RUNS.c.id)
    return tuple(to_run(row) for row in tx.execute(found).mappings())


def records(tx: Connection, run: Run) -> Iterator[dict[str, Json]]:
    """Yield the records of a run's results, as evidence has them, in their order."""
    after = 0
    while True:
        chunk = (
            tx.execute(
                select(RESULTS)
                .where(RESULTS.c.run == run.id, RESULTS.c.seq > after)
                .order_by(RESULTS.c.seq)
                .limit(_CHUNK)
            )
            .mappings()
            .all()
        )
        if not chunk:
            return
        readings = _readings(tx, run.id, after, chunk[-1]["seq"])
        for row in chunk:
            about = {"run_id": run.run_id, "environment": run.environment, "scenario": run.scenario}
            yield rows.to_record(dict(row) | about, readings.get(row["seq"], ()))
        after = chunk[-1]["seq"]


def boundaries(tx: Connection, run: Run) -> tuple[RunStart, RunEnd | None]:
    """Return how a run began and, if it did, ended."""
    row = dict(tx.execute(select(RUNS).where(RUNS.c.id == run.id)).mappings().one())
    start = RunStart(**{name: row[name] for name in RunStart.__dataclass_fields__})
    if row["state"] not in (State.FINISHED, State.INTERRUPTED):
        return start, None
    end = RunEnd(
        finished_at=row["finished_at"],
        interrupted=row["state"] == State.INTERRUPTED,
        kind=row["kind"],
        used_s=row["used_s"],
        waited_s=row["waited_s"],
        outcome=Outcome(row["outcome"]),
        narrowed=row["narrowed"],
    )
    return start, end


def prunable(tx: Connection, before: datetime) -> tuple[int, int]:
    """Return how many results, of how many runs, are older than `before`."""
    old = select(RUNS.c.id).where(RUNS.c.started_at < before, RUNS.c.state != State.RUNNING)
    count = select(func.count(), func.count(RESULTS.c.run.distinct()))
    found = tx.execute(count.where(RESULTS.c.run.in_(old))).one()
    return found[0], found[1]


def prune(tx: Connection, before: datetime) -> None:
    """Delete results and readings of runs older than `before`; the runs themselves stay."""
    old = select(RUNS.c.id).where(RUNS.c.started_at < before, RUNS.c.state != State.RUNNING)
    tx.execute(delete(READINGS).where(READINGS.c.run.in_(old)))
    tx.execute(delete(RESULTS).where(RESULTS.c.run.in_(old)))


def invalidate(tx: Connection, run: Run, *, by: str, reason: str) -> None:
    """Remember that a run must not count: who says so, and why."""
    values = {"invalidated_by": by, "invalidated_reason": reason}
    tx.execute(update(RUNS).where(RUNS.c.id == run.id).values(**values))


def _readings(tx: Connection, run: int, after: int, last: int) -> dict[int, list[str]]:
    found: dict[int, list[str]] = {}
    wanted = (
        select(READINGS.c.seq, READINGS.c.record)
        .where(READINGS.c.run == run, READINGS.c.seq > after, READINGS.c.seq <= last)
        .order_by(READINGS.c.seq, READINGS.c.n)
    )
    for row in tx.execute(wanted).mappings():
        found.setdefault(row["seq"], []).append(row["record"])
    return found


def export(tx: Connection, run: Run, file: TextIO) -> None:
    """Write a run as JSON Lines that `importing` reads."""
    start, end = boundaries(tx, run)
    file.write(lines.of_begin(start))
    file.writelines(lines.of_record(record) for record in records(tx, run))
    if end is not None:
        key = RunKey(run_id=run.run_id, environment=run.environment, scenario=run.scenario)
        file.write(lines.of_end(key, end))

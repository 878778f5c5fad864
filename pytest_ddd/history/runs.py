"""Writes runs and their results, one step of a run's life a function.

Each takes the connection of `Store.transaction` first, `add` also that of `Store.appending`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from datetime import datetime, timedelta
from functools import cache
from typing import Protocol

from sqlalchemy import Connection, Dialect, RowMapping, Table, func, insert, select, update

from pytest_ddd import clock
from pytest_ddd.history import processes, rows
from pytest_ddd.history.records import RunEnd, RunStart
from pytest_ddd.history.tables import READINGS, RESULTS, RUNS
from pytest_ddd.history.tally import Tally
from pytest_ddd.occurrences import Run, State
from pytest_ddd.outcomes import Outcome
from pytest_ddd.results import CheckResult, to_record

SILENT_S = 300.0
"""A run that was not heard of for so long, five heartbeats, is dead."""


def begin(tx: Connection, start: RunStart) -> int:
    """Remember that a run begins, and return its key for the other functions."""
    process = start.process or processes.own()
    values = asdict(start) | {"process": process, "state": State.RUNNING}
    values["heartbeat_at"] = clock.now()
    result = tx.execute(insert(RUNS).values(**values))
    assert result.inserted_primary_key is not None
    return int(result.inserted_primary_key[0])


class Writes(Protocol):
    """What takes rows: the connection of `Store.transaction`, or that of `Store.appending`."""

    @property
    def dialect(self) -> Dialect:
        """Says how its driver names values."""

    def exec_driver_sql(self, statement: str, rows: list[rows.Row], /) -> object:
        """Do a statement of the driver once for each row."""


def add(tx: Writes, run: int, seq: int, result: CheckResult) -> rows.Row:
    """Remember one result; its run counts `seq` from 1. Returns its row, for a `Tally`.

    What has passed redaction in the process that took the readings passes it unchanged; what the
    controller makes itself passes it here.
    """
    row, readings = rows.of_record(to_record(result), run, seq)
    put(tx, [row], readings)
    return row


def put(tx: Writes, results: list[rows.Row], readings: list[rows.Row]) -> None:
    """Write rows of `rows.of_record`.

    As text for the driver: that SQLAlchemy builds statements and looks at each value would be
    half of what a result costs.
    """
    if results:
        tx.exec_driver_sql(_insert(RESULTS, tx.dialect.paramstyle), results)
    if readings:
        tx.exec_driver_sql(_insert(READINGS, tx.dialect.paramstyle), readings)


@cache
def _insert(table: Table, style: str) -> str:
    """Return the statement that adds a whole row; values are given by name."""
    names = [column.name for column in table.columns]
    form = "%({})s" if style == "pyformat" else ":{}"
    values = ", ".join(form.format(name) for name in names)
    return f"INSERT INTO {table.name} ({', '.join(names)}) VALUES ({values})"  # noqa: S608  # names of our own tables


def beat(tx: Connection, keys: Iterable[int]) -> None:
    """Say that runs are alive."""
    tx.execute(update(RUNS).where(RUNS.c.id.in_(list(keys))).values(heartbeat_at=clock.now()))


def finish(tx: Connection, run: int, end: RunEnd, tally: Tally) -> None:
    """Remember how a run ended, and what its results say together."""
    values = asdict(end) | tally.columns() | {"heartbeat_at": clock.now()}
    values["state"] = State.INTERRUPTED if values.pop("interrupted") else State.FINISHED
    tx.execute(update(RUNS).where(RUNS.c.id == run).values(**values))


def abort_dead(tx: Connection) -> tuple[Run, ...]:
    """Mark runs whose process is gone, or silent for too long; return them.

    Their results are kept, and those behind `evaluated_to` are still to be evaluated.
    """
    now = clock.now()
    running = select(RUNS).where(RUNS.c.state == State.RUNNING)
    dead = [row for row in tx.execute(running).mappings() if _is_dead(row, now)]
    if dead:
        keys = [row["id"] for row in dead]
        tx.execute(update(RUNS).where(RUNS.c.id.in_(keys)).values(state=State.ABORTED))
    return tuple(to_run(row | {"state": State.ABORTED}) for row in map(dict, dead))


def unevaluated(tx: Connection) -> tuple[Run, ...]:
    """Return all runs with committed results that no evaluation has covered, oldest first."""
    newest = select(func.max(RESULTS.c.seq)).where(RESULTS.c.run == RUNS.c.id).scalar_subquery()
    waiting = select(RUNS).where(newest > RUNS.c.evaluated_to).order_by(RUNS.c.started_at)
    return tuple(to_run(dict(row)) for row in tx.execute(waiting).mappings())


def mark_evaluated(tx: Connection, run: int, seq: int, escalations: int | None = None) -> None:
    """Remember that an evaluation has covered the results of a run up to `seq`.

    Args:
        tx: the transaction that also writes the states, transitions and messages of it.
        run: key of the run.
        seq: the last result that was covered.
        escalations: how many alerts the whole run has raised; None leaves the number alone.
    """
    values = {"evaluated_to": seq}
    if escalations is not None:
        values["escalations"] = escalations
    tx.execute(update(RUNS).where(RUNS.c.id == run).values(**values))


def to_run(row: RowMapping | dict[str, object]) -> Run:
    """Return the run of a row of `runs`."""
    values = {name: row[name] for name in Run.__dataclass_fields__}
    values["state"] = State(str(row["state"]))
    values["outcome"] = Outcome(str(row["outcome"])) if row["outcome"] is not None else None
    return Run(**values)  # type: ignore[arg-type]  # the columns are the fields


def _is_dead(row: RowMapping, now: datetime) -> bool:
    silent = now - row["heartbeat_at"] > timedelta(seconds=SILENT_S)
    return silent or processes.is_gone(row["process"])

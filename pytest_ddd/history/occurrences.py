"""Remembers which runs the schedules asked for, and tells what became of them."""

from __future__ import annotations

import importlib
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, Table, and_, select, update

from pytest_ddd.history.runs import to_run
from pytest_ddd.history.tables import OCCURRENCES, RUNS
from pytest_ddd.occurrences import Occurrence, Run, State

GRACE_S = 1800.0
"""How late a run may begin when its schedule says nothing else."""


def expect(tx: Connection, occurrence: Occurrence) -> None:
    """Remember that a schedule asks for a run; saying so again changes nothing."""
    dialect = importlib.import_module(f"sqlalchemy.dialects.{tx.dialect.name}")  # one is enough
    values = {column.name: getattr(occurrence, column.name) for column in OCCURRENCES.columns}
    tx.execute(dialect.insert(OCCURRENCES).values(values).on_conflict_do_nothing())


def excuse(tx: Connection, occurrence: Occurrence) -> None:
    """Remember an occurrence with its `excuse` and `excused_by`: it need not happen."""
    expect(tx, occurrence)
    key = _is(occurrence.environment, occurrence.scenario, occurrence.due_at)
    values = {"excuse": occurrence.excuse, "excused_by": occurrence.excused_by}
    tx.execute(update(OCCURRENCES).where(key).values(values))


def between(
    tx: Connection, since: datetime, until: datetime, environment: str = "", scenario: str = ""
) -> tuple[Occurrence, ...]:
    """Return the occurrences due from `since` to before `until`, oldest first.

    Scheduled runs that nobody expected, because no schedule was remembered, are among them:
    with the usual grace.
    """
    expected = select(OCCURRENCES).where(*_due(OCCURRENCES, since, until, environment, scenario))
    scheduled = (
        select(RUNS)
        .where(RUNS.c.kind == "scheduled", *_due(RUNS, since, until, environment, scenario))
        .order_by(RUNS.c.started_at)
    )
    found: dict[tuple[str, str, datetime], dict[str, object]] = {}
    for row in tx.execute(expected).mappings():
        found[row["environment"], row["scenario"], row["due_at"]] = dict(row)
    chosen: dict[tuple[str, str, datetime], Run] = {}
    for row in tx.execute(scheduled).mappings():
        run = to_run(row)
        key = (row["environment"], row["scenario"], row["due_at"])
        chosen[key] = _choose(chosen.get(key), run)
        found.setdefault(
            key, dict(zip(("environment", "scenario", "due_at"), key, strict=True), grace_s=GRACE_S)
        )
    ordered = sorted(found, key=lambda key: (key[2], key[:2]))
    return tuple(
        Occurrence(**found[key], run=chosen.get(key))  # type: ignore[arg-type]  # the columns are its fields
        for key in ordered
    )


def _choose(before: Run | None, run: Run) -> Run:
    """Return the run that counts: the first that finished, so that nobody repeats until green."""
    if before is None or before.state is not State.FINISHED:
        return run
    return before


def _is(environment: str, scenario: str, due_at: datetime) -> ColumnElement[bool]:
    table = OCCURRENCES.c
    return and_(
        table.environment == environment, table.scenario == scenario, table.due_at == due_at
    )


def _due(
    table: Table, since: datetime, until: datetime, environment: str, scenario: str
) -> list[ColumnElement[bool]]:
    """Return the conditions; an empty name stands for all."""
    wanted = [table.c.due_at >= since, table.c.due_at < until]
    if environment:
        wanted.append(table.c.environment == environment)
    if scenario:
        wanted.append(table.c.scenario == scenario)
    return wanted

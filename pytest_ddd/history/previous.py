"""Finds the run before: the last whole one of the same scenario that came to an end."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, Select, and_, func, select, tuple_

from pytest_ddd.history.runs import to_run
from pytest_ddd.history.tables import RESULTS, RUNS
from pytest_ddd.occurrences import PastResult, PreviousRun, Run, State
from pytest_ddd.outcomes import Outcome

ENDED = (State.FINISHED, State.INTERRUPTED)

_BAD = (Outcome.RED, Outcome.UNKNOWN, Outcome.BLOCKED, Outcome.YELLOW)
"""What somebody should look at."""

_Series = tuple[str, str, str]


def before(tx: Connection, environment: str, scenario: str, run_id: str) -> PreviousRun | None:
    """Return the run before `run_id`; None when this is the first one."""
    row = tx.execute(_last(environment, scenario).where(RUNS.c.run_id != run_id)).mappings().first()
    if row is None:
        return None
    run = to_run(row)
    results = _last_looks(tx, run)
    bad = [past for past in results if past.outcome in _BAD]
    return PreviousRun(run=run, results=results, bad_since=_bad_since(tx, environment, bad))


def last_scheduled_at(tx: Connection, environment: str, scenario: str) -> datetime | None:
    """Return when the last scheduled run that came to its end began."""
    rows = _last(environment, scenario).where(
        RUNS.c.kind == "scheduled", RUNS.c.state == State.FINISHED
    )
    row = tx.execute(rows).mappings().first()
    return None if row is None else to_run(row).started_at


def _last(environment: str, scenario: str) -> Select[tuple[object, ...]]:
    return (
        select(RUNS)
        .where(
            RUNS.c.environment == environment,
            RUNS.c.scenario == scenario,
            RUNS.c.state.in_(ENDED),
            RUNS.c.narrowed.is_(False),
        )
        .order_by(RUNS.c.started_at.desc())
        .limit(1)
    )


def _last_looks(tx: Connection, run: Run) -> tuple[PastResult, ...]:
    found: dict[tuple[object, ...], PastResult] = {}
    rows = select(RESULTS).where(RESULTS.c.run == run.id).order_by(RESULTS.c.look, RESULTS.c.seq)
    for row in tx.execute(rows).mappings():
        past = PastResult(
            identity=(run.environment, row["check_id"], row["target"], row["entry"]),
            nodeid=row["nodeid"],
            outcome=Outcome(row["outcome"]),
            reason=row["reason"],
            started_at=row["started_at"],
        )
        found[past.identity, past.nodeid] = past
    return tuple(found.values())


def _bad_since(
    tx: Connection, environment: str, bad: Sequence[PastResult]
) -> dict[tuple[str, str, str, str], datetime]:
    """Return for each the start of its unbroken row of bad results."""
    return {
        past.identity: _start_of_streak(tx, environment, past.identity[1:]) or past.started_at
        for past in bad
    }


def _start_of_streak(tx: Connection, environment: str, series: _Series) -> datetime | None:
    table = RESULTS.c
    mine = and_(
        tuple_(table.check_id, table.target, table.entry) == series,
        RUNS.c.environment == environment,
    )
    joined = RESULTS.join(RUNS, RUNS.c.id == table.run)
    good = (
        select(func.max(table.started_at))
        .select_from(joined)
        .where(mine, table.outcome.not_in(_BAD))
        .scalar_subquery()
    )
    first = (
        select(func.min(table.started_at))
        .select_from(joined)
        .where(mine, table.started_at > func.coalesce(good, ""))
    )
    found: datetime | None = tx.execute(first).scalar()
    return found

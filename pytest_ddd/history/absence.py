"""Turn runs that never began, or never ended, into results, so that rules can tell people.

They are results like all others, of a small run of the scenario `schedule`: RED when the last
occurrence of a routine was missed or came to no end, GREEN when the next one is done.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from datetime import datetime, timedelta

from sqlalchemy import Connection, select

from pytest_ddd import clock
from pytest_ddd.history import occurrences, runs
from pytest_ddd.history.records import RunEnd, RunStart
from pytest_ddd.history.tables import RESULTS, RUNS
from pytest_ddd.history.tally import Tally
from pytest_ddd.occurrences import Happened, Occurrence
from pytest_ddd.outcomes import Outcome
from pytest_ddd.results import CheckResult

SCENARIO = "schedule"
"""The scenario of these runs: no routine, and nothing that is due."""

CHECK = "occurrence"
"""The name by which rules know it: `check: occurrence`."""

_BACK = timedelta(days=400)
_GOOD = (Happened.DONE, Happened.EXCUSED)
_OPEN = (Happened.AHEAD, Happened.RUNNING)

_WORDS = {
    Happened.MISSED: "did not begin in time",
    Happened.ABORTED: "began and died",
    Happened.INTERRUPTED: "began and was interrupted",
    Happened.DONE: "is done",
    Happened.EXCUSED: "is excused",
}


def tell(
    tx: Connection, environment: str, scenarios: Iterable[str], now: datetime
) -> tuple[CheckResult, ...]:
    """Write a result for each routine whose last occurrence came to something new.

    Returns:
        The new results; nothing is written when there are none.
    """
    run_id = str(uuid.uuid4())
    found = [
        result
        for scenario in scenarios
        if (result := _news(tx, environment, scenario, now, run_id)) is not None
    ]
    if found:
        _write(tx, environment, run_id, found, now)
    return tuple(found)


def _news(
    tx: Connection, environment: str, scenario: str, now: datetime, run_id: str
) -> CheckResult | None:
    """Return what is new about a routine; that all is well is no news at first."""
    last = _last_settled(tx, environment, scenario, now)
    if last is None:
        return None
    check_id = f"{scenario}/{CHECK}"
    happened = last.happened(now)
    outcome = Outcome.GREEN if happened in _GOOD else Outcome.RED
    reason = f"{scenario}, due {clock.stamp(last.due_at)[:16]}Z, {_WORDS[happened]}"
    said = _said(tx, environment, check_id)
    if said == (outcome, reason) or (
        outcome is Outcome.GREEN and (said or (outcome,))[0] is outcome
    ):
        return None
    return CheckResult(
        result_id=str(uuid.uuid4()),
        run_id=run_id,
        environment=environment,
        scenario=SCENARIO,
        step=1,
        check_id=check_id,
        target=environment,
        entry="",
        nodeid=check_id,
        outcome=outcome,
        reason=reason,
        started_at=now,
        title="The run that the schedule asked for began in time and came to its end.",
    )


def _last_settled(
    tx: Connection, environment: str, scenario: str, now: datetime
) -> Occurrence | None:
    known = occurrences.between(tx, now - _BACK, now + timedelta.resolution, environment, scenario)
    settled = (each for each in reversed(known) if each.happened(now) not in _OPEN)
    return next(settled, None)


def _said(tx: Connection, environment: str, check_id: str) -> tuple[Outcome, str] | None:
    """Return what the last result said."""
    row = tx.execute(
        select(RESULTS.c.outcome, RESULTS.c.reason)
        .join(RUNS, RUNS.c.id == RESULTS.c.run)
        .where(RUNS.c.environment == environment, RESULTS.c.check_id == check_id)
        .order_by(RESULTS.c.started_at.desc(), RESULTS.c.run.desc())
        .limit(1)
    ).first()
    return None if row is None else (Outcome(row.outcome), row.reason)


def _write(
    tx: Connection, environment: str, run_id: str, found: list[CheckResult], now: datetime
) -> None:
    start = RunStart(run_id=run_id, environment=environment, scenario=SCENARIO, started_at=now)
    key, tally = runs.begin(tx, start), Tally()
    for seq, result in enumerate(found, start=1):
        tally.add(runs.add(tx, key, seq, result))
    runs.finish(tx, key, RunEnd(finished_at=now, outcome=tally.outcome), tally)

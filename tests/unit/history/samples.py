"""Runs and results that the tests of this folder start from."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from pytest_ddd.history import runs
from pytest_ddd.history.records import RunEnd, RunStart
from pytest_ddd.history.store import Store
from pytest_ddd.history.tally import Tally
from pytest_ddd.outcomes import Outcome
from pytest_ddd.results import CheckResult, Limit, Origin, Reading, Threshold

START = datetime(2026, 11, 23, 7, 30, tzinfo=UTC)
SCENARIO = "morning-health-check"


def start(day: int = 0, **changes: object) -> RunStart:
    """Return a scheduled run, due and begun `day` days after the first."""
    at = START + timedelta(days=day)
    made = RunStart(
        run_id=uuid.uuid4().hex,
        environment="prod",
        scenario=SCENARIO,
        frequency="daily",
        kind="scheduled",
        due_at=at,
        started_at=at,
        budget_s=900.0,
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def result(of: RunStart, outcome: Outcome = Outcome.GREEN, **changes: object) -> CheckResult:
    """Return a result with a reading."""
    threshold = Threshold(warn=Limit(value=80.0, origin=Origin(file="t.yaml", line=3)), unit="%")
    reading = Reading(
        name="disk /var",
        value=41.0,
        unit="%",
        at=of.started_at,
        threshold=threshold,
        outcome=outcome,
    )
    made = CheckResult(
        result_id=uuid.uuid4().hex,
        run_id=of.run_id,
        environment=of.environment,
        scenario=of.scenario,
        step=2,
        check_id=f"{of.scenario}/resource",
        target="web1",
        entry="disk:/var",
        nodeid="checks/daily/test_morning_health_check.py::test_resource[web1]",
        outcome=outcome,
        readings=(reading,),
        started_at=of.started_at,
        took_s=0.5,
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def remember(store: Store, of: RunStart, results: Iterable[CheckResult] = (), **end: object) -> int:
    """Store a whole run that took two minutes, and return its key."""
    tally, every = Tally(), list(results)
    ended = RunEnd(
        finished_at=of.started_at + timedelta(minutes=2),
        kind=of.kind,
        used_s=120.0,
        outcome=Outcome.GREEN,
    )
    with store.transaction() as tx:
        key = runs.begin(tx, of)
        for seq, one in enumerate(every, start=1):
            tally.add(runs.add(tx, key, seq, one))
        runs.finish(tx, key, replace(ended, **end), tally)  # type: ignore[arg-type]
    return key

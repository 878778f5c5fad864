"""Results and facts that the tests of this folder start from."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from pytest_ddd.baseline.model import BaselineFile
from pytest_ddd.evidence.facts import RunFacts, StepFacts
from pytest_ddd.outcomes import Outcome
from pytest_ddd.results import CheckResult, Limit, Origin, Reading, Threshold, judge

START = datetime(2026, 11, 23, 7, 30, tzinfo=UTC)
RUN_ID = "7f3c9a12-4b1e-4d0f-9d7e-2f1a88c0b6aa"

FACTS = RunFacts(
    run_id=RUN_ID,
    environment="prod",
    scenario="morning-health-check",
    title="Morning Health Check",
    frequency="daily",
    operator="mira",
    controller="ops-1",
    started_at=START,
    finished_at=START + timedelta(minutes=2),
    budget_s=900.0,
    used_s=120.0,
    kind="scheduled",
    command_line="pytest -m daily --host prod",
    versions={"pytest-ddd": "0.1.0", "pytest": "9.2.0"},
    baseline_files=(BaselineFile(path="baselines/prod/hosts.yaml", sha256="1b" * 32),),
    steps=(
        StepFacts(number=1, title="Check endpoints", outcome=Outcome.GREEN, used_s=3.0),
        StepFacts(number=2, title="Verify resources", outcome=Outcome.GREEN, used_s=90.0),
    ),
)


def disk(value: float = 41.0) -> Reading:
    """Return a judged reading of a disk: yellow from 80 %, red from 90 %."""
    threshold = Threshold(
        warn=Limit(value=80.0, origin=Origin(file="baselines/prod/thresholds.yaml", line=11)),
        crit=Limit(value=90.0, origin=Origin(file="baselines/prod/thresholds.yaml", line=12)),
        unit="%",
    )
    reading = Reading(name="disk /var", value=value, unit="%", source="df -P /var", at=START)
    return judge(reading, threshold)


def result(
    outcome: Outcome = Outcome.GREEN,
    *,
    target: str = "web1",
    entry: str = "disk:/var",
    look: int = 1,
    **changes: object,
) -> CheckResult:
    """Return a result of the second step."""
    made = CheckResult(
        result_id=f"{target}-{entry}-{look}",
        run_id=RUN_ID,
        environment="prod",
        scenario="morning-health-check",
        step=2,
        check_id="morning-health-check/resource_usage",
        target=target,
        entry=entry,
        nodeid=f"checks/daily/test_morning_health_check.py::test_resource_usage[{target}-{entry}]",
        outcome=outcome,
        readings=(disk(),),
        started_at=START + timedelta(minutes=look),
        took_s=0.25,
        look=look,
        title="No resource is used more than the baseline allows.",
    )
    return replace(made, **changes)  # type: ignore[arg-type]  # names of fields


def reachable(outcome: Outcome, *, target: str = "web1") -> CheckResult:
    """Return what a host's connection told."""
    return result(
        outcome,
        target=target,
        entry="",
        step=0,
        check_id="morning-health-check/reachable",
        nodeid=f"reachable[{target}]",
        readings=(),
        reason="connection refused",
        title="The host answers.",
    )

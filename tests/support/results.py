"""Results of checks, as short as a test needs them."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta

from pytest_ddd.outcomes import Outcome
from pytest_ddd.results import CheckResult, Reading

START = datetime(2026, 11, 23, 7, 30, tzinfo=UTC)
SCENARIO = "morning-health-check"


def result(
    run: int = 0,
    outcome: str = "RED",
    *,
    target: str = "web1",
    check: str = "health_endpoints",
    entry: str = "",
    reason: str = "it is bad",
    readings: tuple[Reading, ...] = (),
    blocked_by: str = "",
    look: int = 1,
    at: datetime | None = None,
    environment: str = "prod",
) -> CheckResult:
    """Return a result of the run of day `run`."""
    return CheckResult(
        result_id=uuid.uuid4().hex,
        run_id=f"run{run}",
        environment=environment,
        scenario=SCENARIO,
        step=1,
        check_id=f"{SCENARIO}/{check}",
        target=target,
        entry=entry,
        nodeid=f"test_{check}[{target}-{entry}]",
        outcome=Outcome(outcome),
        reason=reason,
        readings=readings,
        started_at=at or START + timedelta(days=run),
        took_s=1.0,
        blocked_by=blocked_by,
        look=look,
    )


def usage(value: float, name: str = "disk /var", unit: str = "%") -> Reading:
    """Return a reading."""
    return Reading(name=name, value=value, unit=unit, at=START)

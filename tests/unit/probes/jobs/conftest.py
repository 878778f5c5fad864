"""Jobs that are due every day at 18:00 UTC, looked at with a clock that the test sets."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pytest_ddd import clock
from pytest_ddd.probes import jobs
from tests.support.shipped import Verdict, run, scope_of

NOW = datetime(2026, 11, 23, 21, 0, tzinfo=UTC)
"""Three hours after the last time that the job was due."""

LIMITS = 'schedule: "0 18 * * *", late: {warn: 30m, crit: 2h}'


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> datetime:
    """The time that the controller sees."""
    monkeypatch.setattr(clock, "now", lambda: NOW)
    return NOW


@pytest.fixture
def look(tmp_path: Path) -> Iterator[Callable[..., Verdict]]:
    """Call it with the source of the job, and get the verdict of the shipped check."""
    with ExitStack() as stack:

        def ask(fields: str, limits: str = LIMITS) -> Verdict:
            text = f"jobs:\n  report: {{{fields}, {limits}}}\n"
            scope = stack.enter_context(scope_of(tmp_path / "baselines", text))
            [one] = jobs.entries(scope)
            return run("end_of_day_validation", "test_batch_jobs", one)

        yield ask

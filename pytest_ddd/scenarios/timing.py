"""Time used against time allowed, for a step and for a scenario."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from pytest_ddd.results import CheckResult
from pytest_ddd.scenarios.model import Scenario

if TYPE_CHECKING:
    from pytest_ddd.baseline.model import Baseline


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """When something began, when it ended and how long that took."""

    started_at: datetime
    finished_at: datetime

    @property
    def used_s(self) -> float:
        """Seconds from start to finish."""
        return (self.finished_at - self.started_at).total_seconds()


def budget_s(scenario: Scenario, baseline: Baseline) -> float:
    """Return the seconds that a scenario may take in this environment."""
    own = baseline.scenarios.get(scenario.name)
    return own.budget if own is not None and own.budget is not None else scenario.budget_s


def span(results: Iterable[CheckResult], *, until: datetime | None = None) -> Span | None:
    """Return the time from the first start to the last end; None when there is no result.

    Only first looks count: waiting for a recheck is outside the budget. Looks are read ahead, and
    so overlap: `until` is when the last check had its look, where that is known.
    """
    first_looks = [result for result in results if result.look == 1]
    if not first_looks:
        return None
    ends = [result.started_at + timedelta(seconds=result.took_s) for result in first_looks]
    return Span(
        started_at=min(result.started_at for result in first_looks),
        finished_at=max([*ends, until] if until is not None else ends),
    )


def waited_s(results: Iterable[CheckResult], *, until: datetime | None = None) -> float:
    """Return the seconds from the end of the first looks to the end of the last ones."""
    every = list(results)
    first = span(every, until=until)
    if first is None:
        return 0.0
    last = max(result.started_at + timedelta(seconds=result.took_s) for result in every)
    return max(0.0, (last - first.finished_at).total_seconds())

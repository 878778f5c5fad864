"""Says how each step of a scenario went, from the results."""

from __future__ import annotations

from collections.abc import Sequence

from pytest_ddd.evidence.facts import StepFacts
from pytest_ddd.outcomes import worst
from pytest_ddd.results import CheckResult
from pytest_ddd.scenarios import timing
from pytest_ddd.scenarios.model import Scenario


def steps_of(scenario: Scenario, results: Sequence[CheckResult]) -> tuple[StepFacts, ...]:
    """Return the steps that have results, in order."""
    groups: dict[int, list[CheckResult]] = {}
    for result in results:
        groups.setdefault(result.step, []).append(result)
    return tuple(_step(scenario, number, groups[number]) for number in sorted(groups))


def _step(scenario: Scenario, number: int, group: Sequence[CheckResult]) -> StepFacts:
    used = timing.span(group)
    in_order = sorted(group, key=lambda one: one.look)
    last = {(result.identity, result.nodeid): result for result in in_order}
    return StepFacts(
        number=number,
        title=scenario.step(number).title,
        outcome=worst(result.outcome for result in last.values()),
        used_s=used.used_s if used else 0.0,
        count=len(last),
    )

"""Holds what was looked at against what was planned: nothing may be missing unnoticed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from pytest_ddd.evidence.facts import Plan
from pytest_ddd.outcomes import Outcome, worst
from pytest_ddd.results import CheckResult

_OF_A_WAIVER = "/waiver"
"""Results about waivers are no checks: nobody plans them, and none can be missing."""


BESIDE = "/waiver"
"""How the check_id ends of what a run says about its waivers: it follows from its checks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Population:
    """The checks of one run of one scenario.

    `planned` = `executed` + len(`missing`); the values of `outcomes` add up to `executed`, the
    worst outcome counting where a check left two. `unplanned` have a result and nobody asked
    for them.
    """

    planned: int
    executed: int
    outcomes: Mapping[str, int]
    missing: tuple[str, ...] = ()
    unplanned: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    unreadable: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    inventory: int = 0

    @property
    def is_whole(self) -> bool:
        """Whether all that was planned, and only that, was done."""
        return self.planned > 0 and not (self.missing or self.unplanned or self.unreadable)


def count_population(plan: Plan | None, results: Iterable[CheckResult]) -> Population:
    """Return the population of a run; without a plan nothing was planned, so it is not whole."""
    plan = plan or Plan()
    last: dict[str, CheckResult] = {}
    for result in results:
        if result.check_id.endswith(_OF_A_WAIVER):
            continue
        before = last.get(result.nodeid)
        if before is None or _decides(result, before):
            last[result.nodeid] = result
    planned = dict.fromkeys(plan.checks)
    done = [result for nodeid, result in last.items() if nodeid in planned]
    counted = Counter(result.outcome for result in done)
    return Population(
        planned=len(planned),
        executed=len(done),
        outcomes={outcome.value: counted[outcome] for outcome in Outcome},
        missing=tuple(nodeid for nodeid in planned if nodeid not in last),
        unplanned=tuple(
            nodeid
            for nodeid, result in last.items()
            if nodeid not in planned and not result.check_id.endswith(BESIDE)
        ),
        left_out=plan.left_out,
        unreadable=plan.unreadable,
        hosts=plan.hosts,
        inventory=plan.inventory,
    )


def _decides(new: CheckResult, old: CheckResult) -> bool:
    """Whether a result counts instead of another one of its check: later look, worse outcome."""
    if new.look != old.look:
        return new.look > old.look
    return worst([new.outcome, old.outcome]) is new.outcome

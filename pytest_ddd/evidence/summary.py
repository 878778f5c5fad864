"""Sums up a run from its results and facts: what is wrong first, and numbers that add up."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from pytest_ddd.evidence.facts import RunFacts, StepFacts
from pytest_ddd.evidence.verdict import Verdict, reach_verdict
from pytest_ddd.outcomes import Outcome, worst
from pytest_ddd.results import CheckResult
from pytest_ddd.scenarios.model import REACHING

Identity = tuple[str, str, str, str]

REACHABLE = "reachable"
"""Last part of the check_id that says whether a host answers."""

BY_URGENCY = (
    Outcome.RED,
    Outcome.UNKNOWN,
    Outcome.BLOCKED,
    Outcome.YELLOW,
    Outcome.WAIVED,
    Outcome.GREEN,
    Outcome.NOT_APPLICABLE,
)
"""In the order in which people want to read them."""

ATTENTION = BY_URGENCY[:4]
"""The outcomes that somebody should look at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """Everything one run knows of one identity; the last look decides, all are kept."""

    number: int
    looks: tuple[CheckResult, ...]

    @property
    def last(self) -> CheckResult:
        """The look that decides."""
        return self.looks[-1]

    @property
    def outcome(self) -> Outcome:
        """What the last look found."""
        return self.last.outcome

    @property
    def settled_after_s(self) -> float | None:
        """Seconds from the first look to the last; None when there was one look."""
        if len(self.looks) < 2:
            return None
        return (self.last.started_at - self.looks[0].started_at).total_seconds()


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """One thing that needs attention, and what could not be looked at because of it.

    `check` is None when the cause of blocked checks has no result of its own; `name` says it.
    """

    name: str
    check: Check | None
    blocked: tuple[Check, ...] = ()

    @property
    def outcome(self) -> Outcome:
        """The outcome to show: that of the cause itself."""
        return self.check.outcome if self.check else Outcome.BLOCKED

    @property
    def told(self) -> str:
        """Why checks were blocked, where no check of the run says it; else the name."""
        reasons = [check.last.reason for check in self.blocked if self.check is None]
        return next(filter(None, reasons), self.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class StepSummary:
    """One step: what the run said of it, and its checks. Its outcome is the worst of both."""

    facts: StepFacts
    outcome: Outcome
    checks: tuple[Check, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetSummary:
    """One target: whether it answers (None: nobody asked), and its checks by outcome."""

    name: str
    reachable: CheckResult | None
    outcome: Outcome
    counts: tuple[tuple[Outcome, int], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSummary:
    """A run in short. `counts` holds all seven outcomes and adds up to `len(checks)`."""

    facts: RunFacts
    verdict: Verdict
    checks: tuple[Check, ...]
    counts: tuple[tuple[Outcome, int], ...]
    attention: tuple[Cause, ...]
    waived: tuple[Check, ...]
    steps: tuple[StepSummary, ...]
    targets: tuple[TargetSummary, ...]
    damage: tuple[str, ...] = ()


def summarize(
    facts: RunFacts, results: Iterable[CheckResult], damage: Sequence[str] = ()
) -> RunSummary:
    """Return the summary of a run.

    Args:
        facts: what the run says of itself.
        results: all results, in any order; several looks of one identity become one check.
        damage: lines of the record that could not be read; with any, nothing is green.
    """
    return summarize_checks(facts, checks_of(results), damage)


def summarize_checks(
    facts: RunFacts, checks: tuple[Check, ...], damage: Sequence[str] = ()
) -> RunSummary:
    """Return the summary of a run whose checks `checks_of` found."""
    steps = _steps(facts, checks)
    return RunSummary(
        facts=facts,
        verdict=reach_verdict(
            facts,
            [check.last for check in checks],
            [step.facts for step in steps if _says_more(step)],
            damage,
        ),
        checks=checks,
        counts=_counts(checks),
        attention=_attention(checks),
        waived=tuple(check for check in checks if check.outcome is Outcome.WAIVED),
        steps=steps,
        targets=_targets(checks),
        damage=tuple(damage),
    )


@lru_cache(maxsize=1000)
def natural(text: str) -> tuple[tuple[int, str], ...]:
    """Return a key that sorts `web2` before `web10`."""
    return tuple((int(part), "") if part.isdecimal() else (-1, part) for part in _parts(text))


def _parts(text: str) -> list[str]:
    return [part[:18] for part in re.split(r"([0-9]+)", text) if part]


def checks_of(results: Iterable[CheckResult]) -> tuple[Check, ...]:
    """Return one check an identity and nodeid; two results of one look are two checks."""
    looks: dict[tuple[Identity, str], list[CheckResult]] = {}
    for result in results:  # two checks of one name share their identity, not their nodeid
        looks.setdefault((result.identity, result.nodeid), []).append(result)
    found: list[tuple[CheckResult, ...]] = []
    for group in looks.values():
        final = max(result.look for result in group)
        earlier = tuple(sorted((r for r in group if r.look < final), key=lambda r: r.look))
        for result in group:
            if result.look == final:
                found.append((*earlier, result))
                earlier = ()
    found.sort(key=_place)
    return tuple(Check(number=n, looks=group) for n, group in enumerate(found, start=1))


def _place(looks: tuple[CheckResult, ...]) -> tuple[object, ...]:
    last = looks[-1]
    names = natural(last.target), last.check_id, natural(last.entry)
    return (last.step, *names, last.started_at, last.result_id)


def _counts(checks: Iterable[Check]) -> tuple[tuple[Outcome, int], ...]:
    counted = Counter(check.outcome for check in checks)
    return tuple((outcome, counted[outcome]) for outcome in BY_URGENCY)


def _attention(checks: Sequence[Check]) -> tuple[Cause, ...]:
    """Return what needs attention, most urgent first, blocked checks under their cause."""
    causes = _Causes(checks)
    blocked: dict[int | str, list[Check]] = {}
    for check in checks:
        if check.outcome is Outcome.BLOCKED:
            blocked.setdefault(causes.of(check), []).append(check)
    found = [
        Cause(name=check.last.target, check=check, blocked=tuple(blocked.pop(check.number, ())))
        for check in checks
        if check.outcome in ATTENTION and check.outcome is not Outcome.BLOCKED
    ]
    rest = [
        Cause(name=str(name) or "no cause named", check=None, blocked=tuple(group))
        for name, group in blocked.items()
    ]
    return tuple(sorted(found + rest, key=lambda cause: ATTENTION.index(cause.outcome)))


class _Causes:
    """Finds the check that blocked another one."""

    def __init__(self, checks: Sequence[Check]) -> None:
        bad = [c for c in checks if c.outcome in (Outcome.RED, Outcome.UNKNOWN)]
        self._names: dict[str, int] = {}
        for check in bad:
            last = check.last
            names = [last.result_id, last.nodeid, f"{last.check_id}[{last.target}]"]
            if last.check_id.rpartition("/")[2] == REACHABLE:
                names += [last.target, f"{REACHABLE}:{last.target}", f"{last.target} {REACHABLE}"]
                names += [f"{last.check_id}:{last.target}", f"{last.target}/{REACHABLE}"]
            for name in names:
                self._names.setdefault(name, check.number)

    def of(self, check: Check) -> int | str:
        """Return the number of the cause, or its name when it has no result of its own."""
        name = check.last.blocked_by
        if name in (REACHABLE, check.last.check_id):
            name = check.last.target
        return self._names.get(name, name)


def _steps(facts: RunFacts, checks: Sequence[Check]) -> tuple[StepSummary, ...]:
    groups: dict[int, list[Check]] = {step.number: [] for step in facts.steps}
    for check in checks:
        groups.setdefault(check.last.step, []).append(check)
    told = {step.number: step for step in facts.steps}
    found = []
    for number in sorted(groups):
        group = groups[number]
        step = told.get(number) or _untold(number, group)
        outcome = worst([step.outcome, *(check.outcome for check in group)])
        found.append(StepSummary(facts=step, outcome=outcome, checks=tuple(group)))
    return tuple(found)


def _says_more(step: StepSummary) -> bool:
    """Whether the run says worse of a step than any of its checks does."""
    told = step.facts.outcome
    return (
        told in ATTENTION
        and worst([told, *(c.outcome for c in step.checks)]) is told
        and all(check.outcome is not told for check in step.checks)
    )


def _untold(number: int, group: Sequence[Check]) -> StepFacts:
    """Return facts of a step that the run did not speak of."""
    title = REACHING.title if number == REACHING.number else group[0].last.title or f"Step {number}"
    return StepFacts(
        number=number,
        title=title,
        outcome=worst(check.outcome for check in group),
        used_s=sum(check.last.took_s for check in group),
        count=len(group),
    )


def _targets(checks: Sequence[Check]) -> tuple[TargetSummary, ...]:
    groups: dict[str, list[Check]] = {}
    for check in checks:
        groups.setdefault(check.last.target, []).append(check)
    return tuple(_target(name, groups[name]) for name in sorted(groups, key=natural))


def _target(name: str, group: Sequence[Check]) -> TargetSummary:
    asked = [c.last for c in group if c.last.check_id.rpartition("/")[2] == REACHABLE]
    return TargetSummary(
        name=name,
        reachable=asked[0] if asked else None,
        outcome=worst(check.outcome for check in group),
        counts=_counts(group),
    )

"""Waivers of one run: which hold, what they accept, and what becomes of those that do not."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from fnmatch import fnmatchcase

from pytest_ddd import signatures
from pytest_ddd.baseline.model import Baseline, Declaration
from pytest_ddd.baseline.sections.waivers import Waiver
from pytest_ddd.clock import stamp
from pytest_ddd.errors import CannotLookError
from pytest_ddd.outcomes import Outcome
from pytest_ddd.plain import Json
from pytest_ddd.results import CheckResult, Limit, Reading, Threshold, explain, judge
from pytest_ddd.scenarios.model import Scenario
from pytest_ddd.units import plural

NAMESPACE = "pytest-ddd-waiver"
"""What a signature of a waiver is for; it counts for nothing else."""

CHECK = "waiver"
"""Last part of the check_id of a waiver's own result."""

_ACCEPTED = (Outcome.RED, Outcome.YELLOW)
"""What a waiver can accept. UNKNOWN and BLOCKED it cannot: nobody knows what would be accepted."""

_NEVER = ("reachable", CHECK)
_DAY_S = 86400


@dataclass(frozen=True, slots=True, kw_only=True)
class Operator:
    """Who runs the checks: login name, name given, and the fingerprint of the signing key."""

    names: tuple[str, ...] = ()
    key: str = ""

    def is_approver(self, waiver: Waiver) -> bool:
        """Whether the same person approved a waiver; `mira` and `mira@example.org` are one."""
        principal = waiver.approver.principal.lower()
        names = {name.lower() for name in self.names}
        same_name = not names.isdisjoint((principal, principal.partition("@")[0]))
        return same_name or (self.key != "" and self.key == waiver.approver.key)


def message(environment: str, waiver_id: str, waiver: Waiver) -> bytes:
    """Return what the approver signs: everything that the waiver says, and where."""
    fields: Mapping[str, Json] = waiver.model_dump(mode="json", exclude={"signature"})
    return signatures.canonical({"environment": environment, "waiver": waiver_id, **fields})


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """One waiver as it stands for one run; without a problem it is in force."""

    declaration: Declaration[Waiver]
    groups: Mapping[str, Sequence[str]]
    problem: str = ""
    blind: str = ""
    """Why it cannot be said whether it is in force."""

    @property
    def name(self) -> str:
        """Its id."""
        return self.declaration.key

    @property
    def waiver(self) -> Waiver:
        """What it says."""
        return self.declaration.model

    def concerns(self, scenario: str) -> bool:
        """Whether it speaks of checks of a scenario."""
        return any(fnmatchcase(scenario, one.partition("/")[0]) for one in self.waiver.checks)

    def covers(self, result: CheckResult) -> bool:
        """Whether a result is within its scope."""
        if result.check_id.rpartition("/")[2] in _NEVER:
            return False
        names = (name for name in self.waiver.targets if self._means(name, result.target))
        return (
            any(fnmatchcase(result.check_id, check) for check in self.waiver.checks)
            and next(names, None) is not None
            and any(fnmatchcase(result.entry, entry) for entry in self.waiver.entries)
        )

    def leaves(self, wrong: Sequence[str]) -> list[str]:
        """Return what is wrong and not accepted."""
        patterns = [re.compile(pattern) for pattern in self.waiver.accepts]
        if not patterns:
            return []
        return [text for text in wrong if not any(one.search(text) for one in patterns)]

    def _means(self, name: str, target: str) -> bool:
        return fnmatchcase(target, name) or target in self.groups.get(name, ())


class Waivers:
    """The waivers of one environment during one run.

    Args:
        baseline: where they are declared.
        at: the moment that decides whether one has expired: the start of the run.
        operator: who runs the checks, and may not have approved.
    """

    def __init__(self, baseline: Baseline, *, at: datetime, operator: Operator) -> None:
        self._environment = baseline.name
        self._at = at
        self.all = tuple(self._hold(one, baseline, operator) for one in baseline.waivers.values())

    def _hold(self, one: Declaration[Waiver], baseline: Baseline, operator: Operator) -> Held:
        held = Held(declaration=one, groups=baseline.groups)
        try:
            problem = (
                self._untimely(one.model)
                or _own(one.model, operator)
                or signature_problem(baseline.name, one)
            )
        except CannotLookError as failure:
            return replace(held, blind=f"its signature cannot be read: {failure.message}")
        return replace(held, problem=problem)

    def _untimely(self, waiver: Waiver) -> str:
        if waiver.expires_at <= self._at:
            return f"expired at {_minute(waiver.expires_at)}"
        if waiver.approved_at > self._at:
            return f"holds from {_minute(waiver.approved_at)} only"
        return ""

    def apply(self, result: CheckResult, *, wrong: Sequence[str], blind: bool) -> CheckResult:
        """Return the result as WAIVED if a waiver accepts it; else what keeps one from doing so.

        Args:
            result: what the check found.
            wrong: everything that is wrong, one text each.
            blind: whether something could not be looked at, too.
        """
        if result.outcome not in _ACCEPTED:
            return result
        notes = []
        for held in self.all:
            if not held.covers(result):
                continue
            obstacle = held.problem or held.blind
            if not obstacle and (left := held.leaves(wrong)):
                obstacle = f"does not accept: {left[0]}"
            if not obstacle:
                return _accepted(result, held, blind=blind)
            notes.append(f"waiver {held.name} {obstacle} ({held.declaration.origin()})")
        return replace(result, reason="; ".join([result.reason, *notes])) if notes else result

    def findings(
        self, scenario: Scenario, results: Sequence[CheckResult], *, whole: bool
    ) -> Iterator[CheckResult]:
        """Yield one result for each waiver that concerns a scenario: in force, unused or expired.

        Args:
            scenario: the scenario that has ended.
            results: its results, all looks.
            whole: whether it was run on everything that the baseline declares for it; in a part
                of it, a waiver that covers nothing is not unused.
        """
        in_order = sorted(results, key=lambda one: one.look)
        step = max(len(scenario.steps), *(one.step for one in in_order)) + 1
        last = {(one.identity, one.nodeid): one for one in in_order}
        for held in self.all:
            covered = [one for one in last.values() if held.covers(one)]
            if covered or (whole and held.concerns(scenario.name)):
                yield replace(
                    self._finding(held, scenario.name, covered),
                    run_id=in_order[0].run_id,
                    step=step,
                )

    def _finding(self, held: Held, scenario: str, covered: Sequence[CheckResult]) -> CheckResult:
        left = self._days_left(held)
        outcome, reason = _state(held, covered)
        if outcome is Outcome.GREEN and left.outcome is not Outcome.GREEN:
            outcome, reason = left.outcome or Outcome.UNKNOWN, f"{reason}; {explain(left)}"
        return CheckResult(
            result_id=uuid.uuid4().hex,
            run_id="",
            environment=self._environment,
            scenario=scenario,
            step=0,
            check_id=f"{scenario}/{CHECK}",
            target=self._environment,
            entry=held.name,
            nodeid=f"{scenario}::waiver[{held.name}]",
            outcome=outcome,
            reason=reason,
            readings=(left,),
            started_at=self._at,
            title="Each waiver is in force, needed and not about to end.",
        )

    def _days_left(self, held: Held) -> Reading:
        waiver = held.waiver
        days = (waiver.expires_at - self._at).total_seconds() / _DAY_S
        reading = Reading(
            name=f"waiver {held.name}",
            value=round(days, 2),
            unit="days",
            source=str(held.declaration.origin()),
            at=self._at,
            detail=_words(waiver),
            origin=held.declaration.origin(),
        )
        warn = Limit(value=waiver.remind / _DAY_S, origin=held.declaration.origin("remind"))
        crit = Limit(value=0, origin=held.declaration.origin("expires_at"))
        return judge(reading, Threshold(warn=warn, crit=crit, unit="days", bad="below"))


def _own(waiver: Waiver, operator: Operator) -> str:
    if not operator.is_approver(waiver):
        return ""
    return f"was approved by {waiver.approver.principal}, who runs these checks"


def signature_problem(environment: str, declaration: Declaration[Waiver]) -> str:
    """Return what is wrong with the signature of a waiver; nothing when it has none.

    Raises:
        CannotLookError: there is no ssh-keygen to read it.
    """
    waiver = declaration.model
    if not waiver.signature:
        return ""
    text = message(environment, declaration.key, waiver)
    signed = signatures.signed_by(text, waiver.signature.encode(), NAMESPACE)
    if signed.problem or signed.fingerprint == waiver.approver.key:
        return signed.problem
    return f"is signed by another key: {signed.fingerprint}"


def _accepted(result: CheckResult, held: Held, *, blind: bool) -> CheckResult:
    if blind:
        reason = (
            f"{result.reason}; waiver {held.name} accepts what was seen, "
            "not what could not be looked at"
        )
        return replace(result, outcome=Outcome.UNKNOWN, reason=reason)
    until, who = _minute(held.waiver.expires_at), held.waiver.approver.principal
    words = f"accepted until {until} by {who} (waiver {held.name})"
    return replace(
        result,
        outcome=Outcome.WAIVED,
        waiver=held.name,
        reason=f"{result.reason}; {words}" if result.reason else words,
    )


def _state(held: Held, covered: Sequence[CheckResult]) -> tuple[Outcome, str]:
    """Return whether a waiver does what it is there for, and why not."""
    where = f" ({held.declaration.origin()})"
    if held.problem:
        return Outcome.RED, f"waiver {held.name} {held.problem}: renew or remove it{where}"
    if held.blind:
        return Outcome.UNKNOWN, f"waiver {held.name}: {held.blind}{where}"
    used = sum(one.waiver == held.name for one in covered)
    if used:
        return Outcome.GREEN, f"accepts {plural(used, 'check')}{where}"
    if any(one.outcome in (Outcome.UNKNOWN, Outcome.BLOCKED) for one in covered):
        text = "nobody knows whether it is needed: what it covers could not be looked at"
        return Outcome.UNKNOWN, f"waiver {held.name}: {text}{where}"
    if not covered:
        text = "is unused: nothing that was looked at is in its scope"
    elif any(one.outcome in _ACCEPTED for one in covered):
        text = "is unused: it accepts nothing of what is wrong in its scope"
    else:
        text = f"is unused: {plural(len(covered), 'check')} in its scope need none"
    return Outcome.YELLOW, f"waiver {held.name} {text}{where}"


def _words(waiver: Waiver) -> str:
    signed = "signed by this key" if waiver.signature else "not signed"
    return "\n".join(
        (
            f"reason: {waiver.reason}",
            f"risk: {waiver.risk}",
            f"compensating control: {waiver.compensating_control}",
            f"checks: {', '.join(waiver.checks)}",
            f"targets: {', '.join(waiver.targets)}",
            f"entries: {', '.join(waiver.entries)}",
            f"accepts: {'; '.join(waiver.accepts) or 'anything'}",
            f"approver: {waiver.approver.principal}, {waiver.approver.key} ({signed})",
            f"approved at: {stamp(waiver.approved_at)}",
            f"expires at: {stamp(waiver.expires_at)}",
        )
    )


def _minute(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"

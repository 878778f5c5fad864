"""Compares what was seen before a change with what is seen after it, check by check.

A check `…_after` is compared with the one `…_before` of the same target and entry, every other
check with itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from pytest_ddd.outcomes import Outcome, worst
from pytest_ddd.results import CheckResult, explain

BEFORE, AFTER = "_before", "_after"
"""How the names of two checks end that look at the same thing before and after a change."""

_HEALTH = {Outcome.GREEN: 0, Outcome.YELLOW: 1, Outcome.RED: 2}
"""Outcomes that say how healthy something is; a higher number is worse."""

_ACCEPTED = (Outcome.GREEN, Outcome.WAIVED)

_NUMBER = re.compile(r"(?<![\w/.:-])\d+(\.\d+)*(ms|[smhdw])?(?![\w/-])")
"""A number by itself: a measured value, not a part of a name such as `web1` or `tcp:80`."""


class Kind(StrEnum):
    """What became of one check."""

    REGRESSED = "regressed"
    NOT_COMPARABLE = "not comparable"
    FIXED = "fixed"
    SAME = "same"


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """The results of one scenario as they were before a change.

    `baseline` is the SHA-256 of each baseline file by path, `texts` the long texts that checks
    attached, by their SHA-256.
    """

    run_id: str
    environment: str
    scenario: str
    taken_at: datetime
    baseline: Mapping[str, str] = field(default_factory=dict)
    results: tuple[CheckResult, ...] = ()
    texts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """One check, before and after; None where it was not looked at."""

    kind: Kind
    check: str
    """Its name without `_before` and `_after`: `security-patch-tuesday/endpoints`."""
    target: str
    entry: str
    before: Outcome | None
    now: Outcome | None
    reason: str = ""
    """What the check says now, or said before when it is not looked at now."""
    why: str = ""
    """Why it regressed or cannot be compared, where the outcomes do not say it."""

    @property
    def passes(self) -> bool:
        """Whether a gate lets it through: never what regressed, nor what could not be seen."""
        if self.kind is Kind.NOT_COMPARABLE:
            return self.now in _ACCEPTED
        return self.kind is not Kind.REGRESSED


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """A scenario before and after a change."""

    run_id: str
    """Of the run that looked before."""
    taken_at: datetime
    compared: tuple[Compared, ...] = ()
    notes: tuple[str, ...] = ()
    """What else to know: a baseline that was changed between, checks of other targets."""
    is_gate: bool = False

    def of(self, kind: Kind) -> tuple[Compared, ...]:
        """Return the checks of which this came."""
        return tuple(one for one in self.compared if one.kind is kind)

    @property
    def is_empty(self) -> bool:
        """Whether nothing applied, neither before nor now: this says nothing either way."""
        return not self.compared

    @property
    def obstacles(self) -> tuple[str, ...]:
        """Say why a gate does not let this through; empty when it does."""
        regressed = len(self.of(Kind.REGRESSED))
        unseen = sum(not one.passes for one in self.of(Kind.NOT_COMPARABLE))
        seen = len(self.compared) - len(self.of(Kind.NOT_COMPARABLE))
        said = (
            (regressed > 0, f"{regressed} regressed"),
            (unseen > 0, f"{unseen} not comparable and not green"),
            (bool(self.compared) and not seen, "nothing could be compared"),
        )
        return tuple(text for holds, text in said if holds)


_Key = tuple[str, str, str]


def name_of(check_id: str) -> str:
    """Return what two checks have in common that look before and after."""
    return check_id.removesuffix(BEFORE).removesuffix(AFTER)


def pairs(results: Iterable[CheckResult]) -> tuple[list[CheckResult], list[CheckResult]]:
    """Return the results of one run that looked before a change, and those after it."""
    found = list(results)
    before = [one for one in found if one.check_id.endswith(BEFORE)]
    return before, [one for one in found if one.check_id.endswith(AFTER)]


def compare(before: Iterable[CheckResult], now: Iterable[CheckResult]) -> tuple[Compared, ...]:
    """Compare check by check; what never applied is left out. Worst first."""
    then, since = _by_key(before), _by_key(now)
    found = [_compared(key, then.get(key), since.get(key)) for key in {**then, **since}]
    there = [one for one in found if one is not None]
    return tuple(sorted(there, key=lambda one: list(Kind).index(one.kind)))


def _by_key(results: Iterable[CheckResult]) -> dict[_Key, CheckResult]:
    """Return the last look of each check; of several with one name, the worst."""
    looks: dict[tuple[_Key, str], CheckResult] = {}
    for one in results:
        key = (name_of(one.check_id), one.target, one.entry)
        known = looks.get((key, one.nodeid))
        if known is None or one.look >= known.look:
            looks[key, one.nodeid] = one
    found: dict[_Key, CheckResult] = {}
    for (key, _), one in looks.items():
        known = found.get(key)
        if known is None or worst((known.outcome, one.outcome)) is not known.outcome:
            found[key] = one
    return found


def _compared(key: _Key, before: CheckResult | None, now: CheckResult | None) -> Compared | None:
    then = before.outcome if before is not None else None
    here = now.outcome if now is not None else None
    if {then, here} <= {None, Outcome.NOT_APPLICABLE}:
        return None
    kind, why = _kind(before, now)
    said = now or before
    return Compared(
        kind=kind,
        check=key[0],
        target=key[1],
        entry=key[2],
        before=then,
        now=here,
        reason=said.reason if said is not None else "",
        why=why,
    )


def _kind(before: CheckResult | None, now: CheckResult | None) -> tuple[Kind, str]:
    """Say what became of a check, and why when the outcomes do not say it."""
    if blind := _blind(now, "now") or _blind(before, "before"):
        return Kind.NOT_COMPARABLE, blind
    assert before is not None
    assert now is not None
    if now.outcome is before.outcome and now.outcome in _ACCEPTED:
        return Kind.SAME, ""
    if now.outcome is Outcome.WAIVED:
        return Kind.NOT_COMPARABLE, f"accepted now by waiver {now.waiver}"
    if now.outcome is Outcome.GREEN:
        return Kind.FIXED, ""
    return _while_bad(before, now)


def _blind(result: CheckResult | None, when: str) -> str:
    """Say why nothing is known of one side; nothing when it is."""
    if result is None:
        return f"not looked at {when}"
    if result.outcome is Outcome.NOT_APPLICABLE:
        return f"did not apply {when}"
    could_not = result.outcome in (Outcome.UNKNOWN, Outcome.BLOCKED)
    return f"could not be looked at {when}" if could_not else ""


def _while_bad(before: CheckResult, now: CheckResult) -> tuple[Kind, str]:
    """Compare what is YELLOW or RED now with what was wrong before: the same, or something else."""
    if before.outcome is Outcome.WAIVED:
        return Kind.REGRESSED, "no waiver accepts it any more"
    if _HEALTH[now.outcome] > _HEALTH[before.outcome]:
        return Kind.REGRESSED, ""
    known = _wrong(before)
    fresh = [name for name, badness in _wrong(now).items() if badness > known.get(name, 0)]
    if fresh:
        return Kind.REGRESSED, f"bad before, and now also: {fresh[0]}"
    return Kind.SAME, ""


def _wrong(result: CheckResult) -> dict[str, int]:
    """Return each thing that is wrong by name, without measured values, and how bad it is."""
    bad = [one for one in result.readings if _HEALTH.get(one.outcome or Outcome.GREEN, 0)]
    found: dict[str, int] = {}
    for one in bad:
        badness = _HEALTH[one.outcome or Outcome.GREEN]
        found[one.name] = max(badness, found.get(one.name, 0))
    rest = result.reason
    for one in bad:
        rest = rest.replace(explain(one), "")
    for said in re.split(r"; |\n", rest):
        if text := _NUMBER.sub("#", said).strip(" :;"):
            found[text] = _HEALTH[Outcome.RED]
    return found

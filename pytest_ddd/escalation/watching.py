"""Which results a rule watches, and what one of them means to it: bad, good, or nothing."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from fnmatch import fnmatchcase
from itertools import groupby

from pytest_ddd.alerts import Matcher
from pytest_ddd.baseline.sections.escalation import Rule
from pytest_ddd.escalation.machine import Policy
from pytest_ddd.messages import Severity
from pytest_ddd.outcomes import Outcome, worst
from pytest_ddd.results import CheckResult, Reading

EVENT_AGAIN = timedelta(hours=24)
"""The same event is told again after this time, when its rule does not say."""

REACHABLE = "reachable"
"""The check that all others of a host are blocked by."""

_BY_OUTCOME = {
    Outcome.RED: Severity.CRITICAL,
    Outcome.UNKNOWN: Severity.ERROR,
    Outcome.YELLOW: Severity.WARNING,
}
_GOOD = (Outcome.GREEN, Outcome.WAIVED, Outcome.YELLOW, Outcome.RED)
_VARIABLE = re.compile(r"0x[0-9a-fA-F]+|[0-9a-fA-F]{8,}|\d+")
"""What differs between two lines that say the same: times, addresses, numbers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """What a result means to a rule: good when `severity` is None."""

    severity: Severity | None
    fingerprint: str = ""


def policy_of(rule: Rule) -> Policy:
    """Return how often is too often."""
    remind = timedelta(seconds=rule.remind) if rule.remind is not None else None
    return Policy(
        runs=rule.runs,
        of=rule.of,
        recover=rule.recover,
        remind=remind or (EVENT_AGAIN if rule.event else None),
        event=rule.event,
    )


def watches(rule: Rule, result: CheckResult) -> bool:
    """Whether a rule is about a result."""
    matcher = Matcher(check=rule.check, target=rule.target, entry=rule.entry)
    in_scenario = not rule.scenario or rule.scenario == result.scenario
    return in_scenario and matcher.matches_identity(result.identity)


def sight(rule: Rule, result: CheckResult) -> Sight | None:
    """Return what a result means to a rule that watches it; None when it says nothing.

    What could not be looked at is neither good nor bad, unless the rule asks for UNKNOWN.
    """
    if result.outcome in (Outcome.BLOCKED, Outcome.NOT_APPLICABLE):
        return None
    is_bad = not rule.when or result.outcome.value in rule.when
    if rule.above is not None:
        exceeding = _exceeding(rule, result)
        if exceeding is None:
            return None
        is_bad = is_bad and bool(exceeding)
    if is_bad:
        severity = Severity(rule.severity) if rule.severity else _BY_OUTCOME.get(result.outcome)
        return Sight(
            severity=severity or Severity.WARNING,
            fingerprint=_fingerprint(rule, result) if rule.event else "",
        )
    return Sight(severity=None) if result.outcome in _GOOD else None


def _exceeding(rule: Rule, result: CheckResult) -> list[Reading] | None:
    """Return the readings above the rule's limit; None when it has none to hold against it."""
    assert rule.above is not None
    limit, unit = rule.above
    values = [
        (one, one.value)
        for one in result.readings
        if one.unit == unit
        and isinstance(one.value, int | float)
        and not isinstance(one.value, bool)
        and fnmatchcase(one.name, rule.reading or "*")
    ]
    found = [one for one, value in values if value > limit]
    if not found and (not values or result.outcome is Outcome.UNKNOWN):
        return None
    return found


def _fingerprint(rule: Rule, result: CheckResult) -> str:
    """Return a short digest of what happened, without what differs each time."""
    readings = (_exceeding(rule, result) or ()) if rule.above is not None else result.readings
    first = next((one.detail for one in readings if one.detail.strip()), result.reason)
    text = _VARIABLE.sub("#", first.strip().split("\n", 1)[0])
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def settled(results: Iterable[CheckResult]) -> Iterator[CheckResult]:
    """Yield one result for each (run, identity), in order of time.

    The last look decides; of several checks with one identity the worst does.
    """
    looks: dict[tuple[object, ...], CheckResult] = {}
    for result in sorted(results, key=lambda one: (one.look, one.started_at, one.result_id)):
        looks[result.run_id, result.identity, result.nodeid] = result
    groups = sorted(looks.values(), key=lambda one: (one.run_id, one.identity, one.nodeid))
    found = [
        _combined(list(group))
        for _, group in groupby(groups, key=lambda one: (one.run_id, one.identity))
    ]
    yield from sorted(found, key=lambda one: (one.started_at, one.run_id, one.identity))


def _combined(group: list[CheckResult]) -> CheckResult:
    outcome = worst(one.outcome for one in group)
    said = next(one for one in group if one.outcome is outcome)
    readings = tuple(reading for one in group for reading in one.readings)
    return replace(said, started_at=max(one.started_at for one in group), readings=readings)


def adopts(rule: Rule, blocked: CheckResult) -> bool:
    """Whether a rule has to watch `reachable` of the host that a check was blocked by.

    A host that is down blocks its checks: the rules that watch them would fall silent just then.
    """
    return bool(rule.when) and rule.above is None and not rule.event and watches(rule, blocked)


def is_reachable(check_id: str) -> bool:
    """Whether a check is the one that all others of its host are blocked by."""
    return check_id.rpartition("/")[2] == REACHABLE

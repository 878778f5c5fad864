"""Results move alerts: each rule hears what it watches, in the order in which runs looked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from pytest_ddd.alerts import Alert, AlertKey, Sighting, Transition
from pytest_ddd.baseline.sections.escalation import Rule
from pytest_ddd.escalation.machine import advance
from pytest_ddd.escalation.watching import (
    Sight,
    adopts,
    is_reachable,
    policy_of,
    settled,
    sight,
    watches,
)
from pytest_ddd.outcomes import Outcome
from pytest_ddd.results import CheckResult

_Topic = tuple[str, tuple[str, str, str, str]]
"""A rule, and the identity of results."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """What came of the results.

    `latest` are the alerts that a result said something about, with the last of them; `blocked`
    counts the checks that each host has blocked; `idle` are rules of scenarios that ran which
    watch none of their results.
    """

    alerts: Mapping[AlertKey, Alert]
    latest: Mapping[AlertKey, CheckResult]
    transitions: tuple[Transition, ...]
    blocked: Mapping[str, int]
    idle: tuple[str, ...]


def hear(
    results: Iterable[CheckResult], rules: Mapping[str, Rule], alerts: Mapping[AlertKey, Alert]
) -> Heard:
    """Return the alerts after the results.

    Args:
        results: what was found, of several runs perhaps, in any order.
        rules: the rules by name.
        alerts: the alerts so far.
    """
    found = list(settled(results))
    ear = _Ear(rules, alerts, found)
    for result in found:
        ear.take(result)
    ran = {one.scenario for one in found}
    idle = [name for name, rule in rules.items() if rule.scenario in ran]
    return Heard(
        alerts=ear.alerts,
        latest=ear.latest,
        transitions=tuple(ear.transitions),
        blocked=Counter(_parent(one) for one in found if one.outcome is Outcome.BLOCKED),
        idle=tuple(name for name in idle if name not in ear.busy),
    )


class _Ear:
    """The alerts while results come in."""

    def __init__(
        self,
        rules: Mapping[str, Rule],
        alerts: Mapping[AlertKey, Alert],
        results: Iterable[CheckResult],
    ) -> None:
        self._rules = rules
        self._policies = {name: policy_of(rule) for name, rule in rules.items()}
        self.alerts = dict(alerts)
        self.latest: dict[AlertKey, CheckResult] = {}
        self.transitions: list[Transition] = []
        self.busy: set[str] = set()
        self._known: dict[_Topic, list[AlertKey]] = {}
        for key in alerts:
            self._known.setdefault((key.rule, key.identity), []).append(key)
        self._adopted = {
            (name, one.run_id, _parent(one))
            for one in results
            if one.outcome is Outcome.BLOCKED
            for name, rule in rules.items()
            if adopts(rule, one)
        }

    def take(self, result: CheckResult) -> None:
        """Let every rule that watches a result hear it."""
        for name, rule in self._rules.items():
            known = self._known.get((name, result.identity), [])
            if watches(rule, result):
                self.busy.add(name)
            elif not self._is_adopted(name, result, known):
                continue
            seen = sight(rule, result)
            if seen is not None:
                self._hear(name, result, seen, known)
            elif result.outcome is Outcome.BLOCKED:
                for key in known:
                    self.alerts[key] = replace(self.alerts[key], blocked_by=_parent(result))

    def _is_adopted(self, rule: str, result: CheckResult, known: list[AlertKey]) -> bool:
        if not is_reachable(result.check_id):
            return False
        return bool(known) or (rule, result.run_id, result.target) in self._adopted

    def _hear(self, name: str, result: CheckResult, seen: Sight, known: list[AlertKey]) -> None:
        environment, check_id, target, entry = result.identity
        own = AlertKey(
            environment=environment,
            target=target,
            check_id=check_id,
            entry=entry,
            rule=name,
            fingerprint=seen.fingerprint,
        )
        is_event = self._policies[name].event
        if seen.severity is not None or not is_event:
            self._move(own, result, seen)
        if is_event:  # what else had happened did not happen again
            for key in known:
                if key != own or seen.severity is None:
                    self._move(key, result, Sight(severity=None))

    def _move(self, key: AlertKey, result: CheckResult, seen: Sight) -> None:
        before = self.alerts.get(key)
        if before is None:
            self._known.setdefault((key.rule, key.identity), []).append(key)
            before = Alert(key=key)
        sighting = Sighting(at=result.started_at, run_id=result.run_id, severity=seen.severity)
        after = advance(before, sighting, self._policies[key.rule])
        if after is before:
            return
        reason = f"{result.outcome.word}: {result.reason}"
        if seen.severity is not None:
            after = replace(after, reason=reason)
        self.alerts[key], self.latest[key] = after, result
        if after.phase is not before.phase:
            self.transitions.append(
                Transition(
                    key=key,
                    run_id=result.run_id,
                    at=result.started_at,
                    before=before.phase,
                    after=after.phase,
                    reason=reason,
                )
            )


def _parent(result: CheckResult) -> str:
    """Return the host that blocked a check: `web1` of `reachable:web1`."""
    return result.blocked_by.removeprefix("reachable:")

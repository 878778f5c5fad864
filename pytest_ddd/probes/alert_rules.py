"""Alerting rules as the baseline means them, and as Prometheus says that it runs them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from pytest_ddd.baseline.sections.rule_sets import Alert, Profile, RuleSet
from pytest_ddd.errors import CannotLookError
from pytest_ddd.plain import Json
from pytest_ddd.units import format_duration

DIGEST = "pytest_ddd_digest"
"""The annotation by which a rule that runs is recognized: Prometheus rewrites its expression."""

_HEADER = "# pytest-ddd "
_DIGITS = 16
"""Hexadecimal digits of SHA-256 that are kept: 64 bits, enough to tell versions apart."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One alerting rule, in the words of Prometheus; annotations without the digest."""

    name: str
    expr: str
    for_ms: int
    labels: Mapping[str, str]
    annotations: Mapping[str, str]

    @property
    def digest(self) -> str:
        """What a rule says, in 16 digits."""
        said = [self.name, self.expr, self.for_ms, dict(self.labels), dict(self.annotations)]
        return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()[:_DIGITS]


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """Which group with which rules (name and digest) a file of ours holds; its first line."""

    group: str
    profile: str
    rules: tuple[tuple[str, str], ...]

    @property
    def line(self) -> str:
        """The first line of the file."""
        rules = [list(rule) for rule in self.rules]
        said = {"group": self.group, "profile": self.profile, "rules": rules}
        return _HEADER + json.dumps(said, ensure_ascii=True)

    @classmethod
    def read(cls, content: bytes) -> Manifest | None:
        """Return the manifest of a file; None when the file is not one of ours."""
        line = content.split(b"\n", 1)[0].decode(errors="replace")
        if not line.startswith(_HEADER):
            return None
        try:
            said = json.loads(line.removeprefix(_HEADER))
            rules = tuple((str(name), str(digest)) for name, digest in said["rules"])
            return cls(group=str(said["group"]), profile=str(said["profile"]), rules=rules)
        except (ValueError, KeyError, TypeError):
            return None


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleGroup:
    """All rules of one rule set in one profile."""

    name: str
    profile: Profile
    interval_ms: int
    rules: tuple[Rule, ...]

    @property
    def manifest(self) -> Manifest:
        """The first line of its file."""
        rules = tuple((rule.name, rule.digest) for rule in self.rules)
        return Manifest(group=self.name, profile=self.profile, rules=rules)

    @property
    def lines(self) -> tuple[str, ...]:
        """The rules in words, for a plan: `HighErrors: sum(errors) > 2.0 for 5m`."""
        return tuple(
            f"{rule.name}: {rule.expr}"
            + (f" for {format_duration(rule.for_ms / 1000)}" if rule.for_ms else "")
            for rule in self.rules
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """A group that Prometheus runs: its rules (name and digest), and how they fare.

    `pending` were not looked at yet since the last reload; `errors` say which fail and why.
    """

    group: str
    rules: tuple[tuple[str, str], ...]
    pending: tuple[str, ...] = ()
    errors: tuple[str, ...] = ()


def name_of(environment: str, key: str, profile: Profile) -> str:
    """Return what the group of a rule set is called in a profile."""
    return f"pytest-ddd {environment} {key} {profile}"


def group_of(model: RuleSet, *, environment: str, key: str, profile: Profile) -> RuleGroup:
    """Return the rules of a rule set in one profile."""
    return RuleGroup(
        name=name_of(environment, key, profile),
        profile=profile,
        interval_ms=max(1, round(model.interval * 1000)),
        rules=tuple(_rule(name, alert, profile) for name, alert in model.alerts.items()),
    )


def _rule(name: str, alert: Alert, profile: Profile) -> Rule:
    sign, limit = (">", alert.above) if alert.above is not None else ("<", alert.below)
    assert limit is not None
    return Rule(
        name=name,
        expr=f"({alert.query}) {sign} {limit.at(profile)!r}",
        for_ms=round(alert.for_ * 1000),
        labels=alert.labels,
        annotations={"profile": profile, **alert.annotations},
    )


def running(groups: Json, names: Collection[str]) -> tuple[Running, ...]:
    """Return the groups of these names among those that Prometheus tells of.

    Raises:
        CannotLookError: this is no list of groups.
    """
    try:
        return tuple(_running(groups, names))
    except (KeyError, TypeError, AttributeError):
        raise CannotLookError(f"not the rules of a Prometheus: {str(groups)[:200]!r}") from None


def _running(groups: Json, names: Collection[str]) -> Iterator[Running]:
    for group in _dicts(groups):
        name = str(group["name"])
        if name in names:
            rules = _dicts(group["rules"])
            yield Running(
                group=name,
                rules=tuple((str(rule["name"]), _digest(rule)) for rule in rules),
                pending=tuple(str(r["name"]) for r in rules if r.get("health") == "unknown"),
                errors=tuple(
                    f"{rule['name']}: {str(rule.get('lastError') or 'no reason told')[:300]}"
                    for rule in rules
                    if rule.get("health") not in ("ok", "unknown")
                ),
            )


def _digest(rule: Mapping[str, Json]) -> str:
    annotations = rule.get("annotations")
    return str(annotations.get(DIGEST, "")) if isinstance(annotations, dict) else ""


def _dicts(value: Json) -> list[Mapping[str, Json]]:
    if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
        raise TypeError
    return [one for one in value if isinstance(one, dict)]

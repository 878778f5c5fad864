"""Rule sets: which profile of its alerting rules Prometheus runs now."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from pytest_ddd import clock
from pytest_ddd.baseline.model import Declaration
from pytest_ddd.baseline.sections import rule_sets as section
from pytest_ddd.baseline.sections.rule_sets import Profile
from pytest_ddd.errors import CannotLookError
from pytest_ddd.probes.alert_rules import Manifest, RuleGroup, Running, group_of, name_of, running
from pytest_ddd.probes.entry import Entry
from pytest_ddd.probes.metering.prometheus import Prometheus
from pytest_ddd.probes.web.ask import Caller
from pytest_ddd.results import Problem, Reading

if TYPE_CHECKING:
    from pytest_ddd.connections import Connections, Session
    from pytest_ddd.probes.scope import Scope

__all__ = ["LoadedRules", "RuleSet", "entries"]

SECTION = "rule_sets"
PROFILES: tuple[Profile, ...] = ("day", "night")


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedRules:
    """What Prometheus runs of one rule set.

    Attributes:
        profile: `day` or `night` as the baseline means it, `other` for rules of another version
            of the baseline, `none` when it runs none.
        groups: what it runs, with names and digests.
        problems: rules that cannot be evaluated.
    """

    profile: str
    groups: tuple[Running, ...]
    readings: tuple[Reading, ...]
    problems: tuple[Problem, ...]


class RuleSet(Entry[LoadedRules]):
    """One file of alerting rules and the Prometheus that runs it.

    Attributes:
        declaration: its baseline entry.
        environment: name of the environment, part of the names of its groups.
    """

    def __init__(
        self,
        declaration: Declaration[section.RuleSet],
        *,
        environment: str,
        host: str,
        connections: Connections,
    ) -> None:
        super().__init__(
            section=SECTION, key=declaration.key, target=host or environment, host=host
        )
        self.declaration = declaration
        self.environment = environment
        self._connections = connections

    @property
    def session(self) -> Session:
        """Where the file is: its host, or the controller."""
        if self.host:
            return self._connections.session(self.host)
        return self._connections.controller

    def caller(self) -> Caller:
        """Return the way to its Prometheus.

        Raises:
            CannotLookError: a secret or a file of certificate authorities is missing.
        """
        server = self.declaration.model.prometheus
        return Caller.of(server, session=self.session if server.from_ == "host" else None)

    def group(self, profile: Profile) -> RuleGroup:
        """Return the rules that the baseline means in a profile."""
        model = self.declaration.model
        return group_of(model, environment=self.environment, key=self.key, profile=profile)

    def running(self) -> tuple[Running, ...]:
        """Ask Prometheus now which groups of this rule set it runs.

        Raises:
            CannotLookError: no answer.
        """
        prometheus = Prometheus(caller=self.caller(), max_age_s=0.0)
        try:
            names = [name_of(self.environment, self.key, profile) for profile in PROFILES]
            return running(prometheus.rules(), names)
        except CannotLookError as failure:
            raise CannotLookError(f"{self.key}: {failure.message}", hint=failure.hint) from failure

    def look(self) -> LoadedRules:
        """Ask which rules are loaded.

        Raises:
            CannotLookError: no answer.
        """
        started = clock.monotonic()
        groups = self.running()
        profile = self._profile(groups)
        errors = [error for group in groups for error in group.errors]
        reading = Reading(
            name=f"{self.key} rules",
            value=profile,
            source=f"{self.declaration.model.prometheus.url}: rules",
            at=clock.now(),
            took_s=clock.monotonic() - started,
            detail="\n".join(f"{group.group}: {len(group.rules)}" for group in groups),
            origin=self.declaration.origin(),
        )
        origin = self.declaration.origin("alerts")
        problems = tuple(Problem(text=f"{self.key}: {error}", origin=origin) for error in errors)
        return LoadedRules(profile=profile, groups=groups, readings=(reading,), problems=problems)

    def _profile(self, groups: tuple[Running, ...]) -> str:
        if not groups:
            return "none"
        for profile in PROFILES:
            if is_running(groups, self.group(profile).manifest):
                return profile
        return "other"


def is_running(groups: tuple[Running, ...], manifest: Manifest) -> bool:
    """Whether exactly the group of a manifest runs: every rule of it, and no other group."""
    return [(one.group, one.rules) for one in groups] == [(manifest.group, manifest.rules)]


def entries(scope: Scope) -> list[RuleSet]:
    """Return the rule sets of the environment, then those of each selected host."""
    name, connections = scope.baseline.name, scope.connections
    found = []
    for declaration in scope.in_environment(SECTION):
        ours = cast("Declaration[section.RuleSet]", declaration)
        found.append(RuleSet(ours, environment=name, host="", connections=connections))
    for host, declaration in scope.on_hosts(SECTION):
        ours = cast("Declaration[section.RuleSet]", declaration)
        found.append(RuleSet(ours, environment=name, host=host, connections=connections))
    return found

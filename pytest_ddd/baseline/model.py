"""Baseline: what good looks like in one environment, with the origin of every value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Generic, Literal, TypeVar

from pytest_ddd.baseline.fields import Entry, Model
from pytest_ddd.baseline.sections.approvals import Approvals
from pytest_ddd.baseline.sections.environment import Environment
from pytest_ddd.baseline.sections.escalation import Escalation
from pytest_ddd.baseline.sections.hosts import Host
from pytest_ddd.baseline.sections.scenarios import Scenario
from pytest_ddd.baseline.sections.waivers import Waiver
from pytest_ddd.results import Limit, Origin, Threshold

M_co = TypeVar("M_co", bound=Model, covariant=True)

Path = tuple[str | int, ...]
"""Keys as the YAML writes them, from the top of what is described."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Declaration(Generic[M_co]):
    """One entry of one section, as it holds for one target, with the origin of its values.

    `key` is the entry's name within its section (`shop`, `disk:/var`, `service:nginx`);
    `origins` maps paths inside the entry to the line that won.
    """

    section: str
    key: str
    model: M_co
    origins: Mapping[Path, Origin]

    def origin(self, *path: str | int) -> Origin | None:
        """Return where a value was written; of a default, where its entry was."""
        for length in range(len(path), -1, -1):
            if (origin := self.origins.get(path[:length])) is not None:
                return origin
        return None

    def threshold(
        self, *path: str, unit: str, bad: Literal["above", "below"] = "above"
    ) -> Threshold:
        """Return the `warn` and `crit` that stand at `path` as a threshold in `unit`."""
        limits: object = self.model
        for name in path:
            limits = getattr(limits, name)
        found = {
            name: Limit(value=float(value), origin=self.origin(*path, name))
            for name in ("warn", "crit")
            if (value := getattr(limits, name)) is not None
        }
        return Threshold(warn=found.get("warn"), crit=found.get("crit"), unit=unit, bad=bad)


@dataclass(frozen=True, slots=True, kw_only=True)
class BaselineFile:
    """One file that a baseline was read from."""

    path: str
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """The expected state of one environment.

    `groups` maps a group to its hosts and always holds `all`. `for_environment` and `for_host`
    map a section to its declarations: those that live in the environment itself, and those that
    apply to one host with the overrides of its groups and its own. `unused` are entries whose
    `applies_to` names only groups without hosts: nobody ever looks at them.
    """

    name: str
    root: str
    files: tuple[BaselineFile, ...]
    environment: Environment
    hosts: Mapping[str, Declaration[Host]]
    groups: Mapping[str, tuple[str, ...]]
    scenarios: Mapping[str, Scenario]
    escalation: Escalation
    for_environment: Mapping[str, tuple[Declaration[Entry], ...]]
    for_host: Mapping[str, Mapping[str, tuple[Declaration[Entry], ...]]]
    unused: tuple[Declaration[Entry], ...] = ()
    waivers: Mapping[str, Declaration[Waiver]] = field(default_factory=dict)
    approvals: Mapping[str, Declaration[Approvals]] = field(default_factory=dict)

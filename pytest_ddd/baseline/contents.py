"""Which sections a baseline has, the model of each, and where their entries live."""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping
from typing import TypeVar

from pytest_ddd.baseline.fields import Entry, Model
from pytest_ddd.baseline.tree import Path

VERSION = 1
"""Version of the baseline format."""

M_co = TypeVar("M_co", bound=Model, covariant=True)


class Models(Mapping[str, type[M_co]]):
    """The model of each section; its module is loaded when it is asked for: few sites have all.

    Args:
        names: section -> name of the model, in the module of that section, or `module:name`.
    """

    def __init__(self, names: Mapping[str, str]) -> None:
        self.names = names

    def __getitem__(self, section: str) -> type[M_co]:
        file, _, name = self.names[section].rpartition(":")
        module = importlib.import_module(f"pytest_ddd.baseline.sections.{file or section}")
        found: type[M_co] = getattr(module, name)
        return found

    def __contains__(self, section: object) -> bool:
        return section in self.names

    def __iter__(self) -> Iterator[str]:
        return iter(self.names)

    def __len__(self) -> int:
        return len(self.names)


WHOLE = Models[Model](
    {
        "environment": "Environment",
        "configuration": "Configuration",
        "escalation": "Escalation",
    }
)
"""Sections that are one mapping."""

ON_HOSTS = Models[Entry](
    {
        "thresholds": "Resource",
        "logs": "Log",
        "host_states": "HostState",
        "maintenance": "Maintenance",
        "rollback": "Rollback",
        "patches": "Patch",
    }
)
"""Sections by name whose entries live on every host; `applies_to` narrows them."""

IN_ENVIRONMENT = Models[Entry](
    {
        "endpoints": "Endpoint",
        "backups": "Backup",
        "jobs": "Job",
        "queues": "Queue",
        "sync": "SyncPair",
        "metrics": "Metric",
        "rule_sets": "RuleSet",
        "controls": "Regulation",
        "security": "Safeguard",
        "access": "Access",
        "retention": "Retention",
        "attestations": "Attestation",
        "smoke_tests": "SmokeTest",
        "scans": "Scan",
        "probes": "Probe",
    }
)
"""Sections by name whose entries live in the environment, or on the hosts of `applies_to`."""

BY_NAME = Models[Model](
    {
        "hosts": "Host",
        "groups": "hosts:Group",
        "scenarios": "Scenario",
        "waivers": "Waiver",
        "approvals": "Approvals",
        **ON_HOSTS.names,
        **IN_ENVIRONMENT.names,
    }
)
"""Sections that are a mapping by name, and the model of one entry."""

SECTIONS = (*BY_NAME, *WHOLE)
FILES: dict[str, tuple[str, ...]] = {
    **{section: (section,) for section in SECTIONS},
    "groups": ("hosts",),
    "environment": ("environment", "hosts"),
}
"""Section -> stems of the files that it may stand in, the usual one first."""

TARGET_FILES = ("environment", "hosts")
"""Files that say which hosts there are; they alone may carry `extends`."""

OVERRIDABLE = (*ON_HOSTS, "configuration")
"""Sections that `set:` of a group or host may change."""


def keeps_null(path: Path) -> bool:
    """Return whether `null` at this path is a value, not a removal.

    Below `set:` it waits for the sections that it changes; in the expected JSON of an endpoint
    it is what the answer must say.
    """
    if len(path) < 4:
        return False
    return (path[0] in ("hosts", "groups") and path[2] == "set") or (
        path[0] == "endpoints" and path[2] == "json"
    )

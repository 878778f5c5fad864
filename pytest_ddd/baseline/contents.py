"""Which sections a baseline has, the model of each, and where their entries live."""

from __future__ import annotations

from pytest_ddd.baseline.fields import Entry, Model
from pytest_ddd.baseline.sections.access import Access
from pytest_ddd.baseline.sections.approvals import Approvals
from pytest_ddd.baseline.sections.attestations import Attestation
from pytest_ddd.baseline.sections.backups import Backup
from pytest_ddd.baseline.sections.configuration import Configuration
from pytest_ddd.baseline.sections.controls import Regulation
from pytest_ddd.baseline.sections.endpoints import Endpoint
from pytest_ddd.baseline.sections.environment import Environment
from pytest_ddd.baseline.sections.escalation import Escalation
from pytest_ddd.baseline.sections.host_states import HostState
from pytest_ddd.baseline.sections.hosts import Group, Host
from pytest_ddd.baseline.sections.jobs import Job
from pytest_ddd.baseline.sections.logs import Log
from pytest_ddd.baseline.sections.maintenance import Maintenance
from pytest_ddd.baseline.sections.metrics import Metric
from pytest_ddd.baseline.sections.patches import Patch
from pytest_ddd.baseline.sections.probes import Probe
from pytest_ddd.baseline.sections.queues import Queue
from pytest_ddd.baseline.sections.retention import Retention
from pytest_ddd.baseline.sections.rollback import Rollback
from pytest_ddd.baseline.sections.rule_sets import RuleSet
from pytest_ddd.baseline.sections.scans import Scan
from pytest_ddd.baseline.sections.scenarios import Scenario
from pytest_ddd.baseline.sections.security import Safeguard
from pytest_ddd.baseline.sections.smoke_tests import SmokeTest
from pytest_ddd.baseline.sections.sync import SyncPair
from pytest_ddd.baseline.sections.thresholds import Resource
from pytest_ddd.baseline.sections.waivers import Waiver
from pytest_ddd.baseline.tree import Path

VERSION = 1
"""Version of the baseline format."""

WHOLE: dict[str, type[Model]] = {
    "environment": Environment,
    "configuration": Configuration,
    "escalation": Escalation,
}
"""Sections that are one mapping."""

ON_HOSTS: dict[str, type[Entry]] = {
    "thresholds": Resource,
    "logs": Log,
    "host_states": HostState,
    "maintenance": Maintenance,
    "rollback": Rollback,
    "patches": Patch,
}
"""Sections by name whose entries live on every host; `applies_to` narrows them."""

IN_ENVIRONMENT: dict[str, type[Entry]] = {
    "endpoints": Endpoint,
    "backups": Backup,
    "jobs": Job,
    "queues": Queue,
    "sync": SyncPair,
    "metrics": Metric,
    "rule_sets": RuleSet,
    "controls": Regulation,
    "security": Safeguard,
    "access": Access,
    "retention": Retention,
    "attestations": Attestation,
    "smoke_tests": SmokeTest,
    "scans": Scan,
    "probes": Probe,
}
"""Sections by name whose entries live in the environment, or on the hosts of `applies_to`."""

BY_NAME: dict[str, type[Model]] = {
    "hosts": Host,
    "groups": Group,
    "scenarios": Scenario,
    "waivers": Waiver,
    "approvals": Approvals,
    **ON_HOSTS,
    **IN_ENVIRONMENT,
}
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

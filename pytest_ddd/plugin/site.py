"""The site of this pytest process: its baseline, its targets and the way to them."""

from __future__ import annotations

import importlib
import uuid
from collections.abc import Container, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

import pytest

from pytest_ddd import clock
from pytest_ddd.errors import UsageError
from pytest_ddd.plugin import loading
from pytest_ddd.plugin.options import SETTINGS_KEY, Settings

if TYPE_CHECKING:
    from pytest_ddd.baseline.model import Baseline
    from pytest_ddd.connections import Connections
    from pytest_ddd.probes.entry import AnyEntry
    from pytest_ddd.probes.scope import Look, Scope

SITE_KEY = pytest.StashKey["Site"]()
RUN_ID_KEY = pytest.StashKey[str]()
STARTED_AT_KEY = pytest.StashKey[datetime]()
MISTAKE_KEY = pytest.StashKey[str]()
"""A mistake of the user that was found while collecting; told once, at the end of collection."""

NOUNS = {
    "endpoint": ("endpoints", "endpoints"),
    "resource": ("resources", "thresholds"),
    "log": ("logs", "logs"),
    "backup": ("backups", "backups"),
    "drift_item": ("configuration", "configuration"),
    "job": ("jobs", "jobs"),
    "queue": ("queues", "queues"),
    "sync_pair": ("sync", "sync"),
    "metric": ("metrics", "metrics"),
    "rule_set": ("rule_sets", "rule_sets"),
    "regulation": ("controls", "controls"),
    "safeguard": ("security", "security"),
    "access_log": ("access", "access"),
    "records": ("retention", "retention"),
    "attestation": ("attestations", "attestations"),
    "host_state": ("host_states", "host_states"),
    "smoke_test": ("smoke_tests", "smoke_tests"),
    "scan": ("scans", "scans"),
    "rollback_point": ("rollback", "rollback"),
    "patch": ("patches", "patches"),
    "probe": ("own", "probes"),
}
"""Fixture -> (module in probes, baseline section)."""


@dataclass(kw_only=True)
class Site:
    """What one pytest process knows about the environment it looks at."""

    settings: Settings
    baseline: Baseline
    connections: Connections
    scope: Scope
    is_default: bool
    """Whether no `--host` was given."""
    key: str = ""
    """Fingerprint of the key that signs the evidence."""
    _entries: dict[str, tuple[AnyEntry, ...]] = field(default_factory=dict)

    def entries(self, noun: str) -> tuple[AnyEntry, ...]:
        """Return all entries of a noun that apply to the selected targets."""
        if noun not in self._entries:
            module = importlib.import_module(f"pytest_ddd.probes.{NOUNS[noun][0]}")
            self._entries[noun] = tuple(module.entries(self.scope))
        return self._entries[noun]

    def forget(self, *, but: AnyEntry | None) -> None:
        """Let all entries that were made so far look again, except one."""
        for entry in (one for entries in self._entries.values() for one in entries):
            if entry is not but:
                entry.forget()

    def declares(self, section: str) -> bool:
        """Whether the baseline has entries of a section, for whatever target."""
        baseline = self.baseline
        every = (baseline.for_environment, *baseline.for_host.values())
        return any(declared.get(section) for declared in every)

    def overlooked(self, seen: Container[str]) -> list[str]:
        """Say what is in the baseline and nobody looks at; `seen` are targets with results."""
        lines = [
            f"nobody looks at {one.section}.{one.key}: `applies_to` names only groups without "
            f"hosts ({one.origin('applies_to')})"
            for one in (self.baseline.unused if self.scope.whole else ())
        ]
        lines += [
            f"nobody looks at {host}: nothing in the baseline applies to it"
            for host in self.scope.hosts
            if host not in seen and not any(self.baseline.for_host[host].values())
        ]
        return lines

    def file_of(self, section: str) -> str:
        """Return the file in which a section of this environment would be written."""
        whole = f"{self.baseline.root}/{self.baseline.name}.yaml"
        if any(file.path == whole for file in self.baseline.files):
            return whole
        return f"{self.baseline.root}/{self.baseline.name}/{section}.yaml"


def site_of(config: pytest.Config) -> Site | None:
    """Return the site, made at the first call; None when the user's input is at fault."""
    if SITE_KEY not in config.stash and MISTAKE_KEY not in config.stash:
        try:
            with loading.for_good():
                config.stash[SITE_KEY] = _open(config)
        except UsageError as mistake:
            config.stash[MISTAKE_KEY] = str(mistake)
    return config.stash.get(SITE_KEY, None)


def run_id(config: pytest.Config) -> str:
    """Return the identity of the run: the same on the controller and on every xdist worker."""
    if RUN_ID_KEY not in config.stash:
        given = getattr(config, "workerinput", {}).get("ddd_run_id")
        config.stash[RUN_ID_KEY] = str(given or uuid.uuid4().hex)
    return config.stash[RUN_ID_KEY]


def rest(config: pytest.Config) -> None:
    """Let all connections begin to close; what asks a host all the same opens another one."""
    if SITE_KEY in config.stash:
        config.stash[SITE_KEY].connections.rest()


def close(config: pytest.Config) -> None:
    """Close all connections; no process is left."""
    site = config.stash.get(SITE_KEY, None)
    if site is not None:
        site.scope.databases.close()
        site.connections.close()


def run_started_at(config: pytest.Config) -> datetime:
    """Return when the run began: the same moment on the controller and on every xdist worker."""
    if STARTED_AT_KEY not in config.stash:
        given = getattr(config, "workerinput", {}).get("ddd_started_at")
        config.stash[STARTED_AT_KEY] = clock.from_stamp(given) if given else clock.now()
    return config.stash[STARTED_AT_KEY]


def _open(config: pytest.Config) -> Site:
    from pytest_ddd.baseline import inventory, nights, secrets
    from pytest_ddd.connections import Connections, declared
    from pytest_ddd.plugin.since import logs_since
    from pytest_ddd.probes.scope import Scope
    from pytest_ddd.scenarios.schedule import schedules

    settings = config.stash[SETTINGS_KEY]
    if (foreign := getattr(config.option, "hosts", None)) and not settings.hosts:
        raise UsageError(
            f"--hosts={foreign} is testinfra's own option, and checks do not see it",
            hint=f"pytest --host={foreign}",
        )
    selection = inventory.select(settings.baselines, settings.hosts)
    baseline = selection.baseline
    schedules(baseline)  # at the end of the run it would be late to miss a calendar of holidays
    secrets.redact_early(baseline.escalation)
    started_at = run_started_at(config)
    connections = Connections(declared.specs_of(baseline.hosts, secrets.text_of))
    night = nights.last_night(baseline.environment, started_at)
    scope = Scope(
        baseline=baseline,
        hosts=selection.hosts,
        whole=selection.whole,
        connections=connections,
        profile=settings.profile or nights.profile(baseline.environment, started_at),
        since=logs_since(settings.history, config.rootpath, baseline, night),
        started_at=started_at,
        evidence=settings.evidence,
        own=_own_probes(config, baseline),
    )
    return Site(
        settings=settings,
        baseline=baseline,
        connections=connections,
        scope=scope,
        is_default=not settings.hosts,
        key=_fingerprint(settings),
    )


def _own_probes(config: pytest.Config, baseline: Baseline) -> Mapping[str, Look]:
    """Return the probes that conftests register; one that is asked for and is not there is told."""
    from pytest_ddd.probes import own

    registered: dict[str, Look] = {}
    config.hook.pytest_ddd_register_probes(config=config, probes=registered)
    own.refuse_unknown(baseline, registered)
    return registered


def _fingerprint(settings: Settings) -> str:
    """Return the fingerprint of the key to sign with: a wrong one is told before anything runs."""
    if settings.sign is None:
        return ""
    from pytest_ddd.signatures import fingerprint

    try:
        return fingerprint(settings.sign)
    except UsageError:
        if settings.evidence is None:  # nothing will be signed
            return ""
        raise

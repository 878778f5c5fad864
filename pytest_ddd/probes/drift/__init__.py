"""Drift: one file for each kind of declaration, each comparing one host with the baseline."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from pytest_ddd.probes.drift import (
    cron,
    files,
    groups,
    listeners,
    mounts,
    packages,
    services,
    sysctl,
    unlisted,
    users,
)
from pytest_ddd.probes.drift.comparison import Comparison

COMPARE: Mapping[str, Callable[[Comparison], None]] = {
    "package": packages.compare,
    "service": services.compare,
    "file": files.compare,
    "sysctl": sysctl.compare,
    "user": users.compare,
    "group": groups.compare,
    "listener": listeners.compare,
    "mount": mounts.compare,
    "cron": cron.compare,
    "unlisted": unlisted.compare,
}
"""First part of a declaration's key -> what compares it."""

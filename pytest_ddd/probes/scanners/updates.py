"""Pending updates: what the security archives offer and a Debian host has not installed."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pytest_ddd.baseline.sections.patches import Apt
from pytest_ddd.baseline.sections.scans import Updates
from pytest_ddd.errors import CannotLookError
from pytest_ddd.probes import commands
from pytest_ddd.probes.scanners.interface import Finding, Scanned, run
from pytest_ddd.probes.updates import apt
from pytest_ddd.units import format_duration

if TYPE_CHECKING:
    from pytest_ddd.connections import Session

SHOWN = "apt-get -s upgrade"
_LISTS = f"""\
command -v apt-get >/dev/null || {{ echo 'apt-get is not installed' >&2; exit 127; }}
echo "$(( $(date +%s) - $(stat -c %Y /var/lib/apt/lists/partial) ))" || exit 1
apt-cache {apt.NO_CACHE} policy
"""
"""apt touches `partial` whenever it fetches lists; the lists themselves keep the archive's time."""


def scan(session: Session, model: Updates, timeout_s: float) -> Scanned:
    """Ask apt what it would install, by lists that are fresh and name a security archive.

    Raises:
        CannotLookError: apt cannot say, or its lists are old.
    """
    done = run(session, _LISTS, shown="apt-cache policy", timeout_s=timeout_s, package="apt")
    age, *lines = done.text.splitlines() or [""]
    if not done.ok or not age.removeprefix("-").isdecimal():
        raise commands.blind(session, "apt-cache policy", done)
    if int(age) > model.max_age:
        raise CannotLookError(
            f"{session.spec.label}: the lists of packages were fetched "
            f"{format_duration(float(age))} ago",
            hint="apt-get update   # on that host, as root; `max_age` allows more",
        )
    archives = [
        line
        for line in lines
        if line.lstrip().startswith("release ")
        and any(re.search(pattern, line) for pattern in model.security)
    ]
    if not archives:  # a host that knows of none would be green for ever
        return Scanned(findings=(), examined=0, unit="security archives", source=SHOWN)
    found = apt.pending(session, Apt(security=model.security))
    held = [(one, " (held)") for one in found.held]
    return Scanned(
        findings=tuple(
            Finding(id=one.name, severity=model.severity, text=f"{one.old} -> {one.new}{note}")
            for one, note in [*((one, "") for one in found.updates if one.old), *held]
        ),
        examined=len(archives),
        unit="security archives",
        source=SHOWN,
    )

"""What the probes of one run may look at."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

from pytest_ddd.baseline.fields import Entry
from pytest_ddd.baseline.model import Baseline, Declaration
from pytest_ddd.connections import Connections
from pytest_ddd.probes.sql import Databases

if TYPE_CHECKING:
    from pytest_ddd.connections import Host

Option: TypeAlias = str | int | float | bool | list[str]
Look: TypeAlias = "Callable[[Host | None, Mapping[str, Option]], float | tuple[float, str]]"
"""A probe of the site's own: looks once, and returns a number, or a number and what shows it.

It gets testinfra's host, or None for an entry without `applies_to`, and the options of the entry.
It may run in any thread, next to others. It raises CannotLookError when it could not look.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """The selected targets of one run and the way to them.

    `hosts` are inventory names; `whole` says whether the environment itself is selected, so that
    entries without a host are looked at too. `since` is the start of the last night, from which
    logs are read; `profile` picks the limits. `databases` are asked in sessions that all entries
    share.
    """

    baseline: Baseline
    hosts: tuple[str, ...]
    whole: bool
    connections: Connections
    profile: Literal["day", "night"]
    since: datetime
    started_at: datetime
    evidence: Path | None = None
    """Where the records of earlier runs are; None when none are kept."""
    databases: Databases = field(default_factory=Databases)
    own: Mapping[str, Look] = field(default_factory=dict)
    """Probes that the site brings with it, by the name of their kind."""

    def on_hosts(self, section: str) -> Iterator[tuple[str, Declaration[Entry]]]:
        """Yield (host, declaration) for every selected host that a section applies to."""
        for host in self.hosts:
            for declaration in self.baseline.for_host[host].get(section, ()):
                yield host, declaration

    def in_environment(self, section: str) -> Iterator[Declaration[Entry]]:
        """Yield the declarations of a section that live in the environment itself."""
        if self.whole:
            yield from self.baseline.for_environment.get(section, ())

"""What may be captured, what is found, and what has to be left out."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from pytest_ddd.baseline.fields import Entry
from pytest_ddd.baseline.sections.configuration import KINDS
from pytest_ddd.baseline.tree import Plain
from pytest_ddd.errors import CannotLookError
from pytest_ddd.probes.drift.comparison import Drift
from pytest_ddd.probes.scope import Scope
from pytest_ddd.results import Value

Values: TypeAlias = "dict[str, Plain]"
"""An entry as a file writes it."""

Inquiry: TypeAlias = Generator[Entry, Drift, Values]
"""Yields what the host is compared with, is sent the comparison, and returns an entry that holds.

A comparison that could not look is raised in it as `CannotLookError`.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """One thing that may be captured: its kind, as `configuration` writes it, and its name.

    `values` is what is known of it already where a name does not say it: a line of a crontab.
    """

    kind: str
    name: str
    values: Mapping[str, Plain] | None = None

    @property
    def key(self) -> str:
        """The key of its declaration: `service:nginx`."""
        return f"{KINDS.get(self.kind, self.kind)}:{self.name}"

    @property
    def path(self) -> tuple[str, ...]:
        """Where it stands in a baseline; all kinds of unlisted things are one entry."""
        below = () if self.kind == "unlisted" else (self.name,)
        return ("configuration", self.kind, *below)

    def seen(self, drift: Drift) -> dict[str, Value]:
        """Return what was observed of it, by attribute.

        Raises:
            CannotLookError: one of the attributes could not be looked at.
        """
        for reading in drift.readings:
            if reading.error:
                raise CannotLookError(reading.error)
        prefix = f"{self.key.replace(':', ' ', 1)} "
        return {reading.name.removeprefix(prefix): reading.value for reading in drift.readings}


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    """Something that is there, or was asked for, and is not written."""

    host: str
    name: str
    why: str
    hint: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """Where entries of a section are looked for; without names, all that there are."""

    scope: Scope
    host: str
    names: frozenset[str] = frozenset()

    def wants(self, name: str) -> bool:
        """Return whether an entry of that name is asked for: others are not looked at."""
        return not self.names or name in self.names

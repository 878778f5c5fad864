"""What may be found for the sections besides `configuration`, and what a baseline says already."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from itertools import count
from urllib.parse import urlsplit

from pytest_ddd.baseline.fields import Entry
from pytest_ddd.baseline.model import Declaration
from pytest_ddd.baseline.placing import Statement
from pytest_ddd.probes.capture import health, logs, repositories, thresholds
from pytest_ddd.probes.capture.interface import LeftOut, Search
from pytest_ddd.probes.endpoints import url_for_host
from pytest_ddd.probes.scope import Scope
from pytest_ddd.probes.web.http import DEFAULT_PORTS

Finder = Callable[[Search], Iterator[Statement | LeftOut]]

FINDERS: Mapping[str, Finder] = {
    "thresholds": thresholds.find,
    "logs": logs.find,
    "endpoints": health.find,
    "backups": repositories.find,
}
"""Section -> what finds its entries on a host."""


_THING = {"logs": ("path", "journal"), "backups": ("repository",), "endpoints": ("url",)}
"""Section -> the values that say what an entry is about; the first one that it has counts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What the baseline says of one section on one host: it is the user's, and never changed."""

    scope: Scope
    host: str
    section: str

    def has(self, one: Statement) -> bool:
        """Return whether the baseline speaks of a thing already, under whatever name."""
        if self.section not in _THING:  # limits: what they are about is their name
            return not {one.path[1], one.path[1].partition(":")[0]}.isdisjoint(self._keys())
        things = {self._thing(partial(getattr, each.model)) for each in self._declared()}
        return self._thing(one.values.get) in things

    def renamed(self, one: Statement) -> Statement:
        """Return a statement under a name that the baseline has for nothing else."""
        taken, (section, key) = self._keys(), one.path
        names = (key if number == 1 else f"{key}-{number}" for number in count(1))
        return replace(one, path=(section, next(name for name in names if name not in taken)))

    def _keys(self) -> set[str]:
        return {declaration.key for declaration in self._declared()}

    def _declared(self) -> Iterator[Declaration[Entry]]:
        for place in (self.scope.baseline.for_host[self.host], self.scope.baseline.for_environment):
            yield from place.get(self.section, ())

    def _thing(self, value_of: Callable[[str, None], object]) -> str:
        """Return what an entry is about; all paths on one server are one thing."""
        found = (value_of(name, None) for name in _THING[self.section])
        value = next((str(each) for each in found if each), "")
        if self.section != "endpoints":
            return value
        parts = urlsplit(url_for_host(value, self.scope.connections.spec(self.host)))
        return f"{parts.hostname}:{parts.port or DEFAULT_PORTS.get(parts.scheme)}"

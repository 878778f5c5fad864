"""What may be found for the sections besides `configuration`, and what a baseline says already."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
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


_THING = {"logs": "path", "backups": "repository", "endpoints": "url"}
"""Section -> the value that says what an entry is about."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What the baseline says of one section on one host: it is the user's, and never changed."""

    scope: Scope
    host: str
    section: str

    def has(self, one: Statement) -> bool:
        """Return whether the baseline speaks of a thing already, under whatever name."""
        declared = [*self._declared()]
        if {one.path[1], one.path[1].partition(":")[0]} & {each.key for each in declared}:
            return True
        name = _THING.get(self.section, "")
        thing = self._thing(one.values.get(name))
        return thing in {self._thing(getattr(each.model, name, None)) for each in declared} - {""}

    def _declared(self) -> Iterator[Declaration[Entry]]:
        for place in (self.scope.baseline.for_host[self.host], self.scope.baseline.for_environment):
            yield from place.get(self.section, ())

    def _thing(self, value: object) -> str:
        """Return what an entry is about; all paths on one server are one thing."""
        if self.section != "endpoints" or not value:
            return str(value or "")
        parts = urlsplit(url_for_host(str(value), self.scope.connections.spec(self.host)))
        return f"{parts.hostname}:{parts.port or DEFAULT_PORTS.get(parts.scheme)}"

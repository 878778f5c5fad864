"""Configuration drift: each declared thing on each host, beside what is really there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import chain
from typing import TYPE_CHECKING

from pytest_ddd.baseline.fields import Entry as EntryModel
from pytest_ddd.baseline.model import Declaration
from pytest_ddd.baseline.sections.configuration import Unlisted
from pytest_ddd.connections.answers import Completed
from pytest_ddd.errors import CannotLookError
from pytest_ddd.probes.attempts import until_good
from pytest_ddd.probes.drift import COMPARE, foreseen
from pytest_ddd.probes.drift.comparison import Comparison, Drift
from pytest_ddd.probes.drift.ways import Ways
from pytest_ddd.probes.entry import Entry
from pytest_ddd.results import Limit, Threshold

if TYPE_CHECKING:  # the connections themselves are not needed to declare
    from pytest_ddd.probes.scope import Scope

SECTION = "configuration"


class DriftItem(Entry[Drift]):
    """One thing on one host that is declared in the section `configuration`.

    `listed` is all that the section declares for the host: what is there beyond it is unlisted.
    """

    def __init__(
        self,
        *,
        declaration: Declaration[EntryModel],
        host: str,
        connections: Ways,
        listed: Sequence[Declaration[EntryModel]] = (),
    ) -> None:
        super().__init__(section=SECTION, key=declaration.key, target=host, host=host)
        self.declaration = declaration
        self._connections = connections
        self._listed = listed

    def foresee(self, known: Mapping[str, Completed]) -> Iterable[str]:
        """Name what testinfra's modules, and ours, will ask."""
        return foreseen.commands(self.declaration, known)

    @property
    def extra(self) -> Threshold:
        """The limit of unlisted things: the first one is yellow or red, as the baseline says."""
        kind, _, name = self.key.partition(":")
        severity = getattr(self.declaration.model, name, None) if kind == "unlisted" else None
        limit = Limit(value=1, origin=self.declaration.origin(name))
        if severity == "yellow":
            return Threshold(warn=limit)
        return Threshold(crit=limit)

    def look(self) -> Drift:
        """Compare until all is well or the attempts are used up; all attempts are kept."""
        drift, before = until_good(
            self.declaration.model.attempts, self._look_once, lambda drift: not drift.problems
        )
        seen = [one.readings for one in before if isinstance(one, Drift)]
        return replace(drift, readings=tuple(chain(*seen, drift.readings)))

    def _look_once(self, attempt: int) -> Drift:
        comparison = Comparison(
            declaration=self.declaration,
            host=self._connections.reading_host(self.host),
            shell=self._connections.session(self.host),
            listed=self._listed,
            attempt=attempt,
        )
        compare = COMPARE.get(comparison.kind)
        if compare is None:
            raise CannotLookError(f"there is no way to compare {self.key}")
        compare(comparison)
        return comparison.finish()


def entries(scope: Scope) -> list[DriftItem]:
    """Return one item for every (host, declaration); what is not looked for has none."""
    return [
        DriftItem(
            declaration=declaration,
            host=host,
            connections=scope.connections,
            listed=scope.baseline.for_host[host].get(SECTION, ()),
        )
        for host, declaration in scope.on_hosts(SECTION)
        if _is_asked_for(declaration)
    ]


def _is_asked_for(declaration: Declaration[EntryModel]) -> bool:
    kind, _, name = declaration.key.partition(":")
    if kind != "unlisted" or not isinstance(declaration.model, Unlisted):
        return True
    return getattr(declaration.model, name, None) is not None

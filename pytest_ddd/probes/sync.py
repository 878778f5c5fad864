"""Pairs of data: by how much two sides differ that have to be the same."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from pytest_ddd import clock
from pytest_ddd.baseline.model import Declaration
from pytest_ddd.baseline.sections import sync as section
from pytest_ddd.errors import CannotLookError, UnreachableError
from pytest_ddd.probes.attempts import until_good
from pytest_ddd.probes.entry import Entry
from pytest_ddd.probes.pairs import queries, replication, trees
from pytest_ddd.probes.pairs.interface import Compared
from pytest_ddd.results import Problem, Reading

if TYPE_CHECKING:
    from pytest_ddd.probes.scope import Scope

__all__ = ["SyncPair", "SyncState", "entries"]

SECTION = "sync"
_UNITS = {"difference": "", "deviation": "%", "lag": "s", "behind": "bytes"}
_UNKNOWN = {
    "difference": "the two sides were not compared",
    "deviation": "the two sides are not one number each",
    "lag": "the replica has replayed no commit yet",
    "behind": "the two sides were not compared",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncState:
    """By how much a pair differs: one reading for each limit that the baseline names."""

    readings: tuple[Reading, ...]
    problems: tuple[Problem, ...] = ()


class SyncPair(Entry[SyncState]):
    """One pair; it names its databases and hosts itself.

    Attributes:
        limits: the limits of each reading, by its name.
    """

    def __init__(self, declaration: Declaration[section.SyncPair], *, scope: Scope) -> None:
        super().__init__(section=SECTION, key=declaration.key, target=scope.baseline.name)
        model = declaration.model
        self._limited = [name for name in _UNITS if getattr(model, name) is not None]
        self.limits = {
            self._named(name): declaration.threshold(name, unit=_UNITS[name])
            for name in self._limited
        }
        self._declaration = declaration
        self._scope = scope

    def look(self) -> SyncState:
        """Compare; again as often as the entry allows while anything differs.

        Data that lives may change between the looks at its two sides.

        Raises:
            CannotLookError: the last attempt could not look.
        """
        (compared, took_s, attempt), before = until_good(
            self._declaration.model.attempts, self._look_once, lambda one: one[0].same
        )
        earlier = (
            one.message if isinstance(one, CannotLookError) else one[0].words for one in before
        )
        seen = [f"attempt {number}: {words}" for number, words in enumerate(earlier, start=1)]
        blank = Reading(
            name="",
            value=None,
            source=compared.source,
            at=clock.now(),
            took_s=took_s,
            attempt=attempt,
            detail="\n".join([compared.words, *seen]),
        )
        origin = self._declaration.origin()
        return SyncState(
            readings=tuple(self._reading(name, compared, blank) for name in self._limited),
            problems=tuple(
                Problem(text=f"{self.key}: {text}", origin=origin) for text in compared.problems
            ),
        )

    def _look_once(self, attempt: int) -> tuple[Compared, float, int]:
        started = clock.monotonic()
        try:
            compared = self._compare()
        except UnreachableError:
            raise
        except CannotLookError as failure:
            origin = self._declaration.origin()
            where = f" ({origin})" if origin else ""
            message = f"{self.key}: {failure.message}{where}"
            raise CannotLookError(message, hint=failure.hint) from failure
        return compared, clock.monotonic() - started, attempt

    def _compare(self) -> Compared:
        model = self._declaration.model
        if model.queries is not None:
            return queries.compare(self._scope.databases, model.queries)
        if model.replication is not None:
            return replication.compare(self._scope.databases, model.replication)
        assert model.files is not None
        return trees.compare(self._scope.connections, model.files)

    def _named(self, what: str) -> str:
        return f"{self.key} {what}"

    def _reading(self, what: str, compared: Compared, blank: Reading) -> Reading:
        value = compared.values.get(what)
        return Reading(
            name=self._named(what),
            value=value,
            unit=_UNITS[what],
            source=blank.source,
            at=blank.at,
            took_s=blank.took_s,
            attempt=blank.attempt,
            detail=blank.detail,
            error=_UNKNOWN[what] if value is None else "",
            origin=self._declaration.origin(what),
        )


def entries(scope: Scope) -> list[SyncPair]:
    """Return the pairs of the environment."""
    return [
        SyncPair(cast("Declaration[section.SyncPair]", declaration), scope=scope)
        for declaration in scope.in_environment(SECTION)
    ]

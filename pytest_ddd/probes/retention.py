"""Retention: whether records are old enough, not too old, and without gaps."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, cast

from pytest_ddd import clock
from pytest_ddd.baseline.model import Declaration
from pytest_ddd.baseline.sections.retention import Retention as Model
from pytest_ddd.controls import catalogue
from pytest_ddd.errors import CannotLookError
from pytest_ddd.probes.attempts import until_good
from pytest_ddd.probes.entry import Entry
from pytest_ddd.probes.keeping.files import Kept, kept_in_files
from pytest_ddd.probes.keeping.tables import kept_in_table
from pytest_ddd.results import Problem, Reading, Value
from pytest_ddd.units import plural

if TYPE_CHECKING:
    from pytest_ddd.connections import Connections
    from pytest_ddd.probes.scope import Scope
    from pytest_ddd.probes.sql import Databases

SECTION = "retention"
_DAY_S = 86400.0
_GAPS_SHOWN = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class RetentionState:
    """How far back records reach, and what is wrong with that."""

    readings: tuple[Reading, ...]
    problems: tuple[Problem, ...]


class Records(Entry[RetentionState]):
    """One entry of the section `retention`, on one host or in one database."""

    def __init__(
        self,
        declaration: Declaration[Model],
        *,
        target: str,
        host: str,
        connections: Connections,
        databases: Databases,
    ) -> None:
        super().__init__(section=SECTION, key=declaration.key, target=target, host=host)
        self.declaration = declaration
        self._connections = connections
        self._databases = databases

    def look(self) -> RetentionState:
        """Look for the days that have records; again only when they could not be seen.

        Raises:
            CannotLookError: some of them could not be seen, and nothing else is wrong.
        """
        state, _before = until_good(self.declaration.model.attempts, self._look_once)
        return state

    def _look_once(self, attempt: int) -> RetentionState:
        model, at = self.declaration.model, clock.now()
        if model.sql is not None:
            kept = kept_in_table(model.sql, self._databases)
        else:
            kept = kept_in_files(model, self._connections.session(self.host))
        problems = tuple(self._problems(kept, at))
        if kept.blinds and not problems:
            raise CannotLookError(
                f"{self.key}: {'; '.join(kept.blinds)}",
                hint="set sudo: true for this host" if "denied" in kept.blinds[0] else "",
            )
        origin = self.declaration.origin()
        unseen = tuple(Problem(text=text, origin=origin, blind=True) for text in kept.blinds)
        return RetentionState(
            readings=tuple(self._readings(kept, at, attempt)), problems=(*problems, *unseen)
        )

    def _problems(self, kept: Kept, at: datetime) -> Iterator[Problem]:
        model, origin = self.declaration.model, self.declaration.origin
        if not kept.days:
            if not kept.blinds:
                yield Problem(text=f"{kept.source} holds no record", origin=origin())
            return
        oldest, newest = min(kept.days), max(kept.days)
        today, least_s = at.date(), _asked_s(model, at)
        if (today - oldest).days < int(least_s // _DAY_S):
            text = f"the oldest record is of {oldest}, it has to be kept for {_days(least_s)}"
            yield Problem(text=text, origin=origin("keep" if model.keep is not None else "rule"))
        if model.maximum is not None and (today - oldest).days > model.maximum // _DAY_S:
            text = f"there are records of {oldest}, none may be older than {_days(model.maximum)}"
            yield Problem(text=text, origin=origin("maximum"))
        if model.gap is not None:
            for text in _gaps(kept.days, today, int(model.gap // _DAY_S)):
                yield Problem(text=text, origin=origin("gap"))
        if newest > today + timedelta(days=1):
            yield Problem(text=f"there are records of the future: {newest}", origin=origin())

    def _readings(self, kept: Kept, at: datetime, attempt: int) -> Iterator[Reading]:
        model, today = self.declaration.model, at.date()
        oldest = min(kept.days, default=None)
        expected = f"at least {_days(_asked_s(model, at))}"
        if model.maximum is not None:
            expected += f", at most {_days(model.maximum)}"
        values: tuple[tuple[str, Value, str, str], ...] = (
            ("oldest record", (today - oldest).days if oldest else None, "days", expected),
            ("days with records", len(kept.days), "", ""),
            ("counted", kept.count, "rows" if model.sql else "files", ""),
        )
        for name, value, unit, wanted in values:
            yield Reading(
                name=f"{name} {self.key}",
                value=value,
                unit=unit,
                source=kept.source,
                at=at,
                took_s=kept.took_s,
                attempt=attempt,
                expected=wanted,
                detail=_cited(model) if name == "oldest record" else "",
                error="" if value is not None else "there is no record",
                origin=self.declaration.origin("keep"),
            )


def _asked_s(model: Model, at: datetime) -> float:
    """Return how old the oldest record must be by now."""
    if model.started is None:
        return model.least_s
    return min(model.least_s, max(0.0, (at - model.started).total_seconds()))


def _gaps(days: frozenset[date], today: date, longest: int) -> list[str]:
    """Say where no record is for more than so many days; a record of yesterday has a gap of 0."""
    in_order = [*sorted(days), max(today, *days)]
    found = [
        f"no record between {before} and {after}"
        for before, after in pairwise(in_order)
        if (after - before).days > longest
    ]
    more = len(found) - _GAPS_SHOWN
    return [*found[:_GAPS_SHOWN], *([f"{more} more gaps"] if more > 0 else [])]


def _days(seconds: float) -> str:
    return plural(int(seconds // _DAY_S), "day")


def _cited(model: Model) -> str:
    """Return the clause that asks for it, for the evidence."""
    if not model.rule:
        return ""
    rule = catalogue.retention_rules()[model.rule]
    return (
        f"{rule.clause}: {rule.keep_days} days for {rule.applies_to}\n{rule.source}, "
        f"{rule.verified_on}, {rule.confidence} source; reference, not legal advice. {rule.note}"
    ).strip()


def entries(scope: Scope) -> list[Records]:
    """Return the records of the environment, then those of each selected host."""
    found = [(one, f"retention:{one.key}", "") for one in scope.in_environment(SECTION)]
    for host, declaration in scope.on_hosts(SECTION):
        is_sql = cast("Declaration[Model]", declaration).model.kind == "sql"
        found.append((declaration, host, "" if is_sql else host))
    return [
        Records(
            cast("Declaration[Model]", declaration),
            target=target,
            host=host,
            connections=scope.connections,
            databases=scope.databases,
        )
        for declaration, target, host in found
    ]

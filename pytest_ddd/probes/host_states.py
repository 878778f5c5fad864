"""Host states: who is at work on a host, its room, locks, packages and services."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, cast

from pytest_ddd import clock
from pytest_ddd.baseline.model import Declaration
from pytest_ddd.baseline.sections import host_states as section
from pytest_ddd.errors import CannotLookError
from pytest_ddd.probes.entry import Entry
from pytest_ddd.probes.host_facts import lists, locks, numbers
from pytest_ddd.results import CHANGED_PACKAGES, Origin, Problem, Reading, Threshold, Value

if TYPE_CHECKING:
    from pytest_ddd.connections import Session
    from pytest_ddd.probes.scope import Scope

__all__ = ["HostState", "State", "entries"]

SECTION = "host_states"
_PACKAGES, _SERVICES, _SESSIONS = "packages", "services", "sessions"


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """What a host is like.

    Attributes:
        judged: each reading that has limits, with them.
        texts: `packages`, a line `NAME VERSION` for each, and `services`, a line `UNIT STATE` for
            each; what is not listed is left out.
        hindrances: problems that are a reason not to begin, and none to take a change back.
    """

    judged: tuple[tuple[Reading, Threshold], ...]
    texts: Mapping[str, str]
    readings: tuple[Reading, ...]
    problems: tuple[Problem, ...]
    hindrances: tuple[Problem, ...] = ()
    origin: Origin | None = None

    def since(self, before: Mapping[str, str]) -> State:
        """Return what counts after a change: packages are told, services that stopped are problems.

        How many people are at work, and whether another package manager is, counts no more.

        Raises:
            CannotLookError: a list of before is missing.
        """
        missing = sorted(self.texts.keys() - before.keys())
        if missing:
            raise CannotLookError(f"there is no list of {' and '.join(missing)} from before")
        readings = list(self.readings)
        problems = [one for one in self.problems if one not in self.hindrances]
        if _PACKAGES in self.texts:
            changed = lists.changed(before[_PACKAGES], self.texts[_PACKAGES])
            readings.append(
                Reading(
                    name=CHANGED_PACKAGES,
                    value=len(changed),
                    source="list of packages, before and now",
                    at=clock.now(),
                    detail="\n".join(changed),
                )
            )
        if _SERVICES in self.texts:
            stopped = lists.stopped(before[_SERVICES], self.texts[_SERVICES])
            problems += (Problem(text=text, origin=self.origin) for text in stopped)
        judged = tuple(one for one in self.judged if one[0].name != _SESSIONS)
        return replace(
            self, judged=judged, readings=tuple(readings), problems=tuple(problems), hindrances=()
        )


class HostState(Entry[State]):
    """One set of conditions on one host."""

    def __init__(
        self, declaration: Declaration[section.HostState], *, host: str, scope: Scope
    ) -> None:
        super().__init__(section=SECTION, key=declaration.key, target=host, host=host)
        self._declaration = declaration
        self._scope = scope

    def look(self) -> State:
        """Ask the host.

        Raises:
            CannotLookError: something cannot be said.
        """
        session, model = self._scope.connections.session(self.host), self._declaration.model
        judged = list(self._numbers(session))
        readings: list[Reading] = [reading for reading, _ in judged]
        problems: list[Problem] = []

        def note(name: str, source: str, found: list[str], *path: str) -> Reading:
            origin = self._declaration.origin(*path)
            problems.extend(Problem(text=text, origin=origin) for text in found)
            return self._reading(name, len(found), source, *path, detail="\n".join(found))

        if model.locks:
            found = locks.held(session, model.timeout)
            readings.append(note("locks of package managers", locks.SOURCE, found, "locks"))
        hindrances = tuple(problems)
        texts: dict[str, str] = {}
        if model.packages:
            texts[_PACKAGES], half = lists.packages(session, model.timeout)
            readings.append(note("packages installed by half", "dpkg-query -W", half, "packages"))
        if model.services:
            texts[_SERVICES], failed = lists.services(session, model.ignore, model.timeout)
            reading = self._reading(
                "services that failed", len(failed), "systemctl list-units", "failed",
                detail=", ".join(failed),
            )  # fmt: skip
            readings.append(reading)
            judged.append((reading, self._declaration.threshold("failed", unit="")))
        return State(
            judged=tuple(judged),
            texts=texts,
            readings=tuple(readings),
            problems=tuple(problems),
            hindrances=hindrances,
            origin=self._declaration.origin("services"),
        )

    def _numbers(self, session: Session) -> Iterator[tuple[Reading, Threshold]]:
        model = self._declaration.model
        if model.sessions is not None:
            value, source = numbers.sessions(session, model.sessions, model.timeout)
            limits = self._declaration.threshold("sessions", unit="")
            yield self._reading(_SESSIONS, value, source, "sessions"), limits
        for path, free in model.free.items():
            value, source = numbers.free_bytes(session, path, model.timeout)
            limits = self._limits_of(path, free)
            yield self._reading(f"free {path}", value, source, "free", path, unit="bytes"), limits

    def _limits_of(self, path: str, free: section.Free) -> Threshold:
        declared = Declaration(
            section=SECTION,
            key=self.key,
            model=free,
            origins={
                (name,): origin
                for name in ("warn", "crit")
                if (origin := self._declaration.origin("free", path, name)) is not None
            },
        )
        return declared.threshold(unit="bytes", bad="below")

    def _reading(
        self, name: str, value: Value, source: str, *path: str, unit: str = "", detail: str = ""
    ) -> Reading:
        return Reading(
            name=name,
            value=value,
            unit=unit,
            source=source,
            at=clock.now(),
            detail=detail,
            origin=self._declaration.origin(*path),
        )


def entries(scope: Scope) -> list[HostState]:
    """Return the conditions of each selected host."""
    return [
        HostState(cast("Declaration[section.HostState]", declaration), host=host, scope=scope)
        for host, declaration in scope.on_hosts(SECTION)
    ]

"""Host states: who is at work on a host, its room, locks, packages and services."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from pytest_ddd import clock
from pytest_ddd.baseline.model import Declaration
from pytest_ddd.baseline.sections import host_states as section
from pytest_ddd.probes.entry import Entry
from pytest_ddd.probes.host_facts import lists, locks, numbers
from pytest_ddd.results import Origin, Problem, Reading, Threshold, Value

if TYPE_CHECKING:
    from pytest_ddd.connections import Session
    from pytest_ddd.probes.scope import Scope

__all__ = ["Changed", "HostState", "State", "entries"]

SECTION = "host_states"


@dataclass(frozen=True, slots=True, kw_only=True)
class Changed:
    """What is not as it was: packages as `NAME OLD -> NEW`, and what does not run any more."""

    packages: str
    problems: tuple[Problem, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """What a host is like.

    Attributes:
        judged: each reading that has limits, with them.
        packages: a line `NAME VERSION` for each package; empty when they are not listed.
        services: a line `UNIT STATE` for each service; empty when they are not listed.
    """

    judged: tuple[tuple[Reading, Threshold], ...]
    packages: str
    services: str
    readings: tuple[Reading, ...]
    problems: tuple[Problem, ...]
    origin: Origin | None = None

    def since(self, *, packages: str, services: str) -> Changed:
        """Compare with the lists of before.

        Raises:
            CannotLookError: a list of before is empty.
        """
        stopped = lists.stopped(services, self.services) if self.services else []
        changed = lists.changed(packages, self.packages) if self.packages else []
        return Changed(
            packages="\n".join(changed),
            problems=tuple(Problem(text=text, origin=self.origin) for text in stopped),
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
        packages = services = ""
        if model.packages:
            packages, half = lists.packages(session, model.timeout)
            readings.append(note("packages installed by half", "dpkg-query -W", half, "packages"))
        if model.services:
            services, failed = lists.services(session, model.ignore, model.timeout)
            reading = self._reading(
                "services that failed", len(failed), "systemctl list-units", "failed",
                detail=", ".join(failed),
            )  # fmt: skip
            readings.append(reading)
            judged.append((reading, self._declaration.threshold("failed", unit="")))
        return State(
            judged=tuple(judged),
            packages=packages,
            services=services,
            readings=tuple(readings),
            problems=tuple(problems),
            origin=self._declaration.origin("services"),
        )

    def _numbers(self, session: Session) -> Iterator[tuple[Reading, Threshold]]:
        model = self._declaration.model
        if model.sessions is not None:
            value, source = numbers.sessions(session, model.sessions, model.timeout)
            limits = self._declaration.threshold("sessions", unit="")
            yield self._reading("sessions", value, source, "sessions"), limits
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

"""Smoke tests: run a command that uses a service, and look how it ends."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from pytest_ddd import clock
from pytest_ddd.baseline.model import Declaration
from pytest_ddd.baseline.sections import smoke_tests as section
from pytest_ddd.errors import CannotLookError, CommandTimeoutError
from pytest_ddd.probes.attempts import until_good
from pytest_ddd.probes.endpoints import url_for_host
from pytest_ddd.probes.entry import Entry
from pytest_ddd.results import Problem, Reading
from pytest_ddd.units import format_duration

if TYPE_CHECKING:
    from pytest_ddd.connections import Completed, Session
    from pytest_ddd.probes.scope import Scope

__all__ = ["SmokeTest", "Tried", "entries"]

SECTION = "smoke_tests"
_EXCERPT_CHARACTERS = 2000
_MAX_OUTPUT_BYTES = 4 << 20
_NO_PROGRAM = (126, 127)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """How it ended: `exit_status` of all attempts, and how long the last one took."""

    exit_status: tuple[Reading, ...]
    took: Reading
    problems: tuple[Problem, ...] = ()

    @property
    def readings(self) -> tuple[Reading, ...]:
        """All that was read."""
        return (*self.exit_status, self.took)


class SmokeTest(Entry[Tried]):
    """One smoke test.

    Attributes:
        took: the limits of how long it takes in seconds; None when there are none.
    """

    def __init__(
        self, declaration: Declaration[section.SmokeTest], *, target: str, host: str, scope: Scope
    ) -> None:
        super().__init__(section=SECTION, key=declaration.key, target=target, host=host)
        limited = declaration.model.took is not None
        self.took = declaration.threshold("took", unit="s") if limited else None
        self._declaration = declaration
        self._scope = scope

    def look(self) -> Tried:
        """Run it until it ends well or the attempts are used up; all attempts are kept.

        Raises:
            CannotLookError: there is no such program.
        """
        found, before = until_good(
            self._declaration.model.attempts, self._look_once, lambda one: not one.problems
        )
        seen = [one.exit_status for one in before if isinstance(one, Tried)]
        statuses = (*(reading for readings in seen for reading in readings), *found.exit_status)
        return Tried(exit_status=statuses, took=found.took, problems=found.problems)

    def _look_once(self, attempt: int) -> Tried:
        model, command = self._declaration.model, self._command
        started = clock.monotonic()
        try:
            done: Completed | None = self._session.run(
                command, timeout_s=model.timeout, max_output_bytes=_MAX_OUTPUT_BYTES
            )
        except CommandTimeoutError:
            done = None
        if done is not None and done.exit_status in _NO_PROGRAM:
            raise CannotLookError(
                f"{self.key}: {self._session.spec.label}: {command}: {done.said[:400]}",
                hint="install the program there, or correct `command`",
            )
        took_s = done.took_s if done is not None else clock.monotonic() - started
        problem = self._problem(done)
        origin = self._declaration.origin("command")
        output = done.stdout + done.stderr if done is not None else b""
        status = Reading(
            name=f"{self.key} exit status",
            value=done.exit_status if done is not None else None,
            source=command,
            at=clock.now(),
            took_s=took_s,
            attempt=attempt,
            expected=str(model.exit_status) + (f" and {model.output!r}" if model.output else ""),
            detail=output[:_EXCERPT_CHARACTERS].decode(errors="replace"),
            digest=hashlib.sha256(output).hexdigest(),
            error="" if done is not None else problem,
            origin=origin,
        )
        took = Reading(
            name=f"{self.key} took",
            value=round(took_s, 3),
            unit="s",
            source=command,
            at=status.at,
            attempt=attempt,
            origin=self._declaration.origin("took"),
        )
        problems = (Problem(text=f"{self.key}: {problem}", origin=origin),) if problem else ()
        return Tried(exit_status=(status,), took=took, problems=problems)

    def _problem(self, done: Completed | None) -> str:
        """Say what is wrong with how it ended; nothing when nothing is."""
        model = self._declaration.model
        if done is None:
            return f"did not end within {format_duration(model.timeout)}"
        if done.exit_status != model.exit_status:
            return f"ended with {done.exit_status}, not {model.exit_status}: {done.said[-400:]}"
        if model.output is not None and not re.search(model.output, done.text):
            return f"its output does not hold {model.output!r}: {done.text[-400:]!r}"
        return ""

    @property
    def _session(self) -> Session:
        connections = self._scope.connections
        return connections.session(self.host) if self.host else connections.controller

    @property
    def _command(self) -> str:
        command = self._declaration.model.command
        if self.target not in self._scope.connections.names:
            return command
        return url_for_host(command, self._scope.connections.spec(self.target))


def entries(scope: Scope) -> list[SmokeTest]:
    """Return the smoke tests of the environment, then those of each selected host."""
    found = []
    for declaration in scope.in_environment(SECTION):
        ours = cast("Declaration[section.SmokeTest]", declaration)
        found.append(SmokeTest(ours, target=scope.baseline.name, host="", scope=scope))
    for host, declaration in scope.on_hosts(SECTION):
        ours = cast("Declaration[section.SmokeTest]", declaration)
        via = "" if ours.model.from_ == "controller" else host
        found.append(SmokeTest(ours, target=host, host=via, scope=scope))
    return found

"""Scans: what a security scanner found, held against the limits of each severity."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, cast

from pytest_ddd import clock
from pytest_ddd.baseline.model import Declaration
from pytest_ddd.baseline.sections import scans as section
from pytest_ddd.errors import CannotLookError, UnreachableError
from pytest_ddd.outcomes import Outcome
from pytest_ddd.probes.entry import Entry
from pytest_ddd.probes.scanners import command, debsecan, lynis, updates
from pytest_ddd.probes.scanners.interface import SEVERITIES, Finding, Scanned
from pytest_ddd.results import Problem, Reading, Threshold, judge
from pytest_ddd.units import plural

if TYPE_CHECKING:
    from pytest_ddd.probes.scope import Scope

__all__ = ["Scan", "ScanState", "entries"]

SECTION = "scans"
_SINGLY = 50
"""So many findings of a severity are judged one by one, so that a waiver can accept each; of
more, only their number: no waiver should accept fifty things because it names the first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanState:
    """What a scan found.

    Attributes:
        judged: for each severity with limits the findings, or that there are none, with the limits.
        text: all findings, worst first, one a line.
    """

    judged: tuple[tuple[Reading, Threshold], ...]
    text: str
    readings: tuple[Reading, ...]
    problems: tuple[Problem, ...] = ()


class Scan(Entry[ScanState]):
    """One scan of one host, or of this machine."""

    def __init__(
        self, declaration: Declaration[section.Scan], *, target: str, host: str, scope: Scope
    ) -> None:
        super().__init__(section=SECTION, key=declaration.key, target=target, host=host)
        self._declaration = declaration
        self._scope = scope

    def look(self) -> ScanState:
        """Run the scanner.

        Raises:
            CannotLookError: it could not look, or there was nothing that it could look at.
        """
        started = clock.monotonic()
        try:
            scanned = self._scanned()
        except UnreachableError:
            raise
        except CannotLookError as failure:
            origin = self._declaration.origin()
            where = f" ({origin})" if origin else ""
            raise CannotLookError(
                f"{self.key}: {failure.message}{where}", hint=failure.hint
            ) from failure
        took_s = clock.monotonic() - started
        return _Writer(declaration=self._declaration, scanned=scanned, took_s=took_s).state()

    def _scanned(self) -> Scanned:
        scanned = self._run()
        if scanned.examined == 0:
            raise CannotLookError(f"{scanned.source}: examined nothing: 0 {scanned.unit}")
        return scanned

    def _run(self) -> Scanned:
        model = self._declaration.model
        connections = self._scope.connections
        session = connections.session(self.host) if self.host else connections.controller
        if model.lynis is not None:
            return lynis.scan(session, model.lynis, model.timeout)
        if model.debsecan is not None:
            return debsecan.scan(session, model.debsecan, model.timeout)
        if model.updates is not None:
            return updates.scan(session, model.updates, model.timeout)
        assert model.command is not None
        return command.scan(session, model.command, model.timeout)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Writer:
    """Turns what was found into readings and problems."""

    declaration: Declaration[section.Scan]
    scanned: Scanned
    took_s: float

    def state(self) -> ScanState:
        """Return the state of the scan."""
        by_severity = Counter(one.severity for one in self.scanned.findings)
        counts = [
            self._reading(f"{severity} findings", by_severity[severity]) for severity in SEVERITIES
        ]
        examined = self._reading(f"examined {self.scanned.unit}", self.scanned.examined)
        worst_first = sorted(
            self.scanned.findings, key=lambda one: (SEVERITIES.index(one.severity), one.id)
        )
        judged = tuple(self._judged(worst_first))
        return ScanState(
            judged=judged,
            text="\n".join(map(str, worst_first)) or "no findings",
            readings=(examined, *counts),
            problems=self._blind(judged),
        )

    def _judged(self, findings: list[Finding]) -> Iterator[tuple[Reading, Threshold]]:
        for severity in SEVERITIES:
            if getattr(self.declaration.model.limits, severity) == "told":
                continue
            limits = self.declaration.threshold("limits", severity, unit="")
            found = [one for one in findings if one.severity == severity]
            if not 0 < len(found) <= _SINGLY:
                told = "they stand in the attached list" if found else ""
                reading = self._reading(f"{severity} findings", len(found))
                yield replace(reading, detail=told), limits
                continue
            for one in found:
                reading = self._reading(f"{severity} {one.id}", len(found))
                yield replace(reading, detail=one.text), limits

    def _blind(self, judged: Iterable[tuple[Reading, Threshold]]) -> tuple[Problem, ...]:
        """Say beside what is RED that something was not looked at.

        Raises:
            CannotLookError: something was not looked at, and nothing is RED.
        """
        if not self.scanned.blind:
            return ()
        blind, key, origin = self.scanned.blind, self.declaration.key, self.declaration.origin()
        said = f"{key}: {plural(len(blind), 'thing')} could not be examined, as {blind[0]}"
        if not any(judge(*one).outcome is Outcome.RED for one in judged):
            raise CannotLookError(said, hint="leave it out of the scan, or let it be examined")
        return (Problem(text=said, origin=origin, blind=True),)

    def _reading(self, name: str, value: int) -> Reading:
        return Reading(
            name=f"{self.declaration.key} {name}",
            value=value,
            source=self.scanned.source,
            at=clock.now(),
            took_s=self.took_s,
            origin=self.declaration.origin(),
        )


def entries(scope: Scope) -> list[Scan]:
    """Return the scans of the environment, then those of each selected host."""
    found = []
    for declaration in scope.in_environment(SECTION):
        ours = cast("Declaration[section.Scan]", declaration)
        found.append(Scan(ours, target=scope.baseline.name, host="", scope=scope))
    for host, declaration in scope.on_hosts(SECTION):
        ours = cast("Declaration[section.Scan]", declaration)
        found.append(Scan(ours, target=host, host=host, scope=scope))
    return found

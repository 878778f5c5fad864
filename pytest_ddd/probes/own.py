"""Probes of the site's own: functions that a conftest registers, asked as the baseline says."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, cast

from pytest_ddd import clock
from pytest_ddd.baseline.fields import SecretRef
from pytest_ddd.baseline.model import Baseline, Declaration
from pytest_ddd.baseline.secrets import text_of
from pytest_ddd.baseline.sections import probes as section
from pytest_ddd.baseline.tree import nearest
from pytest_ddd.errors import BaselineError, CannotLookError
from pytest_ddd.probes.attempts import until_good
from pytest_ddd.probes.entry import Entry
from pytest_ddd.results import Problem, Reading

if TYPE_CHECKING:
    from pytest_ddd.probes.scope import Look, Scope

__all__ = ["OwnProbe", "Seen", "entries"]

SECTION = "probes"


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """The number that a probe gave, as a reading."""

    reading: Reading
    problems: tuple[Problem, ...] = ()

    @property
    def readings(self) -> tuple[Reading, ...]:
        """All that was read."""
        return (self.reading,)


class OwnProbe(Entry[Seen]):
    """One look of a kind of the site's own.

    Attributes:
        kind: the name under which the conftest registered it.
        threshold: the limits of its number.
    """

    def __init__(
        self, declaration: Declaration[section.Probe], *, target: str, host: str, scope: Scope
    ) -> None:
        super().__init__(section=SECTION, key=declaration.key, target=target, host=host)
        model = declaration.model
        self.kind = model.kind
        self.threshold = declaration.threshold(unit=model.unit, bad=model.worse)
        self._declaration, self._scope = declaration, scope

    def look(self) -> Seen:
        """Ask; again as often as the entry allows when it could not be looked at.

        Raises:
            CannotLookError: there is no number that could be judged.
        """
        seen, _before = until_good(self._declaration.model.attempts, self._look_once)
        return seen

    def _look_once(self, attempt: int) -> Seen:
        ask = self._scope.own[self.kind]
        host = self._scope.connections.reading_host(self.host) if self.host else None
        options = {
            name: text_of(value) if isinstance(value, SecretRef) else value
            for name, value in self._declaration.model.options.items()
        }
        blank = Reading(name=self.key, value=None, at=clock.now(), attempt=attempt)
        started = clock.monotonic()
        value, detail = self._number(ask(host, options))
        reading = replace(
            blank,
            value=value,
            detail=detail,
            unit=self._declaration.model.unit,
            source=f"{ask.__module__}.{getattr(ask, '__qualname__', self.kind)}",
            took_s=clock.monotonic() - started,
            origin=self._declaration.origin(),
        )
        return Seen(reading=reading)

    def _number(self, answer: object) -> tuple[float, str]:
        value, detail = answer if isinstance(answer, tuple) and len(answer) == 2 else (answer, "")
        if (
            isinstance(value, bool)
            or not isinstance(value, int | float)
            or not math.isfinite(value)
        ):
            raise CannotLookError(
                f"{self.key}: the probe {self.kind} gave {answer!r}, which is no number "
                f"({self._declaration.origin()})",
                hint="return a number, or a number and a text",
            )
        return value, str(detail)


def entries(scope: Scope) -> list[OwnProbe]:
    """Return the probes of the environment, then those of each selected host."""
    found = []
    for declaration in scope.in_environment(SECTION):
        ours = cast("Declaration[section.Probe]", declaration)
        found.append(OwnProbe(ours, target=scope.baseline.name, host="", scope=scope))
    for host, declaration in scope.on_hosts(SECTION):
        ours = cast("Declaration[section.Probe]", declaration)
        found.append(OwnProbe(ours, target=host, host=host, scope=scope))
    return found


def refuse_unknown(baseline: Baseline, registered: Mapping[str, Look]) -> None:
    """Refuse entries whose kind nobody has registered.

    Raises:
        BaselineError: there are some; each is named with its line.
    """
    every = (baseline.for_environment, *baseline.for_host.values())
    declared = [one for sections in every for one in sections.get(SECTION, ())]
    mistakes = []
    for one in cast("list[Declaration[section.Probe]]", declared):
        if (kind := one.model.kind) not in registered:
            near = nearest(kind, registered)
            where = f"{one.origin('kind')}: {SECTION}.{one.key}.kind"
            mistakes.append(f"{where}: no conftest registers a probe {kind!r}{near}")
    if mistakes:
        raise BaselineError(
            tuple(dict.fromkeys(mistakes)),
            hint="register it: def pytest_ddd_register_probes(probes) in conftest.py",
        )

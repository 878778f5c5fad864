"""Measures: one sane number of a resource, and how it becomes a reading."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, Protocol, TypeVar

from pytest_ddd import clock
from pytest_ddd.errors import CannotLookError
from pytest_ddd.results import Limit, Origin, Reading, Threshold
from pytest_ddd.units import format_quantity

N = TypeVar("N")

Kind = Literal["cpu", "memory", "swap", "load", "open_files"]
"""What a meter can measure; disks have their own page."""

_SHOWN_PROCESSES = 3
"""How many processes a high reading names."""

SHORTEST_SAMPLE_S = 0.1
"""Processor time is counted in ticks of 10 ms: less than ten of them say nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """One number, per cent unless `unit` says otherwise, its source, and what it is made of."""

    value: float
    unit: str = "%"
    source: str
    detail: str = ""


class Meter(Protocol):
    """Measures the resources of one host."""

    def measure(self, kind: Kind, sample_s: float) -> Measure:
        """Measure one resource; `sample_s` is how long processors are watched."""

    def busiest(self, kind: Kind) -> str:
        """Name the processes that use most of it, in one line; empty when that is not known."""


def share(part: float, whole: float, *, what: str, seen: str) -> float:
    """Return `part` of `whole` in per cent.

    Raises:
        CannotLookError: the two cannot be the parts of anything.
    """
    if not (math.isfinite(part) and math.isfinite(whole)) or whole <= 0 or not 0 <= part <= whole:
        raise CannotLookError(f"{what} makes no sense: {part:g} of {whole:g}; seen: {seen[:200]!r}")
    return part / whole * 100


def largest(found: Iterable[tuple[float, N]]) -> list[tuple[float, N]]:
    """Return the processes that use most, each behind what it uses; none that uses nothing."""
    ordered = sorted(found, key=lambda one: -one[0])
    return [one for one in ordered if one[0] > 0][:_SHOWN_PROCESSES]


@dataclass(frozen=True, slots=True, kw_only=True)
class Writer:
    """Writes the readings of one attempt; `started` is when it began, in monotonic seconds."""

    threshold: Threshold
    origin: Origin | None
    attempt: int
    started: float

    def reading(self, name: str, measured: Measure) -> Reading:
        """Return a measure as a reading."""
        return Reading(
            name=name,
            value=round(measured.value, 2),
            unit=measured.unit,
            source=measured.source,
            at=clock.now(),
            took_s=self._took_s,
            attempt=self.attempt,
            expected=self.expected,
            detail=measured.detail,
            origin=self.origin,
        )

    def blind(self, name: str, *, source: str, error: str) -> Reading:
        """Return a reading without a value: it is judged UNKNOWN."""
        return Reading(
            name=name,
            value=None,
            unit=self.threshold.unit,
            source=source,
            at=clock.now(),
            took_s=self._took_s,
            attempt=self.attempt,
            expected=self.expected,
            error=error,
            origin=self.origin,
        )

    @property
    def _took_s(self) -> float:
        return round(clock.monotonic() - self.started, 4)  # what is finer is noise

    @property
    def expected(self) -> str:
        """The limits in words: `below 80 % (red from 90 %)`."""
        warn, crit = self.threshold.warn, self.threshold.crit
        if warn is None or crit is None:
            return f"below {self._shown(warn or crit)}"
        return f"below {self._shown(warn)} (red from {self._shown(crit)})"

    def _shown(self, limit: Limit | None) -> str:
        assert limit is not None
        return format_quantity(limit.value, self.threshold.unit)

"""Draws the values of one reading over the last runs as a line for the report."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pytest_ddd.occurrences import Trend
from pytest_ddd.results import CheckResult, Reading
from pytest_ddd.units import format_quantity

WIDTH, HEIGHT = 96, 20
_MARGIN = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Sparkline:
    """Points of a polyline in a box of WIDTH by HEIGHT, the last of them, and the line in words."""

    points: str
    last: tuple[float, float]
    words: str


class Sparklines:
    """Finds the line of a reading."""

    def __init__(self, trends: Sequence[Trend]) -> None:
        self._trends = {(t.check_id, t.target, t.entry, t.name): t for t in trends}

    def of(self, result: CheckResult, reading: Reading) -> Sparkline | None:
        """Return the line of a reading; None when less than two values are known."""
        name = (result.check_id, result.target, result.entry, reading.name)
        trend = self._trends.get(name) if self._trends else None
        return draw(trend) if trend is not None and len(trend.values) > 1 else None


def draw(trend: Trend) -> Sparkline:
    """Return the line of at least two values; equal values make a flat line in the middle."""
    values = trend.values
    low, high = min(values), max(values)
    step = (WIDTH - 2 * _MARGIN) / (len(values) - 1)
    room = HEIGHT - 2 * _MARGIN
    places = [
        (
            round(_MARGIN + number * step, 1),
            round(_MARGIN + room * (1 - (value - low) / (high - low) if high > low else 0.5), 1),
        )
        for number, value in enumerate(values)
    ]
    first, last, least, most = (
        format_quantity(value, trend.unit) for value in (values[0], values[-1], low, high)
    )
    return Sparkline(
        points=" ".join(f"{x},{y}" for x, y in places),
        last=places[-1],
        words=f"last {len(values)} runs: from {first} to {last}, between {least} and {most}",
    )

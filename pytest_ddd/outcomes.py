"""What a check found, and how several findings combine into one."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum


class Outcome(StrEnum):
    """What a check found about its target."""

    GREEN = "GREEN"
    YELLOW = "YELLOW"
    RED = "RED"
    UNKNOWN = "UNKNOWN"
    """Could not look; never green."""
    NOT_APPLICABLE = "NOT_APPLICABLE"
    WAIVED = "WAIVED"
    BLOCKED = "BLOCKED"
    """Not looked at because its parent is down."""

    @property
    def symbol(self) -> str:
        """One character that stands beside the word, so that colour is never alone."""
        return _SYMBOLS[self]

    @property
    def word(self) -> str:
        """The outcome as people read it: `NOT APPLICABLE`."""
        return self.value.replace("_", " ")

    @property
    def is_bad(self) -> bool:
        """Whether a run that contains it must not exit with 0."""
        return self in (Outcome.RED, Outcome.UNKNOWN, Outcome.BLOCKED)


_SYMBOLS = {
    Outcome.GREEN: "✓",
    Outcome.YELLOW: "!",
    Outcome.RED: "✗",
    Outcome.UNKNOWN: "?",
    Outcome.NOT_APPLICABLE: "-",
    Outcome.WAIVED: "w",
    Outcome.BLOCKED: "#",
}

_BADNESS = (
    Outcome.NOT_APPLICABLE,
    Outcome.GREEN,
    Outcome.WAIVED,
    Outcome.YELLOW,
    Outcome.BLOCKED,
    Outcome.UNKNOWN,
    Outcome.RED,
)
"""From harmless to worst. RED stands above UNKNOWN: a known fault is not hidden by a blind spot."""


def worst(outcomes: Iterable[Outcome]) -> Outcome:
    """Return the worst of several outcomes; NOT_APPLICABLE when there is none."""
    return max(outcomes, key=_BADNESS.index, default=Outcome.NOT_APPLICABLE)

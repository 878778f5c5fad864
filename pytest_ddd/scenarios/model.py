"""Scenario and Step: an ordered routine and one line of it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Frequency(StrEnum):
    """How often a routine is done; also the marker of its checks."""

    DAILY = "daily"
    WEEKLY = "weekly"
    MONTHLY = "monthly"
    QUARTERLY = "quarterly"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One line of a routine."""

    number: int
    title: str


REACHING = Step(number=0, title="Reach the hosts")
"""Stands before the first step of every routine."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """One routine: its steps in order and the time that it may take."""

    name: str
    title: str
    frequency: Frequency
    budget_s: float
    trigger: str = ""
    actors: tuple[str, ...] = ()
    steps: tuple[Step, ...] = ()

    def step(self, number: int) -> Step:
        """Return a step by its number; a step that is not in the list has no title of its own."""
        for step in (REACHING, *self.steps, *self._after):
            if step.number == number:
                return step
        return Step(number=number, title=f"Step {number}")

    @property
    def _after(self) -> tuple[Step, ...]:
        """What stands behind the last step where something is accepted for a time."""
        return (Step(number=len(self.steps) + 1, title="Mind the waivers"),) if self.steps else ()

"""What an action is: plan, do, verify, undo."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from pytest_ddd.results import Problem


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What an action changes: the same in every run.

    `kind` says which action it is (`rule_sets`); the rest is as in a check result.
    """

    kind: str
    environment: str
    target: str
    entry: str

    def __str__(self) -> str:
        return f"{self.kind}.{self.entry} on {self.target}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What an action would change.

    `summary` is one line, `detail` shows the change (a diff, say); `is_needed` is False when
    everything is already as it should be.
    """

    summary: str
    detail: str
    is_needed: bool


class Keep(Protocol):
    """Keeps what an action needs to find its way back; it outlives the process."""

    def save(self, name: str, content: bytes) -> None:
        """Keep a text under a name; it is on disk when this returns."""

    def load(self, name: str) -> bytes | None:
        """Return what was kept under a name; None when nothing was."""


class Action(Protocol):
    """One change, carried out by `carrying_out` only.

    A method that fails raises a DddError; `CannotLookError` says that it could not look. `do`
    keeps its way back before it touches anything, and `undo` may be called after `do` has failed
    at any point, again, and by another process: what was never touched is left alone.
    """

    @property
    def subject(self) -> Subject:
        """What it changes."""

    def plan(self) -> Plan:
        """Look, touch nothing, and say what `do` would change."""

    def do(self, keep: Keep) -> None:
        """Change it."""

    def verify(self) -> tuple[Problem, ...]:
        """Look whether the change is in force; empty when it is."""

    def undo(self, keep: Keep) -> tuple[Problem, ...]:
        """Take the change back and look whether that worked; empty when it did."""


@runtime_checkable
class WholeMachine(Protocol):
    """What an action says that may put a whole host out of service: it waits for its hour.

    Such an action begins only inside the window of its host, with an approval, while no other run
    changes the environment, and after everything in front of it could be looked at.
    """

    @property
    def needs_s(self) -> float:
        """How long it may take at most, its way back included."""

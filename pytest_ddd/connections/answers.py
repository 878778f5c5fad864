"""What comes back from a host: the answer to a command, and whether the host answers at all."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from pytest_ddd.outcomes import Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class Completed:
    """A command that ran to its end; stdout and stderr are exact, to the byte.

    `took_s` counts from the moment the command was handed to the open connection.
    """

    command: str
    exit_status: int
    stdout: bytes
    stderr: bytes
    took_s: float

    @property
    def text(self) -> str:
        """Stdout as text; bytes that are not UTF-8 appear as an escape."""
        return decode(self.stdout)

    @property
    def error_text(self) -> str:
        """Stderr as text; bytes that are not UTF-8 appear as an escape."""
        return decode(self.stderr)

    @property
    def said(self) -> str:
        """What it said about its end, for messages; never empty."""
        words = self.error_text.strip() or self.text.strip()
        return words or f"exit status {self.exit_status} without a word"

    @property
    def ok(self) -> bool:
        """Whether the command ended with 0."""
        return self.exit_status == 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Reachability:
    """Whether a host answers: GREEN, RED when it is dead, UNKNOWN when it refuses us.

    `started_at` and `took_s` tell when it was tried and how long that took.
    """

    name: str
    outcome: Outcome
    reason: str = ""
    hint: str = ""
    started_at: datetime | None = None
    took_s: float = 0.0


def decode(data: bytes) -> str:
    """Return text for people; never fails, and never hides a byte."""
    return data.decode("utf-8", errors="backslashreplace")

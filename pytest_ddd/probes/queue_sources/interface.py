"""What every kind of queue tells: how much waits, since when, and who works on it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What was found.

    Attributes:
        depth: messages that wait; None when there is no such queue, which is a problem.
        age_s: since when the oldest one waits; None when nobody knows, and `unaged` says why.
        consumers: how many there are; None when nobody knows.
        source: what was asked.
        note: what helps to read the numbers.
        problems: what else is not as it should be, in sentences.
    """

    depth: int | None
    age_s: float | None = None
    consumers: int | None = None
    source: str
    note: str = ""
    unaged: str = "nothing tells the age of the oldest message"
    problems: tuple[str, ...] = ()

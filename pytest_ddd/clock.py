"""The only place that asks what time it is."""

from __future__ import annotations

import time
from datetime import UTC, datetime


def now() -> datetime:
    """Return the current time, aware, in UTC."""
    return datetime.now(UTC)


def monotonic() -> float:
    """Return seconds from an arbitrary start that never go back."""
    return time.monotonic()


def wait(seconds: float) -> None:
    """Let `seconds` pass."""
    time.sleep(seconds)


def stamp(moment: datetime) -> str:
    """Write a moment as RFC 3339 in UTC with microseconds: `2026-11-23T07:30:00.000000Z`."""
    if moment.tzinfo is not UTC:
        moment = moment.astimezone(UTC)
    return f"{moment.isoformat(timespec='microseconds')[:-6]}Z"  # without its +00:00


def from_stamp(text: str) -> datetime:
    """Read what `stamp` wrote."""
    return datetime.fromisoformat(text)

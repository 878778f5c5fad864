"""How late a job is: its latest run held against the times that it was due."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from pytest_ddd.probes.job_sources.interface import Run

_EARLY = timedelta(minutes=1)
"""Clocks differ: a run that began this much before it was due belongs to that time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lateness:
    """Seconds between a time that the job was due and its end, or now while it has not ended."""

    due: datetime
    seconds: float
    words: str


def lateness(
    run: Run | None, *, dues: Iterable[datetime], now: datetime, most_s: float
) -> Lateness | None:
    """Return how late the job is; None when it was never due.

    It is held against the oldest time that it was due and has not met: a job that is dead gets
    later with each time that it misses, however often it is due.

    Args:
        run: the latest run.
        dues: when it was due, the latest time first.
        now: aware, by the clock of what told about the run.
        most_s: its last limit: times longer ago than this make it no worse.
    """
    ended = run.finished_at if run is not None and run.succeeded else None
    began = run.started_at if run is not None and run.finished_at is None else None
    reached = began + _EARLY if began is not None else ended
    due = missed = None
    for due in dues:
        if reached is not None and due <= reached:
            break
        missed = due
        if (now - due).total_seconds() >= most_s:
            break
    if due is None:
        return None
    if began is not None:
        return _still(due, now, f"running since {_shown(began)}")
    words = f"ended well {_shown(ended)}" if ended is not None else "has not ended well"
    if missed is None and ended is not None:
        return Lateness(due=due, seconds=(ended - due).total_seconds(), words=words)
    return _still(missed or due, now, words)


def _still(due: datetime, now: datetime, words: str) -> Lateness:
    return Lateness(due=due, seconds=max(0.0, (now - due).total_seconds()), words=words)


def _shown(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S %Z}"

"""How late a job is: its latest run held against the times that it was due."""

from __future__ import annotations

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
    run: Run | None, *, last: datetime, before: datetime, now: datetime, grace_s: float
) -> Lateness:
    """Return how late the job is.

    It is held against the last time that it was due. While that is less than `grace_s` ago and it
    has not ended yet, the time before must have been met.

    Args:
        run: the latest run.
        last: the last time that it was due.
        before: the time before that.
        now: aware, by the clock of what told about the run.
        grace_s: how long after it was due the job need not have ended.
    """
    if run is not None and run.finished_at is None and run.started_at is not None:
        began_for = last if run.started_at >= last - _EARLY else before
        return _still(began_for, now, f"running since {_shown(run.started_at)}")
    ended = run.finished_at if run is not None and run.succeeded else None
    words = f"ended well {_shown(ended)}" if ended is not None else "has not ended well"
    if ended is not None and ended >= last:
        return Lateness(due=last, seconds=(ended - last).total_seconds(), words=words)
    if (now - last).total_seconds() >= grace_s:
        return _still(last, now, words)
    met = ended is not None and ended >= before
    return _still(last if met else before, now, words)


def _still(due: datetime, now: datetime, words: str) -> Lateness:
    return Lateness(due=due, seconds=max(0.0, (now - due).total_seconds()), words=words)


def _shown(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S %Z}"

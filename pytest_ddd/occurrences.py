"""Runs as they are remembered, and the occurrences that schedules asked for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Literal, TypeAlias

from pytest_ddd.outcomes import Outcome

Kind: TypeAlias = Literal["scheduled", "ad-hoc", "gate"]
"""Only whole scheduled runs are occurrences."""


class State(StrEnum):
    """How far a run came."""

    RUNNING = "running"
    FINISHED = "finished"
    INTERRUPTED = "interrupted"
    """Stopped by a person or an internal error; what there is was kept."""
    ABORTED = "aborted"
    """Its process was gone without an end; found by a later run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One remembered run of one scenario."""

    id: int
    run_id: str
    environment: str
    scenario: str
    frequency: str
    kind: Kind
    state: State
    due_at: datetime | None
    started_at: datetime
    heartbeat_at: datetime
    finished_at: datetime | None
    operator: str
    controller: str
    budget_s: float | None
    used_s: float | None
    outcome: Outcome | None
    counts: Mapping[str, int]
    steps: Mapping[str, str]
    narrowed: bool
    """Whether only a part of the scenario's checks was asked for."""
    planned_only: bool
    """Whether an action showed its plan and did nothing: such a run is never complete."""
    escalations: int | None
    rollbacks: int | None
    evaluated_to: int
    """The `seq` of the last result that an evaluation of the escalation rules has covered."""
    invalidated_by: str | None
    invalidated_reason: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PastResult:
    """What an earlier run found at its last look: enough to say what has changed since."""

    identity: tuple[str, str, str, str]
    nodeid: str
    outcome: Outcome
    reason: str
    started_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class PreviousRun:
    """The run before, and how long the things that were bad in it had been bad."""

    run: Run
    results: tuple[PastResult, ...]
    bad_since: Mapping[tuple[str, str, str, str], datetime]


class Happened(StrEnum):
    """What became of an occurrence."""

    AHEAD = "ahead"
    """Neither run nor missed: its grace has not passed."""
    RUNNING = "running"
    DONE = "done"
    INTERRUPTED = "interrupted"
    ABORTED = "aborted"
    MISSED = "missed"
    EXCUSED = "excused"


@dataclass(frozen=True, slots=True, kw_only=True)
class Occurrence:
    """A run that a schedule asked for, and what became of it."""

    environment: str
    scenario: str
    due_at: datetime
    grace_s: float
    schedule: str = ""
    excuse: str | None = None
    excused_by: str | None = None
    run: Run | None = None
    """The first one that ended; else the last one that was begun."""

    def happened(self, now: datetime) -> Happened:
        """Say what became of it, as seen at `now`."""
        if self.run is not None:
            invalid = self.run.invalidated_by is not None
            return Happened.EXCUSED if invalid else _BY_STATE[self.run.state]
        if self.excuse is not None:
            return Happened.EXCUSED
        over = now > self.due_at + timedelta(seconds=self.grace_s)
        return Happened.MISSED if over else Happened.AHEAD

    @property
    def late(self) -> bool:
        """Whether it began after its grace."""
        latest = self.due_at + timedelta(seconds=self.grace_s)
        return self.run is not None and self.run.started_at > latest


@dataclass(frozen=True, slots=True, kw_only=True)
class Gathered:
    """What history knows of one environment that objectives are counted from.

    `yellow_s` is, by key of a run, how long the slowest check that turned yellow in it took to
    be green again: infinite while it is not. `readings` is the largest distance from 0 by name
    of a reading and key of a run.
    """

    occurrences: tuple[Occurrence, ...] = ()
    yellow_s: Mapping[int, float] = field(default_factory=dict)
    readings: Mapping[tuple[str, int], float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trend:
    """The values of one reading over the last runs, oldest first, for a line beside it."""

    check_id: str
    target: str
    entry: str
    name: str
    unit: str = ""
    values: tuple[float, ...] = ()


class Standing(StrEnum):
    """How an objective stands, by Wilson's interval of 95 %."""

    MET = "met"
    MISSED = "missed"
    NOT_PROVEN = "not proven"
    """Too few occurrences to say, or some that nobody measured."""
    NO_DATA = "no data"


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One occurrence as an objective counts it; `good` is None when nobody measured it."""

    due_at: datetime
    good: bool | None
    happened: Happened


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectiveStanding:
    """How one objective stands in one environment.

    `total` counts all occurrences of the window that are over and not excused, also the
    `unmeasured` ones; `low` and `high` are the interval that holds the true share.
    """

    name: str
    title: str
    environment: str
    target: float
    window_days: int
    good: int
    bad: int
    unmeasured: int
    excused: int
    low: float
    high: float
    allowed_bad: int
    """How many of `total` may be bad before the target is missed."""
    standing: Standing
    points: tuple[Point, ...]
    """Oldest first, without excused ones."""

    @property
    def total(self) -> int:
        """All that count."""
        return self.good + self.bad + self.unmeasured

    @property
    def share(self) -> float | None:
        """The share of good ones among those that were measured."""
        measured = self.good + self.bad
        return self.good / measured if measured else None

    @property
    def budget_left(self) -> int:
        """How many more may be bad; negative when too many were."""
        return self.allowed_bad - self.bad


_BY_STATE = {
    State.RUNNING: Happened.RUNNING,
    State.FINISHED: Happened.DONE,
    State.INTERRUPTED: Happened.INTERRUPTED,
    State.ABORTED: Happened.ABORTED,
}

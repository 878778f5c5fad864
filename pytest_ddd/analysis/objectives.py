"""Counts occurrences against an objective: k of n, what is left of the budget, and how sure it is.

The unit is the occurrence that a schedule asked for. One that was missed, aborted or interrupted
is bad, or the worst days would vanish; an excused one does not count; and one that nobody
measured is neither, so that it can keep an objective from being met and from being missed.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from pytest_ddd.analysis import wilson
from pytest_ddd.occurrences import (
    Gathered,
    Happened,
    ObjectiveStanding,
    Occurrence,
    Point,
    Run,
    Standing,
)
from pytest_ddd.outcomes import Outcome


class Measure(StrEnum):
    """What makes an occurrence good."""

    IN_TIME = "in-time"
    """Began before its grace was over, and used less than `limit`; else than its budget."""
    IN_WINDOW = "in-window"
    """Began when it was due or later, and ended at most `limit` seconds after that."""
    NO_ESCALATION = "no-escalation"
    ALL_GREEN = "all-green"
    """Green; waived checks and those that do not apply are no harm."""
    YELLOWS = "yellows"
    """Each check that turned yellow was green again within `limit` seconds."""
    NO_ROLLBACK = "no-rollback"
    STEP = "step"
    """The step with the number `step` was green."""
    READING = "reading"
    """Each reading called `reading` is at most `limit` away from 0."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Objective:
    """What one wants to reach: a share of the occurrences of some scenarios, over a window."""

    name: str
    title: str
    scenarios: tuple[str, ...]
    measure: Measure
    target: float
    window_days: int
    limit: float | None = None
    step: int = 0
    reading: str = ""


def judge(
    objective: Objective, environment: str, gathered: Gathered, now: datetime
) -> ObjectiveStanding:
    """Return how an objective stands at `now`.

    Args:
        objective: what is wanted.
        environment: where.
        gathered: what history knows of this environment; more than the window does no harm.
        now: the end of the window.
    """
    since = now - timedelta(days=objective.window_days)
    wanted = sorted(
        (
            one
            for one in gathered.occurrences
            if one.scenario in objective.scenarios and since <= one.due_at <= now
        ),
        key=lambda one: one.due_at,
    )
    told = [(one, one.happened(now)) for one in wanted]
    points = tuple(
        Point(due_at=one.due_at, happened=happened, good=_is_good(objective, one, gathered, now))
        for one, happened in told
        if happened not in (Happened.EXCUSED, Happened.AHEAD, Happened.RUNNING)
    )
    excused = sum(happened is Happened.EXCUSED for _, happened in told)
    return _standing(objective, environment, points, excused)


def judge_scenario(
    objectives: Iterable[Objective], about: tuple[str, str], gathered: Gathered, now: datetime
) -> tuple[ObjectiveStanding, ...]:
    """Return how the objectives stand that an environment and scenario have occurrences for."""
    environment, scenario = about
    wanted = (one for one in objectives if scenario in one.scenarios)
    found = (judge(one, environment, gathered, now) for one in wanted)
    return tuple(one for one in found if one.points)


def _standing(
    objective: Objective, environment: str, points: tuple[Point, ...], excused: int
) -> ObjectiveStanding:
    good = sum(point.good is True for point in points)
    unmeasured = sum(point.good is None for point in points)
    total, bad = len(points), len(points) - good - unmeasured
    low = wilson.interval(good, total)[0]
    high = wilson.interval(good + unmeasured, total)[1]
    return ObjectiveStanding(
        name=objective.name,
        title=objective.title,
        environment=environment,
        target=objective.target,
        window_days=objective.window_days,
        good=good,
        bad=bad,
        unmeasured=unmeasured,
        excused=excused,
        low=low,
        high=high,
        allowed_bad=allowed_bad(objective.target, total),
        standing=_verdict(objective.target, (low, high), points),
        points=points,
    )


def allowed_bad(target: float, total: int) -> int:
    """Return how many of `total` may be bad: 3 of 63 at 95 %."""
    # 1 - 0.95 is a little more than 0.05 in binary; a hundred millionth of a run is no run.
    return math.floor((1 - target) * total + 1e-8)


def _verdict(target: float, span: tuple[float, float], points: tuple[Point, ...]) -> Standing:
    measured = [point.good for point in points if point.good is not None]
    if not measured:
        return Standing.NO_DATA
    low, high = span
    if target >= 1:  # no interval reaches 1: all of them is a fact, not an estimate
        if not all(measured):
            return Standing.MISSED
        return Standing.MET if len(measured) == len(points) else Standing.NOT_PROVEN
    if low >= target:
        return Standing.MET
    return Standing.MISSED if high < target else Standing.NOT_PROVEN


def _is_good(
    objective: Objective, occurrence: Occurrence, gathered: Gathered, now: datetime
) -> bool | None:
    """Say whether an occurrence is good; None when nobody measured it."""
    run = occurrence.run
    if occurrence.happened(now) is not Happened.DONE or run is None or run.planned_only:
        return False
    return _MEASURES[objective.measure](_Done(objective, occurrence, run, gathered))


@dataclass(frozen=True, slots=True)
class _Done:
    """An occurrence whose run came to its end, and what it is measured by."""

    objective: Objective
    occurrence: Occurrence
    run: Run
    gathered: Gathered


def _in_time(one: _Done) -> bool | None:
    limit_s = one.objective.limit if one.objective.limit is not None else one.run.budget_s
    if one.run.used_s is None or limit_s is None:
        return None
    return one.run.used_s < limit_s and not one.occurrence.late


def _in_window(one: _Done) -> bool | None:
    if one.run.finished_at is None or one.objective.limit is None:
        return None
    until = one.occurrence.due_at + timedelta(seconds=one.objective.limit)
    return one.occurrence.due_at <= one.run.started_at and one.run.finished_at <= until


def _no_escalation(one: _Done) -> bool | None:
    return None if one.run.escalations is None else one.run.escalations == 0


def _all_green(one: _Done) -> bool | None:
    return one.run.outcome in (Outcome.GREEN, Outcome.WAIVED)


def _yellows(one: _Done) -> bool | None:
    return one.gathered.yellow_s.get(one.run.id, 0.0) <= (one.objective.limit or 0.0)


def _no_rollback(one: _Done) -> bool | None:
    return None if one.run.rollbacks is None else one.run.rollbacks == 0


def _step(one: _Done) -> bool | None:
    outcome = one.run.steps.get(str(one.objective.step))
    if outcome in (None, Outcome.NOT_APPLICABLE):
        return None
    return outcome in (Outcome.GREEN, Outcome.WAIVED)


def _reading(one: _Done) -> bool | None:
    found = one.gathered.readings.get((one.objective.reading, one.run.id))
    return None if found is None else found <= (one.objective.limit or 0.0)


_MEASURES: Mapping[Measure, Callable[[_Done], bool | None]] = {
    Measure.IN_TIME: _in_time,
    Measure.IN_WINDOW: _in_window,
    Measure.NO_ESCALATION: _no_escalation,
    Measure.ALL_GREEN: _all_green,
    Measure.YELLOWS: _yellows,
    Measure.NO_ROLLBACK: _no_rollback,
    Measure.STEP: _step,
    Measure.READING: _reading,
}

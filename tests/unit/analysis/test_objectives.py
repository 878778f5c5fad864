"""Objectives: what is counted, what is left, and what is proven."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from pytest_ddd.analysis import wilson
from pytest_ddd.analysis.objective_table import OBJECTIVES
from pytest_ddd.analysis.objectives import Measure, Objective, allowed_bad, judge
from pytest_ddd.evidence import objective_words
from pytest_ddd.history.measures import YELLOW_DAYS
from pytest_ddd.occurrences import Gathered, Occurrence, Run, Standing, State
from pytest_ddd.outcomes import Outcome
from pytest_ddd.scenarios import catalogue

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
GREEN = Objective(
    name="green",
    title="All green",
    scenarios=("morning-health-check",),
    measure=Measure.ALL_GREEN,
    target=0.95,
    window_days=90,
)


def run(**changes: object) -> Run:
    """Return a green run that took two minutes."""
    due_at = NOW - timedelta(days=1)
    made = Run(
        id=1,
        run_id="7f3c",
        environment="prod",
        scenario="morning-health-check",
        frequency="daily",
        kind="scheduled",
        state=State.FINISHED,
        due_at=due_at,
        started_at=due_at,
        heartbeat_at=due_at,
        finished_at=due_at + timedelta(minutes=2),
        operator="",
        controller="",
        budget_s=900.0,
        used_s=120.0,
        outcome=Outcome.GREEN,
        counts={},
        steps={"4": "GREEN"},
        narrowed=False,
        planned_only=False,
        escalations=0,
        rollbacks=0,
        evaluated_to=0,
        invalidated_by=None,
        invalidated_reason=None,
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def occurrence(day: int, of: Run | None, **changes: object) -> Occurrence:
    """Return an occurrence that was due `day` days ago."""
    due_at = NOW - timedelta(days=day)
    if of is not None:
        of = replace(
            of, due_at=due_at, started_at=due_at, finished_at=due_at + timedelta(minutes=2)
        )
    made = Occurrence(
        environment="prod",
        scenario="morning-health-check",
        due_at=due_at,
        grace_s=1800.0,
        run=of,
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def standing(good: int, bad: int, target: float = 0.95) -> Standing:
    """Judge so many good and bad occurrences."""
    runs = [run()] * good + [run(outcome=Outcome.RED)] * bad
    found = tuple(occurrence(1, of) for of in runs)
    return judge(replace(GREEN, target=target), "prod", Gathered(occurrences=found), NOW).standing


@pytest.mark.parametrize(("target", "needed"), [(0.80, 16), (0.90, 35), (0.95, 73), (0.99, 381)])
def test_so_many_good_ones_prove_a_target(target: float, needed: int) -> None:
    """The numbers follow from n / (n + z²) >= target."""
    assert wilson.interval(needed, needed)[0] >= target > wilson.interval(needed - 1, needed - 1)[0]


@pytest.mark.parametrize(
    ("good", "total", "low", "high"),
    [(21, 21, 0.845, 1.0), (249, 251, 0.971, 0.998), (0, 10, 0.0, 0.278), (81, 263, 0.255, 0.366)],
)
def test_the_interval_is_wilsons(good: int, total: int, low: float, high: float) -> None:
    """81 of 263 is the worked example of R. G. Newcombe, Statistics in Medicine 17 (1998), 857."""
    assert wilson.interval(good, total) == pytest.approx((low, high), abs=5e-4)


def test_nothing_counted_says_nothing() -> None:
    assert wilson.interval(0, 0) == (0.0, 1.0)


@pytest.mark.parametrize(
    ("good", "bad", "expected"),
    [
        (73, 0, Standing.MET),
        (63, 0, Standing.NOT_PROVEN),
        (60, 30, Standing.MISSED),
        (0, 0, Standing.NO_DATA),
        (0, 1, Standing.MISSED),
    ],
)
def test_a_verdict_needs_proof(good: int, bad: int, expected: Standing) -> None:
    assert standing(good, bad) is expected


@pytest.mark.parametrize(
    ("good", "bad", "expected"), [(4, 0, Standing.MET), (400, 1, Standing.MISSED)]
)
def test_all_of_them_is_a_fact(good: int, bad: int, expected: Standing) -> None:
    assert standing(good, bad, target=1.0) is expected


@pytest.mark.parametrize(
    ("target", "total", "expected"),
    [(0.95, 21, 1), (0.95, 63, 3), (0.95, 251, 12), (0.90, 52, 5), (0.95, 20, 1), (1.0, 9, 0)],
)
def test_so_many_may_be_bad(target: float, total: int, expected: int) -> None:
    assert allowed_bad(target, total) == expected


def test_the_worst_days_do_not_vanish() -> None:
    found = (
        occurrence(6, run()),
        occurrence(5, None),
        occurrence(4, run(state=State.ABORTED)),
        occurrence(3, run(state=State.INTERRUPTED)),
        occurrence(2, None, excuse="holiday"),
        occurrence(1, run(state=State.RUNNING)),
        occurrence(0, None),
        occurrence(91, run()),
        occurrence(1, run(), scenario="end-of-day-validation"),
    )

    one = judge(GREEN, "prod", Gathered(occurrences=found), NOW)

    assert (one.good, one.bad, one.unmeasured, one.excused) == (1, 3, 0, 1)
    assert one.budget_left == -3
    assert [point.good for point in one.points] == [True, False, False, False]


@pytest.mark.parametrize(
    ("measure", "changes", "expected"),
    [
        (Measure.IN_TIME, {}, True),
        (Measure.IN_TIME, {"used_s": 900.0}, False),
        (Measure.IN_TIME, {"used_s": None}, None),
        (Measure.IN_TIME, {"budget_s": None}, None),
        (Measure.NO_ESCALATION, {}, True),
        (Measure.NO_ESCALATION, {"escalations": 1}, False),
        (Measure.NO_ESCALATION, {"escalations": None}, None),
        (Measure.ALL_GREEN, {"outcome": Outcome.WAIVED}, True),
        (Measure.ALL_GREEN, {"outcome": Outcome.YELLOW}, False),
        (Measure.ALL_GREEN, {"outcome": Outcome.UNKNOWN}, False),
        (Measure.ALL_GREEN, {"outcome": Outcome.NOT_APPLICABLE}, False),
        (Measure.ALL_GREEN, {"outcome": None}, False),
        (Measure.NO_ROLLBACK, {}, True),
        (Measure.NO_ROLLBACK, {"rollbacks": 1}, False),
        (Measure.NO_ROLLBACK, {"rollbacks": None}, None),
        (Measure.STEP, {}, True),
        (Measure.STEP, {"steps": {"4": "RED"}}, False),
        (Measure.STEP, {"steps": {}}, None),
        (Measure.STEP, {"planned_only": True}, False),
    ],
)
def test_a_run_is_good_or_bad_or_nobody_knows(
    measure: Measure, changes: dict[str, object], expected: bool | None
) -> None:
    found = (occurrence(1, run(**changes)),)

    one = judge(replace(GREEN, measure=measure, step=4), "prod", Gathered(occurrences=found), NOW)

    assert [point.good for point in one.points] == [expected]


@pytest.mark.parametrize(("yellow_s", "expected"), [(None, True), (300, True), (math.inf, False)])
def test_yellows_are_resolved_in_time(yellow_s: float | None, expected: bool) -> None:
    gathered = Gathered(
        occurrences=(occurrence(1, run()),), yellow_s={} if yellow_s is None else {1: yellow_s}
    )

    one = judge(replace(GREEN, measure=Measure.YELLOWS, limit=300), "prod", gathered, NOW)

    assert [point.good for point in one.points] == [expected]


@pytest.mark.parametrize(("error", "expected"), [(10.0, True), (10.1, False), (None, None)])
def test_a_reading_is_within_its_limit(error: float | None, expected: bool | None) -> None:
    readings = {} if error is None else {("prediction error", 1): error}
    gathered = Gathered(occurrences=(occurrence(1, run()),), readings=readings)
    wanted = replace(GREEN, measure=Measure.READING, reading="prediction error", limit=10.0)

    assert [point.good for point in judge(wanted, "prod", gathered, NOW).points] == [expected]


@pytest.mark.parametrize(
    ("begun", "ended", "expected"), [(0, 120, True), (-1, 60, False), (0, 121, False)]
)
def test_a_patch_stays_in_its_window(begun: int, ended: int, expected: bool) -> None:
    one = occurrence(1, run())
    assert one.run is not None
    within = replace(
        one.run,
        started_at=one.due_at + timedelta(minutes=begun),
        finished_at=one.due_at + timedelta(minutes=ended),
    )
    wanted = replace(GREEN, measure=Measure.IN_WINDOW, limit=7200)

    found = judge(wanted, "prod", Gathered(occurrences=(replace(one, run=within),)), NOW)

    assert [point.good for point in found.points] == [expected]


def test_a_late_run_is_not_in_time() -> None:
    one = occurrence(1, run())
    assert one.run is not None
    late = replace(one, run=replace(one.run, started_at=one.due_at + timedelta(minutes=31)))

    found = judge(
        replace(GREEN, measure=Measure.IN_TIME), "prod", Gathered(occurrences=(late,)), NOW
    )

    assert [point.good for point in found.points] == [False]


def test_what_nobody_measured_proves_nothing() -> None:
    many = tuple(occurrence(1, run()) for _ in range(100))
    blind = tuple(occurrence(1, run(escalations=None)) for _ in range(10))
    wanted = replace(GREEN, measure=Measure.NO_ESCALATION)

    proven = judge(wanted, "prod", Gathered(occurrences=many), NOW)
    doubtful = judge(wanted, "prod", Gathered(occurrences=many + blind), NOW)
    whole = judge(replace(wanted, target=1.0), "prod", Gathered(occurrences=many + blind), NOW)

    assert proven.standing is Standing.MET
    assert doubtful.standing is Standing.NOT_PROVEN
    assert whole.standing is Standing.NOT_PROVEN


def test_words_say_all_three() -> None:
    found = (
        *(occurrence(1, run()) for _ in range(60)),
        occurrence(1, None),
        occurrence(1, None, excuse="holiday"),
        occurrence(1, run(outcome=Outcome.RED)),
    )

    line = objective_words.line(judge(GREEN, "prod", Gathered(occurrences=found), NOW))

    assert "60 of 62 (+ 1 excused), 96.8 %, target 95 %" in line
    assert "2 of 3 bad runs used" in line
    assert "not proven" in line


def test_every_objective_is_about_a_routine() -> None:
    known = {*catalogue.names(), "daily-checks"}
    assert {name for one in OBJECTIVES for name in one.scenarios} <= known
    assert len({one.name for one in OBJECTIVES}) == len(OBJECTIVES)


def test_no_objective_asks_for_yellows_that_are_not_timed() -> None:
    """Those further back would look as if nothing had turned yellow."""
    asked = [one.window_days for one in OBJECTIVES if one.measure is Measure.YELLOWS]

    assert max(asked) <= YELLOW_DAYS

"""Runs, their results and occurrences, as they are written and found again."""

from __future__ import annotations

import math
import subprocess
import sys
from dataclasses import replace
from datetime import timedelta

import pytest

from pytest_ddd import clock
from pytest_ddd.history import measures, occurrences, previous, processes, runs, telling
from pytest_ddd.history.store import Store
from pytest_ddd.occurrences import Happened, Occurrence, State
from pytest_ddd.outcomes import Outcome
from pytest_ddd.results import Reading, from_record, to_record
from tests.unit.history.samples import SCENARIO, START, remember, result, start

NOW = START + timedelta(days=30)


@pytest.mark.parametrize(
    "value", [1, 2.5, -0.0, math.nan, math.inf, 2**70, True, None, "Zürich ✓", "a\nb"]
)
def test_a_result_comes_back_as_it_was(store: Store, value: float | str | None) -> None:
    of = start()
    reading = Reading(name="what", value=value, unit="s", at=START, detail="x" * 500, attempt=2)
    one = result(of, Outcome.WAIVED, readings=(reading,), controls=("A.1", "B 2"), look=2)
    key = remember(store, of, [one])

    with store.reading() as tx:
        [run] = telling.find(tx, str(key))
        found = list(telling.records(tx, run))

    assert found == [to_record(one)]
    assert from_record(found[0]).identity == one.identity


def test_a_run_says_what_its_last_looks_say(store: Store) -> None:
    of = start()
    key = remember(
        store,
        of,
        [
            result(of, Outcome.YELLOW),
            result(of, Outcome.GREEN, look=2),
            result(of, Outcome.RED, step=3, target="web2"),
            result(of, Outcome.NOT_APPLICABLE, step=4, target="web3", reason="planned: apt"),
        ],
    )

    with store.reading() as tx:
        [run] = telling.find(tx, str(key))

    assert run.counts == {"GREEN": 1, "RED": 1, "NOT_APPLICABLE": 1}
    assert run.steps == {"2": "GREEN", "3": "RED", "4": "NOT_APPLICABLE"}
    assert run.planned_only
    assert run.state is State.FINISHED


def test_a_run_whose_process_is_gone_is_aborted_and_its_results_wait(store: Store) -> None:
    gone = subprocess.run(
        [sys.executable, "-c", "from pytest_ddd.history import processes; print(processes.own())"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    dead, alive = start(process=gone), start(process=processes.own())
    with store.transaction() as tx:
        key = runs.begin(tx, dead)
        runs.add(tx, key, 1, result(dead))
        runs.begin(tx, alive)

    with store.transaction() as tx:
        aborted = runs.abort_dead(tx)
        waiting = runs.unevaluated(tx)
        again = runs.abort_dead(tx)

    assert [one.run_id for one in aborted] == [dead.run_id]
    assert [(one.run_id, one.state) for one in waiting] == [(dead.run_id, State.ABORTED)]
    assert again == ()


def test_a_run_on_another_machine_is_aborted_when_it_falls_silent(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    with store.transaction() as tx:
        key = runs.begin(tx, start(process="another-boot/pid:[1] 7 99"))
        assert runs.abort_dead(tx) == ()

    later = clock.now() + timedelta(seconds=runs.SILENT_S - 10)
    monkeypatch.setattr(clock, "now", lambda: later)
    with store.transaction() as tx:
        runs.beat(tx, [key])
    much_later = later + timedelta(seconds=runs.SILENT_S - 10)
    monkeypatch.setattr(clock, "now", lambda: much_later)
    with store.transaction() as tx:
        assert runs.abort_dead(tx) == ()
    at_last = much_later + timedelta(seconds=20)
    monkeypatch.setattr(clock, "now", lambda: at_last)
    with store.transaction() as tx:
        assert [one.id for one in runs.abort_dead(tx)] == [key]


def test_an_evaluation_marks_what_it_covered(store: Store) -> None:
    of = start()
    key = remember(store, of, [result(of), result(of), result(of)])

    with store.transaction() as tx:
        runs.mark_evaluated(tx, key, 2)
        [waiting] = runs.unevaluated(tx)
        runs.mark_evaluated(tx, key, 3, escalations=1)
        rest = runs.unevaluated(tx)
        [run] = telling.find(tx, str(key))

    assert waiting.evaluated_to == 2
    assert rest == ()
    assert run.escalations == 1


def test_occurrences_tell_what_became_of_them(store: Store) -> None:
    grace = timedelta(minutes=30)
    due = [START + timedelta(days=day) for day in range(7)]
    expected = [
        Occurrence(environment="prod", scenario=SCENARIO, due_at=at, grace_s=grace.total_seconds())
        for at in due
    ]
    with store.transaction() as tx:
        for one in (*expected, expected[0]):
            occurrences.expect(tx, one)
        occurrences.excuse(tx, replace(expected[1], excuse="holiday", excused_by="calendar"))
        runs.begin(tx, start(4))
    remember(store, start(2))
    remember(store, start(3), interrupted=True)
    remember(store, start(5, started_at=due[5] + grace * 2))

    with store.reading() as tx:
        found = occurrences.between(tx, START, due[6] + grace, "prod", SCENARIO)

    now = due[6] + grace / 2
    assert [one.happened(now) for one in found] == [
        Happened.MISSED,
        Happened.EXCUSED,
        Happened.DONE,
        Happened.INTERRUPTED,
        Happened.RUNNING,
        Happened.DONE,
        Happened.AHEAD,
    ]
    assert [one.late for one in found] == [False, False, False, False, False, True, False]


def test_nobody_repeats_an_occurrence_until_it_is_green(store: Store) -> None:
    of = start()
    remember(store, of, outcome=Outcome.RED)
    remember(store, start(started_at=START + timedelta(minutes=9)), outcome=Outcome.GREEN)

    with store.reading() as tx:
        [one] = occurrences.between(tx, START, NOW)

    assert one.run is not None
    assert one.run.run_id == of.run_id


def test_a_run_that_was_begun_again_after_an_abort_counts(store: Store) -> None:
    with store.transaction() as tx:
        runs.begin(tx, start(process="0/pid:[1] 1 1"))
    again = start(started_at=START + timedelta(minutes=5))
    remember(store, again)

    with store.reading() as tx:
        [one] = occurrences.between(tx, START, NOW)

    assert one.happened(NOW) is Happened.DONE


def test_an_invalidated_run_is_excused(store: Store) -> None:
    key = remember(store, start())
    with store.transaction() as tx:
        [run] = telling.find(tx, str(key))
        telling.invalidate(tx, run, by="mira", reason="fire drill")
    with store.reading() as tx:
        [one] = occurrences.between(tx, START, NOW)

    assert one.happened(NOW) is Happened.EXCUSED


def test_the_previous_run_is_the_last_whole_one_that_ended(store: Store) -> None:
    first, second = start(0), start(1)
    remember(store, first, [result(first, Outcome.RED)])
    remember(store, second, [result(second, Outcome.RED), result(second, target="web2")])
    remember(store, start(2), narrowed=True)
    remember(store, start(3, environment="test"))
    with store.transaction() as tx:
        runs.begin(tx, start(4))

    with store.reading() as tx:
        found = previous.before(tx, "prod", SCENARIO, "mine")
        none = previous.before(tx, "prod", SCENARIO + "-other", "mine")

    assert found is not None
    assert found.run.run_id == second.run_id
    assert [one.outcome for one in found.results] == [Outcome.RED, Outcome.GREEN]
    assert list(found.bad_since.values()) == [first.started_at]
    assert none is None


def test_a_streak_begins_after_the_last_good_result(store: Store) -> None:
    days = [start(day) for day in range(4)]
    for of, outcome in zip(days, ["RED", "GREEN", "YELLOW", "RED"], strict=True):
        remember(store, of, [result(of, Outcome(outcome))])

    with store.reading() as tx:
        found = previous.before(tx, "prod", SCENARIO, "mine")

    assert found is not None
    assert list(found.bad_since.values()) == [days[2].started_at]


def test_yellows_are_timed_from_the_first_look_to_the_next_green(store: Store) -> None:
    def at(of: object, minutes: float) -> object:
        return START + timedelta(days=of, minutes=minutes)  # type: ignore[arg-type]

    quick, slow, clean, never = start(0), start(1), start(2), start(3)
    keys = [
        remember(
            store,
            quick,
            [
                result(quick, Outcome.YELLOW, started_at=at(0, 0)),
                result(quick, Outcome.YELLOW, started_at=at(0, 1), look=2),
                result(quick, Outcome.GREEN, started_at=at(0, 3), look=3),
            ],
        ),
        remember(store, slow, [result(slow, Outcome.YELLOW, started_at=at(1, 0))]),
        remember(store, clean, [result(clean, Outcome.GREEN, started_at=at(2, 0))]),
        remember(store, never, [result(never, Outcome.YELLOW, started_at=at(3, 0))]),
    ]
    other = start(3, environment="test")
    remember(store, other, [result(other, Outcome.GREEN, started_at=at(3, 1))])

    with store.reading() as tx:
        found = measures.slowest(tx, keys)

    assert found == {keys[0]: 180.0, keys[1]: 86400.0, keys[3]: math.inf}


def test_a_yellow_that_was_yellow_before_counts_where_it_began(store: Store) -> None:
    first, second = start(0), start(1)
    keys = [remember(store, of, [result(of, Outcome.YELLOW)]) for of in (first, second)]

    with store.reading() as tx:
        assert measures.slowest(tx, keys) == {keys[0]: math.inf}


def test_readings_are_gathered_by_name(store: Store) -> None:
    of, blind = start(0), start(1)
    known = [Reading(name="prediction error", value=v, unit="%", at=START) for v in (4.0, -9.0)]
    unknown = Reading(name="prediction error", value=None, at=START, error="no data")
    keys = [
        remember(store, of, [result(of, readings=tuple(known))]),
        remember(store, blind, [result(blind, readings=(unknown,))]),
    ]

    with store.reading() as tx:
        found = measures.gather(tx, "prod", START, NOW, ["prediction error"])

    assert found.readings == {
        ("prediction error", keys[0]): 9.0,
        ("prediction error", keys[1]): math.inf,
    }
    assert len(found.occurrences) == 2


def test_old_results_are_pruned_and_runs_stay(store: Store) -> None:
    old, new = start(0), start(20)
    remember(store, old, [result(old)])
    remember(store, new, [result(new)])

    with store.transaction() as tx:
        before = START + timedelta(days=10)
        told = telling.prunable(tx, before)
        telling.prune(tx, before)
        left = [len(list(telling.records(tx, run))) for run in telling.listed(tx)]

    assert told == (1, 1)
    assert left == [1, 0]

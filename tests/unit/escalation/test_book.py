"""Alerts in a history: what is kept, what is evaluated when, and that it is all or nothing."""

from __future__ import annotations

import threading
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta

import pytest

from pytest_ddd import redaction
from pytest_ddd.alerts import Acknowledgement, AlertKey, Decision, Matcher, Phase, Silence
from pytest_ddd.baseline.sections.escalation import Escalation
from pytest_ddd.escalation.evaluation import Mode, Plan, evaluate
from pytest_ddd.history import alerts, outbox, runs
from pytest_ddd.history.alerts import open_book
from pytest_ddd.history.proposals import StoredLedger
from pytest_ddd.history.records import RunEnd, RunStart
from pytest_ddd.history.store import Store
from pytest_ddd.history.tables import RUNS
from pytest_ddd.history.tally import Tally
from pytest_ddd.messages import Kind, Severity
from pytest_ddd.occurrences import State
from pytest_ddd.outcomes import Outcome
from pytest_ddd.results import CheckResult
from tests.support.results import SCENARIO, START, result, usage
from tests.unit.escalation.conftest import SetClock

PLAN = Plan(
    escalation=Escalation.model_validate(
        {
            "channels": {"pager": {"kind": "syslog"}},
            "rules": {"down": {"when": ["RED"], "notify": ["pager"], "group_above": 99}},
        }
    ),
    timezone="UTC",
    mode=Mode.ON,
)


def begin(store: Store, *results: CheckResult, process: str = "") -> int:
    """Remember results of a run that goes on."""
    with store.transaction() as tx:
        first = results[0]
        start = RunStart(
            run_id=first.run_id,
            environment=first.environment,
            scenario=SCENARIO,
            started_at=first.started_at,
            process=process,
        )
        run = runs.begin(tx, start)
        for seq, one in enumerate(results, start=1):
            runs.add(tx, run, seq, one)
    return run


def finish(store: Store, run: int) -> None:
    with store.transaction() as tx:
        runs.finish(tx, run, RunEnd(finished_at=START, outcome=Outcome.RED), Tally())


def look(store: Store, *, plan: Plan = PLAN, run_id: str = "", hours: int = 1):
    with open_book(store, "prod", run_id=run_id) as book:
        return evaluate(book, plan, START + timedelta(hours=hours))


def test_an_alert_comes_back_as_it_was_kept(store: Store) -> None:
    finish(store, begin(store, result(0, readings=(usage(93),))))
    evaluation = look(store)

    with open_book(store, "prod") as book:
        kept = book.alerts()

    assert tuple(kept.values()) == evaluation.alerts
    with store.reading() as tx:
        assert alerts.decisions(tx, "prod") == list(evaluation.decisions)
        assert alerts.open_alerts(tx, "prod") == list(evaluation.alerts)
        (parcel,) = outbox.undelivered(tx)
    assert parcel.outgoing.message == evaluation.outgoing[0].message


def test_results_are_covered_once(store: Store) -> None:
    finish(store, begin(store, result(0)))

    assert len(look(store).result_ids) == 1
    assert look(store).result_ids == ()


def test_results_that_no_rule_watched_stay_covered_when_there_is_a_rule(store: Store) -> None:
    finish(store, begin(store, result(0)))
    nobody = replace(PLAN, escalation=Escalation())

    assert len(look(store, plan=nobody).result_ids) == 1
    assert look(store).result_ids == ()
    assert look(store).outgoing == ()


def test_an_alert_whose_rules_are_all_gone_is_closed(store: Store) -> None:
    finish(store, begin(store, result(0, readings=(usage(93),))))
    look(store)
    evaluation = look(store, plan=replace(PLAN, escalation=Escalation()), hours=2)

    assert [one.message.kind for one in evaluation.outgoing] == [Kind.RESOLVE]


def test_a_run_that_goes_on_is_left_to_itself(store: Store) -> None:
    begin(store, result(0))

    assert look(store).result_ids == ()
    assert len(look(store, run_id="run0").result_ids) == 1


def test_a_run_that_died_is_evaluated_by_the_next(store: Store) -> None:
    begin(store, result(0), process="gone long ago")
    with store.transaction() as tx:
        tx.execute(RUNS.update().values(heartbeat_at=START - timedelta(days=9)))
        (aborted,) = runs.abort_dead(tx)

    evaluation = look(store)

    assert aborted.state is State.ABORTED
    assert [one.message.kind for one in evaluation.outgoing] == [Kind.TRIGGER]


def test_another_environment_is_left_alone(store: Store) -> None:
    finish(store, begin(store, result(0, environment="staging")))

    assert look(store).result_ids == ()


def test_how_many_alerts_a_run_has_raised_is_counted(store: Store) -> None:
    finish(
        store, begin(store, result(0), result(0, target="web2"), result(0, "GREEN", target="web3"))
    )
    look(store)
    finish(store, begin(store, result(1, "GREEN")))
    look(store)

    assert raised(store) == [2, 0]


@pytest.mark.parametrize("mode", [Mode.DRY_RUN, Mode.OFF])
def test_when_nobody_could_be_told_nothing_is_counted(store: Store, mode: Mode) -> None:
    finish(store, begin(store, result(0)))
    look(store, plan=replace(PLAN, mode=mode))

    assert raised(store) == [None]
    assert look(store).result_ids == ()


def raised(store: Store) -> list[int | None]:
    with store.reading() as tx:
        rows = tx.execute(RUNS.select().order_by(RUNS.c.started_at)).mappings()
        return [row["escalations"] for row in rows]


def test_an_evaluation_that_fails_leaves_nothing(store: Store) -> None:
    finish(store, begin(store, result(0)))

    with suppress(ZeroDivisionError), open_book(store, "prod") as book:
        evaluate(book, PLAN, START)
        raise ZeroDivisionError

    with store.reading() as tx:
        assert alerts.open_alerts(tx) == []
        assert outbox.undelivered(tx) == []
    assert len(look(store).result_ids) == 1


def test_evaluations_at_once_tell_once(store: Store) -> None:
    for run in range(4):
        finish(store, begin(store, *(result(run, target=f"web{n}") for n in range(8))))

    threads = [threading.Thread(target=look, args=(store,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    with store.reading() as tx:
        keys = [one.outgoing.message.dedup_key for one in outbox.undelivered(tx)]
    assert len(keys) == len(set(keys)) == 8


def test_runs_that_interleave_end_like_runs_in_a_row(store: Store) -> None:
    """One after the other here, in each other's time there: the same alerts and messages."""
    plan = replace(
        PLAN,
        escalation=Escalation.model_validate(
            {
                "channels": {"pager": {"kind": "syslog"}},
                "rules": {
                    "down": {"when": ["RED"], "notify": ["pager"], "runs": 2, "group_above": 99}
                },
            }
        ),
    )
    results = [[result(run, target=f"web{n}") for n in range(5)] for run in range(2)]
    first, second = begin(store, *results[0]), begin(store, *results[1])
    finish(store, second)
    look(store, plan=plan)
    finish(store, first)
    late = look(store, plan=plan)

    with store.reading() as tx:
        phases = {one.key.target: (one.phase, one.episode) for one in alerts.open_alerts(tx)}
    assert phases == {f"web{n}": (Phase.FIRING, 1) for n in range(5)}
    assert sorted(one.message.target for one in late.outgoing) == [f"web{n}" for n in range(5)]


def test_silences_and_acknowledgements_end(store: Store) -> None:
    finish(store, begin(store, result(0)))
    look(store)
    until = START + timedelta(hours=5)
    silence = Silence(
        silence_id="s1",
        matcher=Matcher(target="web*"),
        starts_at=START,
        ends_at=until,
        author="ann",
        reason="works",
    )
    with store.transaction() as tx:
        (alert,) = alerts.open_alerts(tx)
        alerts.silence(tx, silence)
        acknowledgement = Acknowledgement(
            key=alert.key, episode=1, severity=Severity.CRITICAL, until=until, author="ann"
        )
        alerts.acknowledge(tx, acknowledgement, START)

    with open_book(store, "prod") as book:
        now, later = START + timedelta(hours=1), until + timedelta(seconds=1)
        assert book.silences(now) == [silence]
        assert book.acknowledgements(now) == [acknowledgement]
        assert book.silences(later) == []
        assert book.acknowledgements(later) == []


def test_a_secret_in_a_reason_is_not_written(store: Store) -> None:
    redaction.DEFAULT.register("s3cr3t-of-the-house")
    finish(store, begin(store, result(0, reason="refused: s3cr3t-of-the-house")))
    look(store)

    with store.reading() as tx:
        every = "".join(
            str(tx.exec_driver_sql(f"SELECT * FROM {table}").all())
            for table in ("alerts", "transitions", "escalations", "outbox", "results")
        )
    assert "s3cr3t" not in every
    assert "«redacted:" in every


# Proposals


def decided(episode: int = 1, rule: str = "down", command: str = "scale") -> Decision:
    key = AlertKey(environment="prod", target="web1", check_id="m/h", entry="", rule=rule)
    return Decision(
        key=key,
        episode=episode,
        run_id="run0",
        at=START,
        kind=Kind.TRIGGER,
        severity=Severity.CRITICAL,
        summary="x",
        command=(command,),
    )


def test_a_command_starts_once_an_episode_whatever_became_of_it(
    store: Store, set_clock: SetClock
) -> None:
    """Found started and not ended, it may have done its work: a person has to look."""
    assert StoredLedger(store).begin(decided(), 60.0)

    set_clock.advance(days=1)
    assert not StoredLedger(store).begin(decided(), 60.0)
    assert StoredLedger(store).begin(decided(episode=2), 60.0)


def test_the_same_command_waits_for_its_cooldown(store: Store, set_clock: SetClock) -> None:
    ledger = StoredLedger(store)
    ledger.begin(decided(), 60.0)

    assert not ledger.begin(decided(rule="other"), 60.0)
    assert ledger.begin(decided(rule="another", command="restart"), 60.0)
    set_clock.advance(seconds=61)
    assert ledger.begin(decided(rule="other"), 60.0)


def test_of_many_at_once_one_starts_it(store: Store) -> None:
    started: list[bool] = []

    def begin_it() -> None:
        started.append(StoredLedger(store).begin(decided(), 60.0))

    threads = [threading.Thread(target=begin_it) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(started) == [False, False, False, True]

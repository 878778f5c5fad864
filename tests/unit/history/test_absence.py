"""Runs that never came become results, and what was told can be told again; on both databases."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from pytest_ddd.alerts import Alert, AlertKey, Attempt, Delivery, Evaluation, Outgoing, Phase
from pytest_ddd.history import absence, occurrences, runs
from pytest_ddd.history.alerts import AlertBook
from pytest_ddd.history.expecting import BEFORE, remember
from pytest_ddd.history.outbox import StoredOutbox
from pytest_ddd.history.records import RunEnd, RunStart
from pytest_ddd.history.reposting import standing
from pytest_ddd.history.store import Store
from pytest_ddd.history.tally import Tally
from pytest_ddd.messages import Kind, Message, Severity
from pytest_ddd.outcomes import Outcome
from pytest_ddd.scenarios.schedule import Schedule

DUE = datetime(2026, 11, 25, 7, 30, tzinfo=UTC)
NAME = "morning-health-check"
DAILY = Schedule(scenario=NAME, zone=ZoneInfo("UTC"), times=(time(7, 30),))


def tell(store: Store, now: datetime) -> list[tuple[Outcome, str]]:
    with store.transaction() as tx:
        remember(tx, "prod", DAILY, now)
        found = absence.tell(tx, "prod", [NAME], now)
    return [(each.outcome, each.reason.rpartition(", ")[2]) for each in found]


def ran(store: Store, due: datetime, *, interrupted: bool = False) -> None:
    with store.transaction() as tx:
        start = RunStart(
            run_id=f"run-{due:%d}",
            environment="prod",
            scenario=NAME,
            kind="scheduled",
            due_at=due,
            started_at=due,
        )
        key = runs.begin(tx, start)
        end = RunEnd(
            finished_at=due, kind="scheduled", outcome=Outcome.GREEN, interrupted=interrupted
        )
        runs.finish(tx, key, end, Tally())


def test_a_missed_run_is_told_once_and_its_end_once(store: Store) -> None:
    assert tell(store, DUE) == []
    assert tell(store, DUE + timedelta(minutes=31)) == [(Outcome.RED, "did not begin in time")]
    assert tell(store, DUE + timedelta(hours=5)) == []
    ran(store, DUE + timedelta(days=1))

    assert tell(store, DUE + timedelta(days=1, minutes=5)) == [(Outcome.GREEN, "is done")]
    assert tell(store, DUE + timedelta(days=1, hours=5)) == []


def test_each_missed_run_is_told(store: Store) -> None:
    tell(store, DUE)
    found = [tell(store, DUE + timedelta(days=day, hours=1)) for day in range(3)]

    assert found == [[(Outcome.RED, "did not begin in time")]] * 3


def test_a_run_that_was_interrupted_is_told(store: Store) -> None:
    ran(store, DUE, interrupted=True)

    assert tell(store, DUE + timedelta(minutes=5)) == [(Outcome.RED, "began and was interrupted")]


def test_all_is_well_is_no_news(store: Store) -> None:
    ran(store, DUE)

    assert tell(store, DUE + timedelta(hours=1)) == []


def test_an_excuse_ends_what_was_told(store: Store) -> None:
    tell(store, DUE)
    tell(store, DUE + timedelta(hours=1))
    with store.transaction() as tx:
        (missed,) = occurrences.between(tx, DUE, DUE + timedelta(seconds=1), "prod", NAME)
        occurrences.excuse(tx, replace(missed, excuse="a move", excused_by="ann"))

    assert tell(store, DUE + timedelta(hours=2)) == [(Outcome.GREEN, "is excused")]


def test_what_was_due_before_anybody_looked_is_excused(store: Store) -> None:
    with store.transaction() as tx:
        remember(tx, "prod", DAILY, DUE + timedelta(hours=3))
        (found,) = occurrences.between(tx, DUE, DUE + timedelta(seconds=1), "prod", NAME)

    assert found.excuse == BEFORE


MESSAGE = Message(
    message_id="1",
    kind=Kind.TRIGGER,
    severity=Severity.CRITICAL,
    dedup_key="ddd/prod/web1/x/y",
    summary="down",
    environment="prod",
    occurred_at=DUE,
)


def send(store: Store, message: Message, at: datetime, state: Delivery) -> None:
    """Put a message into the outbox and settle it; open or close its alert."""
    is_open = message.kind is not Kind.RESOLVE
    alert = Alert(
        key=AlertKey(environment="prod", target="web1", check_id="x", entry="", rule="y"),
        phase=Phase.FIRING if is_open else Phase.OK,
        announced_as=message.dedup_key if is_open else "",
    )
    outgoing = Outgoing(message=message, channel="alerts")
    with store.transaction() as tx:
        AlertBook(tx, "prod").save(Evaluation(alerts=(alert,), outgoing=(outgoing,)), at)
    outbox = StoredOutbox(store, environment="prod")
    parcel = outbox.claim(["alerts"], now=at, lease_s=60)
    assert parcel is not None
    outbox.settle(Attempt(parcel=parcel, at=at, state=state, next_at=at))


def again(store: Store, now: datetime, channel: str = "alerts") -> list[Kind]:
    with store.reading() as tx:
        return [message.kind for message in standing(tx, "prod", channel, now)]


def test_what_stands_is_said_again_as_long_as_it_stands(store: Store) -> None:
    send(store, MESSAGE, DUE, Delivery.DELIVERED)
    send(store, replace(MESSAGE, kind=Kind.REMIND), DUE, Delivery.DELIVERED)

    assert again(store, DUE + timedelta(days=3)) == [Kind.REMIND]
    assert again(store, DUE, channel="others") == []


def test_an_end_is_said_again_for_a_quarter_of_an_hour(store: Store) -> None:
    send(store, MESSAGE, DUE, Delivery.DELIVERED)
    send(store, replace(MESSAGE, kind=Kind.RESOLVE), DUE, Delivery.DELIVERED)

    assert again(store, DUE + timedelta(minutes=14)) == [Kind.RESOLVE]
    assert again(store, DUE + timedelta(minutes=16)) == []


def test_what_is_on_its_way_is_left_to_the_outbox(store: Store) -> None:
    send(store, MESSAGE, DUE, Delivery.PENDING)

    assert again(store, DUE) == []

"""The outbox on SQLite and on PostgreSQL: nothing is lost, and nothing comes twice unless told."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from sqlalchemy import select

from pytest_ddd.alerts import Delivery, Outgoing
from pytest_ddd.escalation.flushing import flush
from pytest_ddd.history import outbox
from pytest_ddd.history.alert_tables import DELIVERIES, OUTBOX
from pytest_ddd.history.outbox import StoredOutbox
from pytest_ddd.history.store import Store
from pytest_ddd.messages import Kind, NotNowError
from tests.support.flusher import pager
from tests.support.http_service import Reply
from tests.support.pagerduty import KEY
from tests.unit.escalation.conftest import START, Duty, SetClock
from tests.unit.escalation.delivering import Heard, message, one_round, put, states

DOWN = Reply(status=500)


def test_a_pager_that_is_down_for_six_rounds_loses_nothing(
    store: Store, duty: Duty, set_clock: SetClock
) -> None:
    put(store, message(), message(kind=Kind.RESOLVE))
    duty.pagerduty.trouble = [DOWN] * 99

    for _ in range(6):
        one_round(store, duty.url)
        set_clock.advance(minutes=16)
    assert len(duty.service.asked) >= 6
    assert duty.pagerduty.log == []
    duty.pagerduty.trouble.clear()
    one_round(store, duty.url)

    assert duty.pagerduty.log == ["trigger ddd/prod/web0", "resolve ddd/prod/web0"]
    assert states(store) == [Delivery.DELIVERED, Delivery.DELIVERED]


def test_every_attempt_is_written_down(store: Store, duty: Duty, set_clock: SetClock) -> None:
    put(store, message())
    duty.pagerduty.trouble = [DOWN]

    one_round(store, duty.url)
    set_clock.advance(minutes=16)
    one_round(store, duty.url)

    with store.reading() as tx:
        rows = tx.execute(select(DELIVERIES.c.state, DELIVERIES.c.error)).all()
    assert [row.state for row in rows] == [Delivery.PENDING, Delivery.DELIVERED]
    assert "500" in rows[0].error


def test_what_is_refused_is_dead_and_stays_visible(
    store: Store, duty: Duty, set_clock: SetClock
) -> None:
    put(store, message())
    duty.pagerduty.trouble = [Reply(status=400, body=b'{"errors": ["no such integration"]}')]

    one_round(store, duty.url)
    set_clock.advance(days=3)
    one_round(store, duty.url)

    (parcel,) = StoredOutbox(store).undelivered()
    assert parcel.state is Delivery.DEAD
    assert len(duty.service.asked) == 1


def test_a_server_that_says_when_is_asked_then(
    store: Store, duty: Duty, set_clock: SetClock
) -> None:
    put(store, message())
    duty.pagerduty.trouble = [Reply(status=429, headers={"Retry-After": "7"})]

    one_round(store, duty.url, budget_s=20.0)

    assert set_clock.waits == [7.0]
    assert states(store) == [Delivery.DELIVERED]


def test_a_server_that_says_never_is_asked_within_a_day(store: Store, set_clock: SetClock) -> None:
    put(store, message())
    never = Heard(fails=NotNowError("in ten years", retry_after_s=1e300))

    flush(StoredOutbox(store), {"pager": never}, budget_s=1.0)

    (parcel,) = StoredOutbox(store).undelivered()
    assert parcel.next_at == START + timedelta(days=1)


def test_a_dead_trigger_leaves_nothing_to_resolve(
    store: Store, duty: Duty, set_clock: SetClock
) -> None:
    put(store, message(), message(kind=Kind.RESOLVE))
    duty.pagerduty.trouble = [Reply(status=400)]

    one_round(store, duty.url)

    assert states(store) == [Delivery.DEAD, Delivery.SUPERSEDED]
    assert duty.pagerduty.log == []


def test_a_dead_reminder_does_not_keep_the_resolve_back(
    store: Store, duty: Duty, set_clock: SetClock
) -> None:
    put(store, message())
    one_round(store, duty.url)
    put(store, message(kind=Kind.REMIND), message(kind=Kind.RESOLVE))
    duty.pagerduty.trouble = [Reply(status=400)]

    one_round(store, duty.url)

    assert states(store) == [Delivery.DELIVERED, Delivery.DEAD, Delivery.DELIVERED]
    assert duty.pagerduty.incidents == {}


def test_retrying_sends_the_trigger_and_what_followed(
    store: Store, duty: Duty, set_clock: SetClock
) -> None:
    put(store, message(), message(kind=Kind.RESOLVE))
    duty.pagerduty.trouble = [Reply(status=400)]
    one_round(store, duty.url)

    with store.transaction() as tx:
        outbox.retry(tx, (), set_clock.now)
    one_round(store, duty.url)

    assert duty.pagerduty.log == ["trigger ddd/prod/web0", "resolve ddd/prod/web0"]


def test_a_dropped_message_is_not_undelivered(
    store: Store, duty: Duty, set_clock: SetClock
) -> None:
    put(store, message())
    duty.pagerduty.trouble = [Reply(status=400)]
    one_round(store, duty.url)

    with store.transaction() as tx:
        dropped = outbox.drop(tx, [one.parcel_id for one in StoredOutbox(store).undelivered()])

    assert [one.state for one in dropped] == [Delivery.DEAD]
    assert StoredOutbox(store).undelivered() == []


def test_what_is_dead_falls_back_at_once_and_its_end_follows(
    store: Store, duty: Duty, set_clock: SetClock
) -> None:
    put(store, message(), message(kind=Kind.RESOLVE), fallback=("log",), fallback_after_s=120.0)
    duty.pagerduty.trouble = [Reply(status=400)]
    heard = Heard()

    flush(StoredOutbox(store), {"pager": pager(duty.url), "log": heard}, budget_s=5.0)

    assert [one.kind for one in heard.messages] == [Kind.TRIGGER, Kind.RESOLVE]
    assert "not delivered through pager" in heard.messages[0].details["fallback"]


def test_what_is_slow_falls_back_when_its_time_is_over(
    store: Store, duty: Duty, set_clock: SetClock
) -> None:
    put(store, message(), fallback=("log",), fallback_after_s=120.0)
    duty.pagerduty.trouble = [DOWN] * 99
    heard, counts = Heard(), []
    channels = {"pager": pager(duty.url), "log": heard}

    for _ in range(3):
        flush(StoredOutbox(store), channels, budget_s=1.0)
        counts.append(len(heard.messages))
        set_clock.advance(seconds=110)

    assert counts[0] == 0
    assert counts[-1] == 1


def test_after_a_day_it_is_dead(store: Store, duty: Duty, set_clock: SetClock) -> None:
    put(store, message())
    duty.pagerduty.trouble = [DOWN] * 9

    set_clock.advance(hours=25)
    one_round(store, duty.url)

    (parcel,) = StoredOutbox(store).undelivered()
    assert parcel.state is Delivery.DEAD
    assert "24 hours" in parcel.error


def test_a_channel_that_is_down_does_not_hold_up_the_others(
    store: Store, duty: Duty, set_clock: SetClock
) -> None:
    put(store, *(message(number) for number in range(8)))
    heard = Heard()
    with store.transaction() as tx:
        outbox.put(tx, [Outgoing(message=message(9), channel="log")], START)
    duty.pagerduty.trouble = [DOWN] * 99

    flush(StoredOutbox(store), {"pager": pager(duty.url), "log": heard}, budget_s=20.0)

    assert len(heard.messages) == 1
    assert len(duty.service.asked) == 3


def test_a_channel_that_this_process_does_not_know_waits_for_one_that_does(
    store: Store, duty: Duty, set_clock: SetClock
) -> None:
    put(store, message())

    flush(StoredOutbox(store), {"other": Heard()}, budget_s=5.0)

    assert states(store) == [Delivery.PENDING]


def test_a_broken_channel_of_a_user_is_tried_again(store: Store, set_clock: SetClock) -> None:
    put(store, message())

    flush(StoredOutbox(store), {"pager": Heard(fails=ZeroDivisionError("oh"))}, budget_s=1.0)

    (parcel,) = StoredOutbox(store).undelivered()
    assert (parcel.state, parcel.error) == (Delivery.PENDING, "ZeroDivisionError: oh")


def test_no_key_is_written_down(
    store: Store, duty: Duty, tmp_path: Path, set_clock: SetClock
) -> None:
    put(store, message(), message(1))
    duty.pagerduty.trouble = [Reply(status=400, body=KEY.encode()), Reply(status=500)]

    one_round(store, duty.url)

    with store.reading() as tx:
        every = [repr(tx.execute(select(table)).all()) for table in (OUTBOX, DELIVERIES)]
    assert KEY not in "".join(every)
    assert all(KEY.encode() not in file.read_bytes() for file in tmp_path.glob("history*"))

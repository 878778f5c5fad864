"""The outbox on SQLite and on PostgreSQL: nothing is lost, and nothing comes twice unless told."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from pytest_ddd import clock
from pytest_ddd.alerts import Attempt, Delivery, Outgoing
from pytest_ddd.escalation.flushing import LEASE_S, Flushed, flush
from pytest_ddd.history import outbox
from pytest_ddd.history.alert_tables import DELIVERIES, OUTBOX
from pytest_ddd.history.outbox import StoredOutbox
from pytest_ddd.history.store import Store
from pytest_ddd.messages import Kind, Message, NotNowError, Severity
from tests.support.flusher import KEY_NAME, pager
from tests.support.http_service import Reply, Service, http_service
from tests.support.pagerduty import KEY, PagerDuty
from tests.unit.escalation.conftest import START, SetClock

ROOT = Path(__file__).parents[3]
DOWN = Reply(status=500)


def message(number: int = 0, kind: Kind = Kind.TRIGGER) -> Message:
    return Message(
        message_id=f"{kind.value}-{number}",
        kind=kind,
        severity=Severity.CRITICAL,
        dedup_key=f"ddd/prod/web{number}",
        summary=f"web{number} is down",
        environment="prod",
        occurred_at=START,
    )


def put(store: Store, *messages: Message, fallback=(), fallback_after_s=None) -> None:
    found = [
        Outgoing(
            message=one,
            channel="pager",
            fallback=fallback,
            fallback_after_s=fallback_after_s,
        )
        for one in messages
    ]
    with store.transaction() as tx:
        outbox.put(tx, found, START)


def states(store: Store) -> list[str]:
    with store.reading() as tx:
        return list(tx.execute(select(OUTBOX.c.state).order_by(OUTBOX.c.id)).scalars())


def one_round(store: Store, url: str, budget_s: float = 1.0) -> Flushed:
    return flush(StoredOutbox(store), {"pager": pager(url)}, budget_s=budget_s)


@dataclass
class Duty:
    """The stand-in of PagerDuty and where it listens."""

    service: Service
    pagerduty: PagerDuty

    @property
    def url(self) -> str:
        return self.service.url


@pytest.fixture
def duty(monkeypatch: pytest.MonkeyPatch) -> Iterator[Duty]:
    monkeypatch.setenv(KEY_NAME, KEY)
    pagerduty = PagerDuty()
    with http_service(pagerduty) as service:
        yield Duty(service, pagerduty)


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


def test_a_lost_lease_is_noticed(store: Store, set_clock: SetClock) -> None:
    put(store, message())
    box, other = StoredOutbox(store), StoredOutbox(store)

    def somebody_takes_it() -> None:
        set_clock.advance(seconds=LEASE_S + 1)
        assert other.claim(["pager"], now=set_clock.now, lease_s=LEASE_S) is not None

    flushed = flush(box, {"pager": Heard(before=somebody_takes_it)}, budget_s=1.0)

    assert flushed.lost == 1
    assert states(store) == [Delivery.INFLIGHT]


def test_what_another_process_is_sending_is_waited_for(
    store: Store, duty: Duty, set_clock: SetClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run that ends meanwhile does not say that the message has not arrived."""
    put(store, message())
    other = StoredOutbox(store)
    parcel = other.claim(["pager"], now=clock.now(), lease_s=LEASE_S)
    assert parcel is not None

    def wait(seconds: float) -> None:
        set_clock.wait(seconds)
        other.settle(Attempt(parcel=parcel, at=clock.now(), state=Delivery.DELIVERED))

    monkeypatch.setattr(clock, "wait", wait)

    assert one_round(store, duty.url, budget_s=20.0) == Flushed()
    assert (states(store), duty.service.asked) == ([Delivery.DELIVERED], [])


def test_a_dead_sender_is_waited_for_no_longer_than_the_budget(
    store: Store, duty: Duty, set_clock: SetClock
) -> None:
    """Its lease lasts longer: the message is told as not arrived, and the next run sends it."""
    put(store, message())
    StoredOutbox(store).claim(["pager"], now=clock.now(), lease_s=LEASE_S)

    assert one_round(store, duty.url, budget_s=5.0) == Flushed()
    assert set_clock.monotonic() <= 5.0
    assert states(store) == [Delivery.INFLIGHT]
    set_clock.advance(seconds=LEASE_S)
    assert one_round(store, duty.url).delivered == 1


def test_four_flushers_send_three_hundred_messages_once_each(
    store: Store, history_url: str, duty: Duty
) -> None:
    put(store, *(message(number) for number in range(300)))

    flushers = [start_flusher(history_url, duty.url) for _ in range(4)]
    ended = [(one.communicate(timeout=300), one.returncode) for one in flushers]

    assert [code for _, code in ended] == [0, 0, 0, 0], ended
    assert Counter(duty.pagerduty.log) == {f"trigger ddd/prod/web{n}": 1 for n in range(300)}
    assert set(states(store)) == {Delivery.DELIVERED}


def test_killed_between_sending_and_marking_sends_once_more_with_the_same_identity(
    store: Store, history_url: str, duty: Duty
) -> None:
    put(store, message())
    killed = start_flusher(history_url, duty.url, "--die")
    killed.communicate(timeout=120)
    assert killed.returncode == -9
    (held,) = StoredOutbox(store).undelivered()
    assert held.state is Delivery.INFLIGHT

    box, held_until = StoredOutbox(store), clock.now() + timedelta(seconds=LEASE_S)

    early = box.claim(["pager"], now=clock.now(), lease_s=LEASE_S)
    late = box.claim(["pager"], now=held_until, lease_s=LEASE_S)

    assert early is None
    assert late is not None
    assert late.outgoing.message == message()
    pager(duty.url).send(late.outgoing.message, timeout_s=10)
    assert duty.pagerduty.log == ["trigger ddd/prod/web0"] * 2
    first, second = (one.body for one in duty.service.asked)
    assert first == second


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


def start_flusher(*args: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "tests.support.flusher", *args],
        cwd=ROOT,
        env={**os.environ, KEY_NAME: KEY},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


class Heard:
    """A channel in memory."""

    def __init__(self, *, fails: Exception | None = None, before=None) -> None:
        self.messages: list[Message] = []
        self._fails, self._before = fails, before

    def send(self, message: Message, *, timeout_s: float) -> None:
        if self._before is not None:
            self._before()
        if self._fails is not None:
            raise self._fails
        self.messages.append(message)

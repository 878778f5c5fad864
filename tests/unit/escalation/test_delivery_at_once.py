"""Several processes send from one outbox: each message once, also when one of them dies."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest

from pytest_ddd import clock
from pytest_ddd.alerts import Attempt, Delivery
from pytest_ddd.escalation.flushing import LEASE_S, Flushed, flush
from pytest_ddd.history.outbox import StoredOutbox
from pytest_ddd.history.store import Store
from tests.support.flusher import KEY_NAME, pager
from tests.support.pagerduty import KEY
from tests.unit.escalation.conftest import Duty, SetClock
from tests.unit.escalation.delivering import Heard, message, one_round, put, states

ROOT = Path(__file__).parents[3]


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


def start_flusher(*args: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "tests.support.flusher", *args],
        cwd=ROOT,
        env={**os.environ, KEY_NAME: KEY},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )

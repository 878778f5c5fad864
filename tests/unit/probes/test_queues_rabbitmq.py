"""Queues of a real RabbitMQ, read by its management API."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from pytest_ddd import clock
from pytest_ddd.probes import queues
from tests.lab.net import free_port
from tests.lab.svc.rabbitmq import BEHIND_S, PASSWORD, USER, Rabbit
from tests.lab.svc.tls import Authority
from tests.support.http_servers import answer, replying, server_context, serving, silent
from tests.support.shipped import GREEN, RED, UNKNOWN, YELLOW, Verdict, run, scope_of

pytestmark = pytest.mark.needs("rabbitmq")
Look = Callable[..., Verdict]
LONG_AGO = timedelta(hours=1)


@pytest.fixture
def look(rabbit: Rabbit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Look]:
    monkeypatch.setenv("MQ_PASSWORD", PASSWORD)
    with ExitStack() as stack:

        def ask(
            queue: str, limits: str = "", *, more: str = "", ago: timedelta = LONG_AGO
        ) -> Verdict:
            server = (
                f"{{url: '{rabbit.url()}', user: {USER}, password: {{env: MQ_PASSWORD}}{more}}}"
            )
            text = f"queues:\n  {queue}:\n    rabbitmq: {server}\n    depth: {{warn: 3, crit: 5}}\n    {limits}\n"
            started_at: datetime = clock.now() - ago
            scope = stack.enter_context(
                scope_of(tmp_path / "baselines", text, started_at=started_at)
            )
            [one] = queues.entries(scope)
            return checked(one)

        yield ask


@pytest.fixture
def mails(rabbit: Rabbit) -> Iterator[str]:
    rabbit.declare("mails")
    for key, value in (("messages", 0), ("consumers", 0), ("state", "running")):
        rabbit.shows("mails", key, value)  # it tells of a new queue bit by bit
    yield "mails"
    rabbit.delete("mails")


def test_depth_turns_yellow_and_red_and_heals(look, rabbit, mails):
    healthy = look(mails)
    rabbit.publish(mails, 3)
    rabbit.shows(mails, "messages", 3)
    warned = look(mails)
    rabbit.publish(mails, 2)
    rabbit.shows(mails, "messages", 5)
    broken = look(mails)
    rabbit.purge(mails)
    rabbit.shows(mails, "messages", 0)

    assert [healthy.outcome, warned.outcome, broken.outcome] == [GREEN, YELLOW, RED]
    assert "mails depth 5 >= crit 5" in broken.text
    assert look(mails).outcome is GREEN


def test_what_was_published_before_the_run_is_seen(look, rabbit, mails):
    """The API shows old numbers, so the probe waits until they are of this run."""
    rabbit.publish(mails, 5)

    assert look(mails, more=f", settle: {BEHIND_S + 10}s", ago=timedelta(0)).outcome is RED


def test_no_consumer_is_red_and_healed(look, rabbit, mails):
    broken = look(mails, "consumers: {warn: 1, crit: 0}")
    with rabbit.consumer(mails):
        rabbit.shows(mails, "consumers", 1)
        one = look(mails, "consumers: {warn: 1, crit: 0}")
        healed = look(mails, "consumers: {crit: 0}")

    assert broken.outcome is RED
    assert "mails consumers 0 <= crit 0" in broken.text
    assert (one.outcome, healed.outcome) == (YELLOW, GREEN)


def test_the_oldest_message_is_red_and_healed(look, rabbit, mails):
    empty = look(mails, "age: {crit: 10m}")
    sent = int(clock.now().timestamp()) - 700
    rabbit.publish(mails, 1, timestamp=sent)
    rabbit.shows(mails, "messages", 1)
    rabbit.shows(mails, "head_message_timestamp", sent)
    broken = look(mails, "age: {crit: 10m}")
    rabbit.purge(mails)
    rabbit.shows(mails, "messages", 0)

    assert (empty.outcome, look(mails, "age: {crit: 10m}").outcome) == (GREEN, GREEN)
    assert broken.outcome is RED
    assert "mails age 1" in broken.text


def test_a_message_without_a_time_has_no_age(look, rabbit, mails):
    rabbit.publish(mails, 1)
    rabbit.shows(mails, "messages", 1)

    verdict = look(mails, "age: {crit: 10m}")
    assert verdict.outcome is UNKNOWN
    assert "carries no timestamp" in verdict.text


def test_an_absent_queue_is_red(look):
    assert "there is no queue gone" in look("gone").text
    assert look("gone").outcome is RED
    missing = look("gone", more=", vhost: none")
    assert (missing.outcome, "no virtual host none" in missing.text) == (RED, True)


def test_a_wrong_password_is_unknown(look, mails, monkeypatch):
    monkeypatch.setenv("MQ_PASSWORD", "wrong")

    verdict = look(mails)
    assert verdict.outcome is UNKNOWN
    assert "refuses the credentials (status 401)" in verdict.text


def test_a_broker_that_is_down_is_unknown(look, mails, monkeypatch, rabbit):
    monkeypatch.setattr(rabbit, "url", lambda: f"http://127.0.0.1:{free_port()}")

    verdict = look(mails)
    assert (verdict.outcome, "connection refused" in verdict.text) == (UNKNOWN, True)
    monkeypatch.undo()
    monkeypatch.setenv("MQ_PASSWORD", PASSWORD)
    assert look(mails).outcome is GREEN


@pytest.mark.needs("openssl")
def test_tls_of_somebody_else_is_refused(tmp_path, monkeypatch, authority, ledger):
    monkeypatch.setenv("MQ_PASSWORD", PASSWORD)
    other = Authority(ledger.dir / "rabbit-other-ca", "Another root")
    pair = authority.issue("localhost")
    queue = [{"name": "q", "messages": 0, "consumers": 1, "state": "running"}]
    told = replying(answer(json.dumps(queue).encode()))
    outcomes = []
    for trusted in (other, authority):
        with serving(told, tls=server_context(pair.cert, pair.key)) as broker:
            url = broker.url.replace("127.0.0.1", "localhost")
            server = (
                f"{{url: '{url}', user: x, password: {{env: MQ_PASSWORD}}, ca: {trusted.cert}}}"
            )
            text = f"queues:\n  q: {{rabbitmq: {server}, depth: {{crit: 1}}}}\n"
            started_at = clock.now() - LONG_AGO
            with scope_of(tmp_path / "tls", text, started_at=started_at) as scope:
                outcomes.append(checked(*queues.entries(scope)).outcome)

    assert outcomes == [UNKNOWN, GREEN]


def test_a_frozen_broker_is_unknown_at_its_deadline(look, rabbit, mails):
    with rabbit.frozen():
        verdict = look(mails, more=", deadline: 1s")

    assert verdict.outcome is UNKNOWN
    assert "no answer within 1 s" in verdict.text
    assert look(mails).outcome is GREEN


def test_many_queues_share_one_request(tmp_path, monkeypatch):
    """Also when there is no answer: all of them wait for one deadline, not each for its own."""
    monkeypatch.setenv("MQ_PASSWORD", PASSWORD)
    with serving(silent) as broker:
        server = f"{{url: '{broker.url}', user: x, password: {{env: MQ_PASSWORD}}, deadline: 1s}}"
        names = [f"q{number}" for number in range(50)]
        lines = [f"  {name}: {{rabbitmq: {server}, depth: {{crit: 1}}}}\n" for name in names]
        text, started_at = "queues:\n" + "".join(lines), clock.now() - LONG_AGO
        with (
            scope_of(tmp_path / "baselines", text, started_at=started_at) as scope,
            ThreadPoolExecutor(8) as pool,
        ):
            verdicts = list(pool.map(checked, queues.entries(scope)))

    assert {verdict.outcome for verdict in verdicts} == {UNKNOWN}
    assert all("no answer within 1 s" in verdict.text for verdict in verdicts)
    assert broker.connections < 25


def checked(queue: queues.Queue) -> Verdict:
    return run("end_of_day_validation", "test_queue_depths", queue)

"""Lists and streams of a real Redis."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest

from pytest_ddd import clock
from pytest_ddd.probes import queues
from tests.lab.svc.redis import PASSWORD, RedisServer
from tests.lab.svc.tls import Authority
from tests.support.http_servers import serving, silent
from tests.support.shipped import GREEN, RED, UNKNOWN, YELLOW, Verdict, run, scope_of

pytestmark = pytest.mark.needs("redis")
Look = Callable[..., Verdict]


def checked(queue: queues.Queue) -> Verdict:
    return run("end_of_day_validation", "test_queue_depths", queue)


@pytest.fixture
def look(
    redis_server: RedisServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Look]:
    monkeypatch.setenv("REDIS_PASSWORD", PASSWORD)
    redis_server.run("FLUSHALL")
    with ExitStack() as stack:

        def ask(where: str, limits: str = "", *, url: str = "", more: str = "") -> Verdict:
            server = f"{{url: '{url or redis_server.url()}', password: {{env: REDIS_PASSWORD}}, {where}{more}}}"
            text = f"queues:\n  mails:\n    redis: {server}\n    depth: {{warn: 3, crit: 5}}\n    {limits}\n"
            scope = stack.enter_context(scope_of(tmp_path / "baselines", text))
            return checked(*queues.entries(scope))

        yield ask


def test_a_list_turns_yellow_and_red_and_heals(look, redis_server):
    healthy = look("list: mails")
    redis_server.run("RPUSH", "mails", "a", "b", "c")
    warned = look("list: mails")
    redis_server.run("RPUSH", "mails", "d", "e")
    broken = look("list: mails")
    redis_server.run("DEL", "mails")

    assert [healthy.outcome, warned.outcome, broken.outcome] == [GREEN, YELLOW, RED]
    assert "how Redis keeps an empty list" in healthy.text
    assert look("list: mails").outcome is GREEN


def test_a_stream_with_old_entries_is_red_and_healed(look, redis_server):
    old_ms = int(clock.now().timestamp() * 1000) - 700_000
    redis_server.run("XADD", "mails", f"{old_ms}-0", "k", "v")
    broken = look("stream: mails", "age: {crit: 10m}")
    redis_server.run("XTRIM", "mails", "MAXLEN", "0")

    assert broken.outcome is RED
    assert "mails age 11m" in broken.text
    assert look("stream: mails", "age: {crit: 10m}").outcome is GREEN


def test_a_group_counts_what_it_has_not_acknowledged(look, redis_server):
    old_ms = int(clock.now().timestamp() * 1000) - 700_000
    for number in range(5):
        redis_server.run("XADD", "mails", f"{old_ms}-{number}", "k", "v")
    redis_server.run("XGROUP", "CREATE", "mails", "senders", "0")
    limits = "age: {crit: 10m}\n    consumers: {crit: 0}"
    untouched = look("stream: mails, group: senders", limits)
    redis_server.run("XREADGROUP", "GROUP", "senders", "one", "COUNT", "5", "STREAMS", "mails", ">")
    taken = look("stream: mails, group: senders", limits)
    redis_server.run("XACK", "mails", "senders", *(f"{old_ms}-{number}" for number in range(5)))
    done = look("stream: mails, group: senders", limits)

    assert untouched.outcome is RED
    assert "mails depth 5 >= crit 5" in untouched.text
    assert "mails consumers 0 <= crit 0" in untouched.text
    assert "5 not delivered, 0 delivered" in untouched.text
    assert "0 not delivered, 5 delivered" in taken.text
    assert "mails age 11m" in taken.text
    assert done.outcome is GREEN, done.text


@pytest.mark.parametrize(
    ("where", "words"),
    [
        ("stream: gone", "there is no stream gone"),
        ("stream: mails, group: gone", "has no group gone"),
    ],
)
def test_what_is_absent_is_red(look, redis_server, where, words):
    redis_server.run("XADD", "mails", "*", "k", "v")

    verdict = look(where)
    assert (verdict.outcome, words in verdict.text) == (RED, True), verdict.text


def test_ids_that_are_no_times_have_no_age(look, redis_server):
    redis_server.run("XADD", "mails", "1-1", "k", "v")

    assert look("stream: mails").outcome is GREEN
    assert look("stream: mails", "age: {crit: 10m}").outcome is UNKNOWN


def test_a_group_that_nobody_can_count_is_unknown(look, redis_server):
    for number in range(1, 4):
        redis_server.run("XADD", "mails", f"{number}-0", "k", "v")
    redis_server.run("XGROUP", "CREATE", "mails", "senders", "1-0")
    redis_server.run("XDEL", "mails", "2-0")

    verdict = look("stream: mails, group: senders")
    assert (verdict.outcome, "cannot tell how far" in verdict.text) == (UNKNOWN, True)


def test_something_else_is_unknown(look, redis_server):
    redis_server.run("SET", "mails", "text")

    verdict = look("list: mails")
    assert (verdict.outcome, "WRONGTYPE" in verdict.text) == (UNKNOWN, True)


def test_a_wrong_password_is_unknown_and_healed(look, monkeypatch):
    monkeypatch.setenv("REDIS_PASSWORD", "wrong")
    broken = look("list: mails")
    monkeypatch.setenv("REDIS_PASSWORD", PASSWORD)

    assert broken.outcome is UNKNOWN
    assert "where `password` of this queue points" in broken.text
    assert look("list: mails").outcome is GREEN


def test_a_server_that_is_down_is_unknown_and_healed(look, redis_server):
    redis_server.stop()
    try:
        broken = look("list: mails")
    finally:
        redis_server.start()

    assert (broken.outcome, "refused" in broken.text) == (UNKNOWN, True)
    assert look("list: mails").outcome is GREEN


def test_a_frozen_server_is_unknown_at_its_deadline(look, redis_server):
    with redis_server.frozen():
        broken = look("list: mails", more=", timeout: 1s")

    assert broken.outcome is UNKNOWN
    assert "imeout" in broken.text
    assert look("list: mails").outcome is GREEN


def test_tls_of_somebody_else_is_refused(look, redis_server, ledger, authority):
    other = Authority(ledger.dir / "redis-other-ca", "Another root")
    url = redis_server.url(tls=True)
    broken = look("list: mails", url=url, more=f", ca: {other.cert}")

    assert broken.outcome is UNKNOWN
    assert "certificate verify failed" in broken.text
    assert look("list: mails", url=url, more=f", ca: {authority.cert}").outcome is GREEN


def test_a_server_that_is_silent_is_not_asked_for_each_queue(tmp_path, monkeypatch):
    monkeypatch.setenv("REDIS_PASSWORD", PASSWORD)
    with serving(silent) as server:
        where = f"url: 'redis://127.0.0.1:{server.port}', password: {{env: REDIS_PASSWORD}}"
        lines = [
            f"  q{n}: {{redis: {{{where}, timeout: 1s, list: q{n}}}, depth: {{crit: 1}}}}\n"
            for n in range(64)
        ]
        with (
            scope_of(tmp_path / "baselines", "queues:\n" + "".join(lines)) as scope,
            ThreadPoolExecutor(8) as pool,
        ):
            verdicts = list(pool.map(checked, queues.entries(scope)))

    assert {verdict.outcome for verdict in verdicts} == {UNKNOWN}
    assert server.connections < 32

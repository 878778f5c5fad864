"""Endpoints: the answers that are green, and the faults that are not."""

from __future__ import annotations

import gzip
import zlib

import pytest

from pytest_ddd import clock
from pytest_ddd.outcomes import Outcome
from tests.lab.net import free_port
from tests.support.http_servers import (
    answer,
    closing,
    dripping,
    endless,
    replying,
    resetting,
    serving,
    silent,
)
from tests.support.http_verdict import check, endpoint_of

WHERE = "baselines/prod/endpoints.yaml"
SURELY_S = 15
"""Far more than any deadline here, far less than what they keep from happening."""


def red(problems: tuple[str, ...], *expected: str) -> None:
    assert problems == expected


def test_a_healthy_answer_is_green():
    with serving(replying(answer())) as server:
        verdict = check(endpoint_of(f"{server.url}/health", json={"status": "healthy"}))

    assert verdict.outcome is Outcome.GREEN
    assert verdict.problems == ()


def test_everything_that_was_looked_at_is_a_reading_with_what_was_expected():
    with serving(replying(answer())) as server:
        url = f"{server.url}/health"
        verdict = check(endpoint_of(url, json={"status": "healthy"}, body="heal"))

    assert verdict.answer is not None
    seen = [(reading.name, reading.value, reading.expected) for reading in verdict.answer.readings]
    assert seen[1:] == [
        ("shop status", 200, "200"),
        ("shop json status", "healthy", '"healthy"'),
        ("shop body", "heal", "~heal"),
    ]
    assert seen[0][0] == "shop latency"


def test_the_status_reading_carries_the_answer_and_its_digest():
    with serving(replying(answer(b"hello"))) as server:
        verdict = check(endpoint_of(server.url))

    assert verdict.answer is not None
    status = verdict.answer.readings[1]
    assert status.detail == "hello"
    assert status.digest == "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"
    assert status.source == f"GET {server.url}"


def test_a_500_is_red():
    with serving(replying(answer(b"", status="500 Oh"))) as server:
        url = f"{server.url}/health"
        verdict = check(endpoint_of(url, status=200))

    assert verdict.outcome is Outcome.RED
    red(verdict.problems, f"{url}: status 500, expected 200 ({WHERE}:5)")


def test_wrong_json_is_red():
    with serving(replying(answer(b'{"status": "degraded"}'))) as server:
        url = f"{server.url}/health"
        verdict = check(endpoint_of(url, json={"status": "healthy"}))

    assert verdict.outcome is Outcome.RED
    red(verdict.problems, f'{url}: json status is "degraded", expected "healthy" ({WHERE}:6)')


def test_a_page_instead_of_json_is_red():
    with serving(replying(answer(b"<html>Sorry"))) as server:
        verdict = check(endpoint_of(server.url, json={"status": "healthy"}))

    words = 'answer is not JSON: Expecting value at line 1 column 1; it begins "<html>Sorry"'
    assert verdict.outcome is Outcome.RED
    red(verdict.problems, f"{server.url}: {words} ({WHERE}:5)")


@pytest.mark.parametrize(
    ("limits", "outcome", "words"),
    [
        ({"warn": "10ms", "crit": "5s"}, Outcome.YELLOW, f">= warn 10 ms ({WHERE}:6)"),
        ({"warn": "10ms", "crit": "20ms"}, Outcome.RED, f">= crit 20 ms ({WHERE}:7)"),
    ],
)
def test_a_slow_answer_is_judged_by_its_latency(limits, outcome, words):
    with serving(dripping(answer(), interval_s=0.05, at_once=len(answer()) - 1)) as server:
        verdict = check(endpoint_of(server.url, latency=limits))

    assert verdict.outcome is outcome
    assert verdict.judged[0].endswith(words)


def test_a_refused_connection_is_red_with_one_clear_message():
    url = f"http://127.0.0.1:{free_port()}/health"
    verdict = check(endpoint_of(url))

    assert verdict.outcome is Outcome.RED
    red(verdict.problems, f"{url}: connection refused ({WHERE}:4)")


def test_no_answer_never_judges_green():
    url = f"http://127.0.0.1:{free_port()}/health"
    verdict = check(endpoint_of(url))

    assert verdict.judged == ("shop latency: connection refused",)


@pytest.mark.parametrize(
    ("behaviour", "words", "line"),
    [
        pytest.param(silent, "no answer within 300 ms", 5, id="silent"),
        pytest.param(
            dripping(answer(), interval_s=0.02), "no full answer within 300 ms", 5, id="head drips"
        ),
        pytest.param(
            dripping(answer(b"x" * 900), interval_s=0.02, at_once=100),
            "no full answer within 300 ms",
            5,
            id="body drips",
        ),
        pytest.param(
            endless(b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 100 Continue\r\n\r\n"),
            "no full answer within 300 ms",
            5,
            id="continues for ever",
        ),
        pytest.param(closing, "connection closed without an answer", 4, id="closes"),
        pytest.param(resetting, "connection reset", 4, id="resets"),
        pytest.param(replying(b"SSH-2.0-OpenSSH_9\r\n"), "answer is not HTTP", 4, id="not HTTP"),
        pytest.param(
            replying(answer(b"half", length=100)),
            "answer is cut short: 4 of 100 bytes",
            4,
            id="cut",
        ),
        pytest.param(
            replying(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel"),
            "answer is cut short",
            4,
            id="cut chunk",
        ),
        pytest.param(
            replying(answer(gzip.compress(b"hello")[:-9], headers=("Content-Encoding: gzip",))),
            "answer is cut short: its gzip content has no end",
            4,
            id="cut gzip",
        ),
        pytest.param(
            replying(answer(b"no gzip", headers=("Content-Encoding: gzip",))),
            "answer is damaged: not gzip",
            4,
            id="damaged gzip",
        ),
        pytest.param(
            replying(answer(b"?", headers=("Content-Encoding: br",))),
            "answer has the encoding 'br', which was not asked for",
            4,
            id="brotli",
        ),
    ],
)
def test_half_an_answer_is_red_in_time(behaviour, words, line):
    with serving(behaviour) as server:
        started_s = clock.monotonic()
        verdict = check(endpoint_of(server.url, deadline="300ms" if "300 ms" in words else "30s"))
        took_s = clock.monotonic() - started_s

    assert verdict.outcome is Outcome.RED
    (problem,) = verdict.problems
    assert problem.startswith(f"{server.url}: {words}")
    assert problem.endswith(f"({WHERE}:{line})")
    assert took_s < SURELY_S


def test_a_server_that_takes_no_connections_is_red_in_time():
    import socket

    with socket.create_server(("127.0.0.1", 0), backlog=0) as full:
        port = full.getsockname()[1]
        waiting = [socket.socket() for _ in range(3)]  # fill the queue, so that SYNs are dropped
        for one in waiting:
            one.setblocking(False)
            one.connect_ex(("127.0.0.1", port))
        url = f"http://127.0.0.1:{port}"
        started_s = clock.monotonic()
        verdict = check(endpoint_of(url, deadline="300ms"))
        took_s = clock.monotonic() - started_s
        for one in waiting:
            one.close()

    assert verdict.outcome is Outcome.RED
    red(verdict.problems, f"{url}: no connection within 300 ms ({WHERE}:5)")
    assert took_s < SURELY_S


HUGE = b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n"
CHUNKS = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    "behaviour",
    [
        pytest.param(endless(HUGE, b"x" * 65536), id="with a length"),
        pytest.param(endless(CHUNKS, b"1000\r\n" + b"x" * 4096 + b"\r\n"), id="in chunks"),
        pytest.param(endless(b"HTTP/1.1 200 OK\r\n\r\n", b"x" * 65536), id="until it closes"),
        pytest.param(
            replying(
                answer(gzip.compress(bytes(100_000_000)), headers=("Content-Encoding: gzip",))
            ),
            id="gzip bomb",
        ),
        pytest.param(
            replying(
                answer(zlib.compress(bytes(10_000_000)), headers=("Content-Encoding: deflate",))
            ),
            id="deflate bomb",
        ),
        pytest.param(
            endless(
                b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n", gzip.compress(b"") * 1000
            ),
            id="gzip of nothing for ever",
        ),
    ],
)
def test_an_answer_over_the_limit_is_red(behaviour):
    with serving(behaviour) as server:
        verdict = check(endpoint_of(server.url, max_body="64KiB"))

    assert verdict.outcome is Outcome.RED
    red(verdict.problems, f"{server.url}: answer is longer than 64 KiB ({WHERE}:5)")


def test_a_gzip_bomb_takes_no_memory():
    import tracemalloc

    bomb = answer(gzip.compress(bytes(100_000_000)), headers=("Content-Encoding: gzip",))
    with serving(replying(bomb)) as server:
        endpoint = endpoint_of(server.url, max_body="64KiB")
        tracemalloc.start()
        check(endpoint)
        peak_bytes = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()

    assert peak_bytes < 2_000_000


def test_an_answer_of_exactly_the_limit_is_green():
    with serving(replying(answer(b"x" * 1024))) as server:
        verdict = check(endpoint_of(server.url, max_body="1KiB"))

    assert verdict.outcome is Outcome.GREEN


def test_gzip_in_several_members_is_read_to_its_end():
    body = gzip.compress(b"one ") + gzip.compress(b"two")
    with serving(replying(answer(body, headers=("Content-Encoding: gzip",)))) as server:
        verdict = check(endpoint_of(server.url, body="^one two$"))

    assert verdict.outcome is Outcome.GREEN


def test_a_body_without_the_pattern_is_red():
    with serving(replying(answer(b"Sorry"))) as server:
        verdict = check(endpoint_of(server.url, body="Welcome"))

    assert verdict.outcome is Outcome.RED
    words = 'body has no ~Welcome; it begins "Sorry"'
    red(verdict.problems, f"{server.url}: {words} ({WHERE}:5)")


@pytest.mark.parametrize(
    ("headers", "words"),
    [
        ((), "header X-Frame-Options is absent, expected ~DENY"),
        (("X-Frame-Options: ALLOW",), 'header X-Frame-Options is "ALLOW", expected ~DENY'),
    ],
)
def test_a_wrong_header_is_red(headers, words):
    with serving(replying(answer(headers=headers))) as server:
        verdict = check(endpoint_of(server.url, response_headers={"X-Frame-Options": "DENY"}))

    assert verdict.outcome is Outcome.RED
    red(verdict.problems, f"{server.url}: {words} ({WHERE}:6)")


def test_a_head_request_needs_no_body():
    with serving(replying(answer(b"", length=5000))) as server:
        verdict = check(endpoint_of(server.url, method="HEAD"))

    assert verdict.outcome is Outcome.GREEN
    assert server.requests[0].startswith("HEAD / HTTP/1.1\r\n")


def test_a_request_says_who_asks_and_nothing_from_the_environment(monkeypatch, tmp_path):
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login me password secret\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{free_port()}")
    with serving(replying(answer())) as server:
        verdict = check(endpoint_of(f"{server.url}/a b?q=ü"))

    assert verdict.outcome is Outcome.GREEN
    lines = server.requests[0].split("\r\n")
    assert lines[:2] == ["GET /a%20b?q=%C3%BC HTTP/1.1", f"Host: 127.0.0.1:{server.port}"]
    assert lines[2].startswith("User-Agent: pytest-ddd")
    assert lines[3:5] == ["Accept: */*", "Accept-Encoding: identity"]
    assert lines[5:] == ["", ""]


@pytest.mark.parametrize(("status", "expected"), [([200, 204], "200 or 204"), (201, "201")])
def test_an_unexpected_status_names_those_expected(status, expected):
    with serving(replying(answer(status="418 Teapot"))) as server:
        verdict = check(endpoint_of(server.url, status=status))

    red(verdict.problems, f"{server.url}: status 418, expected {expected} ({WHERE}:5)")


def test_many_endpoints_are_read_at_once():
    from concurrent.futures import ThreadPoolExecutor

    with serving(dripping(answer(), interval_s=2, at_once=len(answer()) - 1)) as server:
        patient = {"warn": "30s", "crit": "60s"}
        endpoints = [endpoint_of(f"{server.url}/{n}", latency=patient) for n in range(30)]
        started_s = clock.monotonic()
        with ThreadPoolExecutor(30) as pool:
            outcomes = {verdict.outcome for verdict in pool.map(check, endpoints)}
        took_s = clock.monotonic() - started_s

    assert outcomes == {Outcome.GREEN}
    assert took_s < 20  # one after the other: 60 s


def test_a_condition_without_a_number_is_unknown():
    with serving(replying(answer(b'{"uptime": 5}'))) as server:
        verdict = check(endpoint_of(server.url, json={"uptime": ">abc"}))

    assert verdict.outcome is Outcome.UNKNOWN
    assert "condition '>abc' compares with what is no number" in verdict.unknown


def test_a_fault_that_was_seen_is_not_hidden_by_an_attempt_that_could_not_look():
    with serving(replying(answer(b"", status="500 Oh"), answer(b'{"uptime": 5}'))) as server:
        attempts = {"count": 2, "interval": "10ms"}
        verdict = check(endpoint_of(server.url, json={"uptime": ">abc"}, attempts=attempts))

    assert verdict.outcome is Outcome.RED
    assert verdict.answer is not None
    assert "status 500, expected 200" in verdict.problems[0]
    assert "2: condition '>abc' compares" in verdict.answer.readings[-1].detail

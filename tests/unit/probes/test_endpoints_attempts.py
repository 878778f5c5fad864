"""Endpoints that are asked again, by TCP, or with a secret."""

from __future__ import annotations

import pytest

from pytest_ddd.outcomes import Outcome
from tests.lab.net import free_port
from tests.support.http_servers import (
    answer,
    replying,
    serving,
    silent,
)
from tests.support.http_verdict import check, endpoint_of

WHERE = "baselines/prod/endpoints.yaml"


def red(problems: tuple[str, ...], *expected: str) -> None:
    assert problems == expected


def test_a_second_attempt_that_passes_is_green_and_told():
    bad = answer(b"", status="503 Busy")
    with serving(replying(bad, answer())) as server:
        verdict = check(endpoint_of(server.url, attempts={"count": 3, "interval": "10ms"}))

    assert verdict.outcome is Outcome.GREEN
    assert verdict.answer is not None
    assert server.connections == 2
    last = verdict.answer.readings[-1]
    assert (last.name, last.value, last.expected) == ("shop attempts", 2, "at most 3")
    assert last.detail == (
        f"passed on attempt 2\n1: {server.url}: status 503, expected 200\n2: passed"
    )
    statuses = [
        (reading.attempt, reading.value)
        for reading in verdict.answer.readings
        if reading.name == "shop status"
    ]
    assert statuses == [(1, 503), (2, 200)]


def test_all_attempts_failing_is_red():
    with serving(replying(answer(b"", status="503 Busy"))) as server:
        verdict = check(endpoint_of(server.url, attempts={"count": 3, "interval": "10ms"}))

    assert verdict.outcome is Outcome.RED
    assert server.connections == 3


def test_a_healed_endpoint_is_green_after_it_is_forgotten():
    with serving(replying(answer(b"", status="500 Oh"), answer())) as server:
        endpoint = endpoint_of(server.url)
        first = check(endpoint).outcome
        again = check(endpoint).outcome
        endpoint.forget()
        healed = check(endpoint).outcome

    assert (first, again, healed) == (Outcome.RED, Outcome.RED, Outcome.GREEN)


def test_a_tcp_port_that_takes_connections_is_green():
    with serving(silent) as server:
        verdict = check(endpoint_of(f"tcp://127.0.0.1:{server.port}"))

    assert verdict.outcome is Outcome.GREEN
    assert verdict.answer is not None
    assert verdict.answer.certificate is None


def test_a_closed_tcp_port_is_red():
    url = f"tcp://127.0.0.1:{free_port()}"
    verdict = check(endpoint_of(url))

    assert verdict.outcome is Outcome.RED
    red(verdict.problems, f"{url}: connection refused ({WHERE}:4)")


def test_a_secret_goes_out_and_is_redacted(monkeypatch):
    from pytest_ddd import redaction

    monkeypatch.setenv("SHOP_TOKEN", "s3cr3t-canary-77")
    with serving(replying(answer())) as server:
        headers = {"X-Key": {"env": "SHOP_TOKEN"}}
        verdict = check(endpoint_of(server.url, headers=headers))

    assert verdict.outcome is Outcome.GREEN
    assert "\r\nX-Key: s3cr3t-canary-77\r\n" in server.requests[0]
    assert "canary" not in redaction.scrub("seen: s3cr3t-canary-77")


@pytest.mark.parametrize(
    ("reference", "words"),
    [
        ({"env": "NO_SUCH"}, "the secret in the environment variable NO_SUCH is not set"),
        ({"file": "/no/such"}, "the secret in /no/such cannot be read: No such file or directory"),
        ({"command": ["false"]}, "the command for a secret ended with 1: false"),
        ({"command": ["true"]}, "the output of true is empty"),
    ],
)
def test_a_missing_secret_is_unknown(reference, words):
    with serving(replying(answer())) as server:
        verdict = check(endpoint_of(server.url, headers={"X-Key": reference}))

    assert verdict.outcome is Outcome.UNKNOWN
    assert verdict.unknown.startswith(f"{server.url}: {words} ({WHERE}:4)")
    assert server.connections == 0


def test_a_secret_with_a_line_break_is_unknown_and_not_shown(tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("canary\r\nX-Evil: 1")
    with serving(replying(answer())) as server:
        verdict = check(endpoint_of(server.url, headers={"X-Key": {"file": str(secret)}}))

    assert verdict.outcome is Outcome.UNKNOWN
    assert "header 'X-Key' cannot be sent" in verdict.unknown
    assert "canary" not in verdict.unknown

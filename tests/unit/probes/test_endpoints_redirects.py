"""Redirects of endpoints: followed, counted, and trusted with nothing."""

from __future__ import annotations

import pytest

from pytest_ddd.outcomes import Outcome
from tests.lab.net import free_port
from tests.support.http_servers import (
    answer,
    replying,
    routing,
    serving,
)
from tests.support.http_verdict import check, endpoint_of

WHERE = "baselines/prod/endpoints.yaml"


def red(problems: tuple[str, ...], *expected: str) -> None:
    assert problems == expected


def redirect(to: str, status: str = "302 Found") -> bytes:
    return answer(b"", status=status, headers=(f"Location: {to}",))


def test_redirects_are_followed_and_recorded():
    with serving(routing({"/a": redirect("/b"), "/b": redirect("c"), "/c": answer()})) as server:
        verdict = check(endpoint_of(f"{server.url}/a"))

    assert verdict.outcome is Outcome.GREEN
    assert verdict.answer is not None
    way = f"{server.url}/a -> {server.url}/b -> {server.url}/c"
    assert verdict.answer.latency.detail.endswith(f"redirected {way}")


def test_without_redirects_the_first_answer_is_judged():
    with serving(routing({"/a": redirect("/b")})) as server:
        verdict = check(endpoint_of(f"{server.url}/a", redirects=0, status=302))

    assert verdict.outcome is Outcome.GREEN


def test_a_redirect_loop_is_red():
    with serving(routing({"/a": redirect("/b"), "/b": redirect("/a")})) as server:
        url = server.url
        verdict = check(endpoint_of(f"{url}/a", redirects=5))

    assert verdict.outcome is Outcome.RED
    words = f"redirect loop: {url}/a -> {url}/b -> {url}/a"
    red(verdict.problems, f"{url}/a: {words} ({WHERE}:5)")


def test_too_many_redirects_are_red():
    routes = {f"/{n}": redirect(f"/{n + 1}") for n in range(5)}
    with serving(routing(routes)) as server:
        url = server.url
        verdict = check(endpoint_of(f"{url}/0", redirects=2))

    assert verdict.outcome is Outcome.RED
    words = f"more than 2 redirects: {url}/1 -> {url}/2 -> {url}/3"
    red(verdict.problems, f"{url}/0: {words} ({WHERE}:5)")


@pytest.mark.parametrize("to", ["ftp://x/", "javascript:alert(1)", "http://[::1"])
def test_a_redirect_to_nowhere_is_red(to):
    with serving(routing({"/a": redirect(to)})) as server:
        verdict = check(endpoint_of(f"{server.url}/a"))

    words = f"redirects to what cannot be asked: {to!r}"
    red(verdict.problems, f"{server.url}/a: {words} ({WHERE}:3)")


def test_a_redirect_to_a_dead_server_says_where():
    to = f"http://127.0.0.1:{free_port()}/"
    with serving(routing({"/a": redirect(to)})) as server:
        verdict = check(endpoint_of(f"{server.url}/a"))

    red(verdict.problems, f"{server.url}/a: redirected to {to}: connection refused ({WHERE}:4)")


def test_headers_go_along_to_the_same_origin_and_nowhere_else():
    with serving(replying(answer())) as other:
        back = redirect(f"{other.url}/x")
        with serving(routing({"/a": redirect("/b"), "/b": back})) as server:
            headers = {"X-Key": "mine", "Authorization": "Basic x", "Accept": "text/x"}
            verdict = check(endpoint_of(f"{server.url}/a", headers=headers))

    assert verdict.outcome is Outcome.GREEN
    assert "X-Key: mine" in server.requests[1]
    assert "Authorization: Basic x" in server.requests[1]
    assert "X-Key" not in other.requests[0]
    assert "Authorization" not in other.requests[0]
    assert "Accept: text/x" in other.requests[0]


@pytest.mark.parametrize(
    ("status", "method"), [("303 See", "GET"), ("302 Found", "GET"), ("307 Temporary", "POST")]
)
def test_a_redirected_post_keeps_its_method_only_when_told(status, method):
    with serving(routing({"/a": redirect("/b", status), "/b": answer()})) as server:
        check(endpoint_of(f"{server.url}/a", method="POST"))

    assert server.requests[1].startswith(f"{method} /b ")

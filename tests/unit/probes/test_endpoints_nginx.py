from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator

import pytest

from pytest_ddd import clock
from pytest_ddd.outcomes import Outcome
from tests.lab.reap import Ledger
from tests.lab.svc.nginx import Nginx, Reply, Site
from tests.lab.svc.tls import Authority
from tests.support.http_verdict import Verdict, check, endpoint_of

pytestmark = pytest.mark.needs("nginx", "openssl")

HEALTHY = {"/health": Reply.of({"status": "healthy", "uptime": 12, "checks": [{"state": "up"}]})}
EXPECTED = {"status": "healthy", "uptime": ">0", "checks.0.state": "up"}
Look = Callable[..., Verdict]


@pytest.fixture
def nginx(ledger: Ledger, authority: Authority) -> Iterator[Nginx]:
    pair = authority.issue("localhost")
    with Nginx(ledger, [Site(tls=pair, locations=HEALTHY)]) as running:
        yield running


@pytest.fixture
def look(nginx: Nginx, authority: Authority) -> Look:
    def ask(path: str = "/health", **keys: object) -> Verdict:
        url = nginx.url(path, tls=True, host="localhost")
        return check(endpoint_of(url, ca=str(authority.cert), json=EXPECTED, **keys))

    return ask


def test_a_healthy_nginx_with_tls_is_green(look):
    verdict = look()

    assert verdict.outcome is Outcome.GREEN
    assert verdict.answer is not None
    assert [reading.value for reading in verdict.answer.readings[2:]] == [200, "healthy", 12, "up"]


def test_a_500_turns_red_and_heals(nginx, authority, look):
    pair = authority.issue("localhost")
    nginx.reload([Site(tls=pair, locations={"/health": Reply.of({"status": "down"}, 500)})])
    broken = look()
    nginx.reload([Site(tls=pair, locations=HEALTHY)])
    healed = look()

    url = nginx.url("/health", tls=True, host="localhost")
    assert broken.outcome is Outcome.RED
    assert broken.problems == (
        f"{url}: status 500, expected 200 (baselines/prod/endpoints.yaml:3)",
        f'{url}: json status is "down", expected "healthy" (baselines/prod/endpoints.yaml:7)',
        f"{url}: json uptime is absent (no uptime), expected >0 (baselines/prod/endpoints.yaml:8)",
        f'{url}: json checks.0.state is absent (no checks), expected "up"'
        " (baselines/prod/endpoints.yaml:9)",
    )
    assert healed.outcome is Outcome.GREEN


def test_an_expired_certificate_turns_red_and_heals(nginx, authority, look):
    nginx.reload([Site(tls=authority.expired("localhost", days_ago=2.5), locations=HEALTHY)])
    broken = look()
    nginx.reload([Site(tls=authority.issue("localhost"), locations=HEALTHY)])
    healed = look()

    assert broken.outcome is Outcome.RED
    assert "certificate expired on " in broken.problems[0]
    assert healed.outcome is Outcome.GREEN


def test_a_stopped_nginx_is_refused_and_green_after_its_start(nginx, look):
    nginx.stop()
    broken = look()
    nginx.start()
    healed = look()

    assert broken.outcome is Outcome.RED
    assert "/health: connection refused (baselines/prod/endpoints.yaml:4)" in broken.problems[0]
    assert healed.outcome is Outcome.GREEN


def test_a_frozen_nginx_is_red_in_time(nginx, look):
    os.kill(nginx.proc.pid, signal.SIGSTOP)  # first, as it may be replacing its workers just now
    processes = nginx.proc.tree()
    for pid in processes:
        os.kill(pid, signal.SIGSTOP)
    try:
        started_s = clock.monotonic()
        frozen = look(deadline="500ms")
        took_s = clock.monotonic() - started_s
    finally:
        for pid in processes:
            os.kill(pid, signal.SIGCONT)
    healed = look()

    assert frozen.outcome is Outcome.RED
    assert "no TLS handshake within 500 ms" in frozen.problems[0]
    assert took_s < 10.0
    assert healed.outcome is Outcome.GREEN


def test_a_plain_request_to_the_tls_port_is_red(nginx):
    url = f"http://localhost:{nginx.https_port}/health"
    verdict = check(endpoint_of(url))

    assert verdict.outcome is Outcome.RED
    assert verdict.problems[0].startswith(f"{url}: status 400, expected 200")


def test_nginx_redirecting_to_itself_is_a_loop(nginx, authority, look):
    away = "return 301 /health;"
    nginx.reload([Site(tls=authority.issue("localhost"), locations={"/health": away})])
    verdict = look()

    assert verdict.outcome is Outcome.RED
    url = nginx.url("/health", tls=True, host="localhost")
    assert verdict.problems[0].startswith(f"{url}: redirect loop: {url} -> {url} (")


def test_a_large_file_over_the_limit_is_red(nginx, authority, look, tmp_path):
    with (tmp_path / "health").open("wb") as file:
        file.truncate(500_000_000_000)
    tmp_path.chmod(0o755)
    nginx.reload([Site(tls=authority.issue("localhost"), locations={"/": f"root {tmp_path};"})])
    started_s = clock.monotonic()
    verdict = look()
    took_s = clock.monotonic() - started_s

    assert verdict.outcome is Outcome.RED
    assert "/health: answer is longer than 1 MiB (" in verdict.problems[0]
    assert took_s < 30

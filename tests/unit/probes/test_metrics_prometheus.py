"""Metrics of a real Prometheus: each fault has its colour and its words, and heals."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from pytest_ddd import clock
from tests.lab.proc import wait_for
from tests.lab.reap import Ledger
from tests.lab.svc.prometheus import PASSWORD, Exporter, Prometheus
from tests.lab.svc.tls import Authority
from tests.unit.probes.metric_site import GREEN, RED, UNKNOWN, YELLOW, Verdict, check, metric
from tests.unit.probes.metric_site import prometheus as query

pytestmark = pytest.mark.needs("prometheus", "openssl")

HOURS = 24
STEP_S = 60
SERIES = {
    "steady_seconds": lambda number: 0.1 + 0.1 * (number % 10) / 10,
    "slower_seconds": lambda number: 0.1 + 0.9 * (number % 10 > 7),
    "ended_seconds": lambda number: 0.1 if number < HOURS * 40 else None,
    "gaps_seconds": lambda number: 0.1 if number % 60 < 30 else None,
    "idle_seconds": lambda number: float("nan") if number % 10 == 3 else 0.1,
}


def history() -> str:
    """A day of samples, one a minute, as OpenMetrics; the last one is of just now."""
    end = int(clock.now().timestamp()) // STEP_S * STEP_S
    count = HOURS * 3600 // STEP_S
    lines = []
    for name, value_at in SERIES.items():
        lines.append(f"# TYPE {name} gauge")
        for number in range(count + 1):
            value = value_at(number)
            if value is not None:
                lines.append(f"{name} {value} {end - (count - number) * STEP_S}")
    return "\n".join([*lines, "# EOF\n"])


@pytest.fixture(scope="module")
def remembers(ledger: Ledger) -> Iterator[Prometheus]:
    """A Prometheus with a day behind it."""
    with Prometheus(ledger, history=history()) as running:
        yield running


@pytest.fixture(scope="module")
def exporter() -> Iterator[Exporter]:
    """An application that is as fast as usual; tests leave it so."""
    made = Exporter(
        {"checkout_p95_seconds": 0.25, 'node_load{core="0"}': 1, 'node_load{core="1"}': 2}
    )
    yield made
    made.stop()


@pytest.fixture(scope="module")
def server(ledger: Ledger, exporter: Exporter) -> Iterator[Prometheus]:
    """A Prometheus that scrapes the application (the first time after five seconds)."""
    with Prometheus(ledger, scrape=exporter.port) as running:
        running.until("checkout_p95_seconds")
        yield running


def over(server: Prometheus, name: str, baseline: dict[str, float], **keys: object) -> Verdict:
    """Look at a series over the last day."""
    asked = query(server.url, name, over="23h", step="60s", deadline="20s", **keys)
    return check(metric(prometheus=asked, baseline=baseline, unit="s"))


def test_a_day_as_usual_is_green(remembers):
    verdict = over(remembers, "steady_seconds", {"mean": 0.145, "p95": 0.19})

    assert verdict.outcome is GREEN
    assert [reading.name for reading in verdict.readings] == ["checkout mean", "checkout p95"]
    assert [reading.value for reading in verdict.readings] == pytest.approx(
        [0.145, 0.19], abs=0.002
    )
    assert "1,381 samples of 1,381" in verdict.readings[0].detail
    assert verdict.readings[1].expected == "190 ms, less than 20 % more (red from 50 %)"


def test_a_slower_p95_is_red_though_its_mean_is_fine(remembers):
    verdict = over(remembers, "slower_seconds", {"mean": 0.28, "p95": 0.2})

    assert verdict.outcome is RED
    assert "checkout mean 280 ms < warn 336 ms" in verdict.reason
    assert "checkout p95 1 s >= crit 300 ms (baselines/prod/metrics.yaml:5)" in verdict.reason


def test_a_series_that_ended_hours_ago_is_stale(remembers):
    verdict = over(remembers, "ended_seconds", {"mean": 0.1})

    assert verdict.outcome is UNKNOWN
    assert "is stale: its newest sample is 7h" in verdict.reason


def test_gaps_are_unknown_and_can_be_allowed(remembers):
    # A subquery of a minute sees what was written in that minute; a plain selector looks back five.
    name = "avg_over_time(gaps_seconds[59s])"
    refused = over(remembers, name, {"mean": 0.1}, max_age="2h")
    allowed = over(remembers, name, {"mean": 0.1}, max_age="2h", coverage="40%")

    assert refused.outcome is UNKNOWN
    assert "expected 80 %" in refused.reason
    assert allowed.outcome is GREEN


def test_samples_that_are_no_number_count_as_missing(remembers):
    few = over(remembers, "idle_seconds", {"mean": 0.1})
    refused = over(remembers, "idle_seconds", {"mean": 0.1}, coverage="95%")
    never = over(remembers, "steady_seconds * NaN", {"mean": 0.1})

    assert (few.outcome, refused.outcome, never.outcome) == (GREEN, UNKNOWN, UNKNOWN)
    assert "1,243 of 1,381 samples" in refused.reason
    assert "not a finite number at any time" in never.reason


def test_more_points_than_prometheus_gives_at_once(remembers):
    asked = query(remembers.url, "steady_seconds", over="23h", step="2s", deadline="60s")
    verdict = check(metric(prometheus=asked, baseline={"p95": 0.19}))

    assert verdict.outcome is GREEN, verdict.reason
    assert "41,401 samples of 41,401" in verdict.readings[0].detail


def test_a_regression_turns_yellow_then_red_and_heals(server, exporter):
    def look() -> Verdict:
        return check(metric(prometheus=query(server.url, "checkout_p95_seconds"), unit="s"))

    def becomes(value: float) -> Verdict:
        exporter.values["checkout_p95_seconds"] = value
        server.until(f"checkout_p95_seconds=={value}")
        return look()

    outcomes = [look().outcome, becomes(0.31).outcome, becomes(0.5).outcome, becomes(0.25).outcome]

    assert outcomes == [GREEN, YELLOW, RED, GREEN]


def test_a_drop_is_bad_where_less_is_worse(server):
    asked = query(server.url, "checkout_p95_seconds")
    verdict = check(metric(prometheus=asked, baseline={"value": 1.0}, worse="below"))

    assert verdict.outcome is RED
    assert "checkout 0.25 <= crit 0.5" in verdict.reason


def test_a_tolerance_in_the_unit_of_the_metric(server):
    asked = query(server.url, "checkout_p95_seconds")
    verdict = check(metric(prometheus=asked, baseline={"value": 0.0}, tolerance={"warn": 0.2}))

    assert verdict.outcome is YELLOW


def test_an_absent_series_is_unknown_and_heals(server, exporter):
    asked = query(server.url, "checkout_p95_seconds")
    kept = exporter.values.pop("checkout_p95_seconds")
    server.until("checkout_p95_seconds", there=False)
    absent = check(metric(prometheus=asked))
    exporter.values["checkout_p95_seconds"] = kept
    server.until("checkout_p95_seconds")

    assert absent.outcome is UNKNOWN
    assert f"{server.url}: checkout_p95_seconds has no series" in absent.reason
    assert "(baselines/prod/metrics.yaml:2)" in absent.reason
    assert "hint: the name may be wrong" in absent.reason
    assert check(metric(prometheus=asked)).outcome is GREEN


ODD = {
    "node_load": 'has 2 series, expected one: {__name__="node_load", core="0"',
    "checkout_p95_seconds[1m]": "has the type matrix",
    '"text"': "has the type string",
    "checkout_p95_seconds / 0 * 0": "is nan: not a finite number",
    "checkout_p95_seconds / 0": "is inf: not a finite number",
    "scalar(node_load)": "is nan: not a finite number",
    "sum(": "is refused: bad_data: ",
    "label_replace(checkout_p95_seconds": "is refused: bad_data: ",
}


@pytest.mark.parametrize("text", ODD)
def test_an_answer_that_is_no_number_is_unknown(server, text):
    verdict = check(metric(prometheus=query(server.url, text)))

    assert verdict.outcome is UNKNOWN
    assert ODD[text] in verdict.reason


@pytest.mark.parametrize(
    "text", ["scalar(checkout_p95_seconds)", "sum(node_load) / 12", "0.25", "vector(0.25) # usual"]
)
def test_expressions_that_give_one_number_are_green(server, text):
    assert check(metric(prometheus=query(server.url, text))).outcome is GREEN


def test_a_value_that_nobody_renews_is_stale(remembers):
    fresh = check(
        metric(prometheus=query(remembers.url, "steady_seconds"), baseline={"value": 0.2})
    )
    stale = check(
        metric(
            prometheus=query(remembers.url, "steady_seconds offset 4m", max_age="1s"),
            baseline={"value": 0.2},
        )
    )

    assert fresh.outcome is not UNKNOWN, fresh.reason
    assert stale.outcome is UNKNOWN
    assert "is stale: its newest sample is " in stale.reason


def test_a_hung_server_ends_at_its_deadline(server):
    asked = query(server.url, "checkout_p95_seconds", deadline="500ms")
    with server.frozen():
        hung = check(metric(prometheus=asked))
    healed = metric(prometheus=query(server.url, "checkout_p95_seconds"))

    assert hung.outcome is UNKNOWN
    assert "no answer within 500 ms" in hung.reason
    # A scrape that was under way fails first, and what it wanted is gone until the next one.
    assert wait_for(lambda: check(healed).outcome is GREEN)


def test_a_stopped_server_is_refused_and_heals(server):
    asked = query(server.url, "checkout_p95_seconds")
    server.stop()
    down = check(metric(prometheus=asked))
    server.start()
    server.until("checkout_p95_seconds")

    assert down.outcome is UNKNOWN
    assert "connection refused" in down.reason
    assert check(metric(prometheus=asked)).outcome is GREEN


def test_password_and_certificate(ledger, authority: Authority, monkeypatch):
    monkeypatch.setenv("RIGHT", PASSWORD)
    monkeypatch.setenv("WRONG", "other")
    with Prometheus(ledger, tls=authority.issue("localhost"), login=True) as server:

        def look(secret: str, **keys: object) -> Verdict:
            login = {"user": "ops", "password": {"env": secret}, "ca": str(authority.cert)}
            asked = query(server.url, "vector(0.25)", **{**login, **keys})
            return check(metric(prometheus=asked))

        good, wrong, unset = look("RIGHT"), look("WRONG"), look("UNSET")
        untrusted = look("RIGHT", ca=None)

    assert (good.outcome, wrong.outcome) == (GREEN, UNKNOWN), good.reason
    assert "refuses the credentials (status 401)" in wrong.reason
    assert "the environment variable UNSET is not set" in unset.reason
    assert untrusted.outcome is UNKNOWN
    assert "which is not trusted" in untrusted.reason


def test_what_is_no_prometheus(ledger):
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        verdict = check(metric(prometheus=query(url, "up", deadline="300ms")))

    assert verdict.outcome is UNKNOWN
    assert "no answer within 300 ms" in verdict.reason

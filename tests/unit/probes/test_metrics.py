"""Metrics: what a baseline may say, samples, and numbers in the JSON of a URL."""

from __future__ import annotations

import sqlite3

import pytest
from pydantic import ValidationError

from pytest_ddd.errors import CannotLookError
from pytest_ddd.probes.metering.samples import Samples, percentile
from tests.lab.reap import Ledger
from tests.lab.svc.nginx import Nginx, Reply, Site
from tests.unit.probes.metric_site import GREEN, RED, UNKNOWN, check, metric
from tests.unit.probes.metric_site import prometheus as query

QUERY = query("http://127.0.0.1:9090", "up")
VALUE = {"value": 1.0}

REFUSED: dict[str, tuple[dict[str, object], str]] = {
    "no source": ({"baseline": VALUE}, "exactly one of prometheus, sql and json"),
    "two sources": (
        {"prometheus": QUERY, "json": {"url": "http://a", "at": "b"}, "baseline": VALUE},
        "exactly one of prometheus, sql and json",
    ),
    "nothing usual": ({"prometheus": QUERY, "baseline": {}}, "needs value, mean or p95"),
    "mean of one": ({"prometheus": QUERY, "baseline": {"mean": 1.0}}, "mean and p95 need over"),
    "value of many": (
        {"prometheus": {**QUERY, "over": "1h"}, "baseline": VALUE},
        "over needs mean or p95",
    ),
    "both kinds": (
        {"prometheus": QUERY, "baseline": {"value": 1.0, "mean": 1.0}},
        "value is of one number",
    ),
    "step alone": ({"prometheus": {**QUERY, "step": "5s"}, "baseline": VALUE}, "with over only"),
    "short range": (
        {"prometheus": {**QUERY, "over": "1s", "step": "5s"}, "baseline": {"mean": 1.0}},
        "at least one step",
    ),
    "coverage": (
        {"prometheus": {**QUERY, "over": "1h", "coverage": "101%"}, "baseline": {"mean": 1.0}},
        "never be more than 100%",
    ),
    "half a login": (
        {"prometheus": {**QUERY, "user": "ops"}, "baseline": VALUE},
        "belong together",
    ),
    "no URL": ({"prometheus": query("localhost:9090", "up"), "baseline": VALUE}, "not a URL"),
    "bad port": ({"prometheus": query("http://a:x", "up"), "baseline": VALUE}, "not a URL"),
    "password in it": (
        {"prometheus": query("http://a:b@c", "up"), "baseline": VALUE},
        "a password in a URL is refused",
    ),
    "no tolerance": ({"prometheus": QUERY, "baseline": VALUE, "tolerance": {}}, "needs warn, crit"),
    "none allowed": (
        {"prometheus": QUERY, "baseline": VALUE, "tolerance": {"crit": "0%"}},
        "allows nothing",
    ),
    "not an allowance": (
        {"prometheus": QUERY, "baseline": VALUE, "tolerance": {"crit": True}},
        "write 20%",
    ),
    "mixed": (
        {"prometheus": QUERY, "baseline": VALUE, "tolerance": {"warn": "5%", "crit": 2}},
        "both percentages or both numbers",
    ),
    "wrong order": (
        {"prometheus": QUERY, "baseline": VALUE, "tolerance": {"warn": 3, "crit": 2}},
        "would never be seen",
    ),
    "part of zero": (
        {"prometheus": QUERY, "baseline": {"value": 0.0}, "tolerance": {"warn": "5%"}},
        "a percentage of 0 is 0",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_metric_that_says_too_little_or_too_much_is_refused(name):
    keys, words = REFUSED[name]

    with pytest.raises(ValidationError, match=words):
        metric(**keys)


def test_percentile_is_linear_between_ranks():
    assert percentile([4, 1, 3, 2], 0.5) == 2.5
    assert percentile([7], 0.95) == 7
    assert percentile(list(range(101)), 0.95) == 95


@pytest.mark.parametrize("values", [(), (1.0, 2.0)])
def test_one_value_is_exactly_one(values):
    with pytest.raises(CannotLookError):
        Samples(values=values, source="here").of("value")


@pytest.mark.needs("nginx")
def test_numbers_in_the_json_of_a_url(ledger: Ledger):
    answer = {"latency": {"p95_ms": 240, "last": [200, 210, 900], "none": []}, "state": "up"}
    locations = {
        "/stats": Reply.of(answer),
        "/broken": Reply.of(answer, 500),
        "/text": Reply(body="x"),
    }
    with Nginx(ledger, [Site(locations=locations)]) as nginx:

        def look(at: str, baseline: dict[str, float], path: str = "/stats"):
            source = {"url": nginx.url(path), "at": at, "deadline": "5s"}
            return check(metric(json=source, baseline=baseline, unit="ms"))

        assert look("latency.p95_ms", {"value": 220.0}).outcome is GREEN
        assert look("latency.p95_ms", {"value": 100.0}).outcome is RED
        assert look("latency.last", {"mean": 400.0, "p95": 800.0}).outcome is GREEN
        assert look("latency.last.2", {"value": 800.0}).outcome is GREEN
        odd = {
            "latency.p99_ms": "is absent (no p99_ms)",
            "state": 'is "up": not a number',
            "latency": "not a number",
            "latency.none": "no samples",
        }
        for at, words in odd.items():
            verdict = look(at, {"mean": 400.0})
            assert (verdict.outcome, words in verdict.reason) == (UNKNOWN, True), verdict.reason
        assert "status 500" in look("latency.p95_ms", {"value": 220.0}, "/broken").reason
        assert "not JSON" in look("latency.p95_ms", {"value": 220.0}, "/text").reason


@pytest.mark.parametrize("statistic", ["value", "mean", "p95"])
def test_no_statistic_hides_a_sample_that_is_no_number(statistic):
    values = (1000.0, float("nan"), *[1.0] * 20)

    with pytest.raises(CannotLookError, match="is nan: not a finite number"):
        Samples(values=values, source="here").of(statistic)


def test_numbers_in_the_rows_of_a_query(tmp_path):
    file = tmp_path / "shop.db"
    with sqlite3.connect(file) as shop:
        shop.execute("create table took (ms real, note text)")
        shop.executemany("insert into took values (?, ?)", [(100, "a"), (200, None), (300, "c")])
    shop.close()

    def look(query: str, baseline: dict[str, float]):
        source = {"database": {"url": f"sqlite:///{file}"}, "query": query}
        return check(metric(sql=source, baseline=baseline, unit="ms"))

    assert look("select max(ms) from took", {"value": 290.0}).outcome is GREEN
    assert look("select ms from took", {"mean": 200.0, "p95": 290.0}).outcome is GREEN
    assert look("select ms from took", {"mean": 100.0}).outcome is RED
    odd = {
        "select ms, note from took": "needs one column, answers ms, note",
        "select note from took": "'a' is not a number",
        "select ms from took where ms > 900": "no samples",
        "select avg(ms) from took where ms > 900": "None is not a number",
        "select ms from took union all select 9e999": "is inf: not a finite number",
        "select ms from nowhere": "no such table",
    }
    for text, words in odd.items():
        verdict = look(text, {"mean": 200.0})
        assert (verdict.outcome, words in verdict.reason) == (UNKNOWN, True), verdict.reason

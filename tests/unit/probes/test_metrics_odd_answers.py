"""Answers that speak the protocol of Prometheus and hold no number that could be trusted.

A fixed server gives them: a store behind Prometheus that is down, histograms, and plain nonsense.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import ValidationError

from pytest_ddd import clock
from pytest_ddd.baseline import inventory, nights
from pytest_ddd.baseline.sections.rule_sets import RuleSet
from pytest_ddd.connections import Connections, declared
from pytest_ddd.probes import metrics, rule_sets
from pytest_ddd.probes.scope import Scope
from tests.lab.reap import Ledger
from tests.lab.svc.nginx import Nginx, Reply, Site
from tests.unit.probes.metric_site import UNKNOWN, check, metric
from tests.unit.probes.metric_site import prometheus as query


def vector(*series: object, **more: object) -> dict[str, object]:
    return {"status": "success", "data": {"resultType": "vector", "result": list(series)}, **more}


def matrix(*series: object) -> dict[str, object]:
    return {"status": "success", "data": {"resultType": "matrix", "result": list(series)}}


ONE = {"metric": {}, "value": [1763971200.0, "1"]}
INSTANT: dict[str, tuple[object, str]] = {
    "partial": (vector(ONE, warnings=["store a is down"]), "is answered in part: ['store a is down']"),
    "histogram": (vector({"metric": {}, "histogram": [1, {}]}), "is a histogram"),
    "no data": ({"status": "success"}, "is answered without data"),
    "not ours": ({"ok": True}, "not an answer of Prometheus"),
    "list": ([1, 2], "not an answer of Prometheus"),
    "no pair": (vector({"metric": {}, "value": [1]}), "not a sample of Prometheus"),
    "no number": (vector({"metric": {}, "value": [1.0, "many"]}), "not a sample of Prometheus"),
}  # fmt: skip
RANGE: dict[str, tuple[object, str]] = {
    "wrong type": (vector(ONE), "has the type vector, expected matrix"),
    "no values": (matrix({"metric": {}, "values": 7}), "not a series of Prometheus"),
    "nothing": (matrix(), "has no series"),
    "several": (
        matrix(*({"metric": {"core": str(n)}, "values": []} for n in range(5))),
        'has 5 series, expected one: {core="0"}, {core="1"}, {core="2"} and 2 more',
    ),
}


@pytest.fixture(scope="module")
def server(ledger: Ledger) -> Iterator[Nginx]:
    locations = {
        f"/{name.replace(' ', '-')}/api/v1/{path}": Reply.of(answer)
        for path, answers in (("query", INSTANT), ("query_range", RANGE))
        for name, (answer, _words) in answers.items()
    }
    with Nginx(ledger, [Site(locations=locations)]) as running:
        yield running


@pytest.mark.needs("nginx")
@pytest.mark.parametrize("name", [*INSTANT, *RANGE])
def test_no_such_answer_is_green(server, name):
    url = server.url(f"/{name.replace(' ', '-')}")
    if name in INSTANT:
        verdict, words = check(metric(prometheus=query(url, "up"))), INSTANT[name][1]
    else:
        asked = query(url, "up", over="1h", step="60s")
        verdict, words = check(metric(prometheus=asked, baseline={"mean": 1.0})), RANGE[name][1]

    assert (verdict.outcome, words in verdict.reason) == (UNKNOWN, True), verdict.reason


RULES = {"prometheus": {"url": "http://a"}, "file": "/etc/x.yml"}
REFUSED = {
    "no alert": ({}, "at least 1 item"),
    "no limit": ({"A": {"query": "up"}}, "exactly one of above and below"),
    "two limits": ({"A": {"query": "up", "above": {"day": 1}, "below": {"day": 1}}}, "exactly one"),
    "two lines": ({"A": {"query": "up\nup", "above": {"day": 1}}}, "one line of visible text"),
    "no number": ({"A": {"query": "up", "above": {"day": "80%"}}}, "valid number"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_rule_that_says_too_little_or_too_much_is_refused(name):
    alerts, words = REFUSED[name]

    with pytest.raises(ValidationError, match=words):
        RuleSet.model_validate({**RULES, "alerts": alerts})


@pytest.mark.parametrize("file", ["rules.yml", "/etc/rules", "/etc/.yml/", "/etc/a\nb.yml"])
def test_a_file_that_prometheus_would_not_read_is_refused(file):
    alerts = {"A": {"query": "up", "above": {"day": 1}}}

    with pytest.raises(ValidationError, match="not a rule file"):
        RuleSet.model_validate({**RULES, "file": file, "alerts": alerts})


def test_entries_of_an_environment_and_of_hosts(tmp_path: Path):
    (tmp_path / "prod.yaml").write_text(
        """
hosts: {web1: {connection: "ssh://web1"}, web2: {connection: "ssh://web2"}}
metrics:
  all: {prometheus: {url: "http://p:9090", query: up}, baseline: {value: 1.0}}
  each:
    prometheus: {url: "http://{address}:9090", query: 'up{h="{host}"}'}
    baseline: {value: 1.0}
    applies_to: [web1, web2]
rule_sets:
  here: {prometheus: {url: "http://p:9090"}, file: /x.yml, alerts: {A: {query: up, below: {day: 1}}}}
  there:
    prometheus: {url: "http://localhost:9090", from: host}
    file: /x.yml
    alerts: {A: {query: up, below: {day: 1}}}
    applies_to: [web2]
"""
    )
    selection = inventory.select(tmp_path, ["prod"])
    connections = Connections(declared.specs_of(selection.baseline.hosts, str))
    now = clock.now()
    scope = Scope(
        baseline=selection.baseline, hosts=selection.hosts, whole=True, connections=connections,
        profile="day", since=nights.last_night(selection.baseline.environment, now), started_at=now,
    )  # fmt: skip
    asked = [(one.target, one.key, one.host) for one in metrics.entries(scope)]
    ruled = [(one.target, one.key, one.host) for one in rule_sets.entries(scope)]
    connections.close()

    assert asked == [("prod", "all", ""), ("web1", "each", ""), ("web2", "each", "")]
    assert ruled == [("prod", "here", ""), ("web2", "there", "web2")]

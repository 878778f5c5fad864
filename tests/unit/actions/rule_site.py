"""A rule set on a real Prometheus of this machine, and the hand that changes it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from pytest_ddd.actions.carrying_out import Hand
from pytest_ddd.actions.journal import Journal
from pytest_ddd.baseline.model import Declaration
from pytest_ddd.baseline.sections.rule_sets import RuleSet as Model
from pytest_ddd.connections import Connections
from pytest_ddd.probes.rule_sets import RuleSet
from pytest_ddd.results import Origin
from tests.lab.svc.prometheus import Prometheus

ORIGIN = Origin(file="baselines/prod/rule_sets.yaml", line=2)
ALERTS: Mapping[str, object] = {
    "HighErrors": {
        "query": 'sum(rate(errors_total{code=~"5.."}[5m]))',
        "above": {"day": 0.5, "night": 2.0},
        "for": "5m",
        "labels": {"severity": "page"},
        "annotations": {"summary": 'Errors: {{ $value }} "per" second — Größe'},
    },
    "NoTraffic": {"query": "sum(rate(requests_total[5m]))", "below": {"day": 1, "night": 0.1}},
}
DAY, NIGHT = "pytest-ddd prod shop day", "pytest-ddd prod shop night"


def keys_of(server: Prometheus, **keys: object) -> dict[str, object]:
    """Return the baseline entry `shop`, whose rules are looked at often."""
    return {
        "prometheus": {"url": server.url, "deadline": "15s"},
        "file": str(server.rules / "shop.yml"),
        "alerts": ALERTS,
        "interval": "100ms",
        "settle": "20s",
        **keys,
    }


def rule_set(server: Prometheus, connections: Connections, **keys: object) -> RuleSet:
    """Return the rule set `shop` of the environment `prod`, kept on the controller."""
    model = Model.model_validate(keys_of(server, **keys))
    declaration = Declaration(section="rule_sets", key="shop", model=model, origins={(): ORIGIN})
    return RuleSet(declaration, environment="prod", host="", connections=connections)


def hand(root: Path, run_id: str = "run-1") -> Hand:
    """Return a hand that writes its journal below `root`."""
    return Hand(journal=Journal(root), run_id=run_id, operator="tester")

"""The JSON Schema that editors get."""

from __future__ import annotations

from pathlib import Path

import jsonschema
import pytest
import yaml

from pytest_ddd.baseline.schema import baseline_schema

VALIDATOR = jsonschema.Draft202012Validator(baseline_schema())
OURS = sorted((Path(__file__).parents[3] / "baselines").rglob("*.yaml"))


def test_it_is_a_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(baseline_schema())


@pytest.mark.parametrize("path", OURS, ids=lambda path: path.stem)
def test_it_accepts_our_own_baselines(path: Path) -> None:
    VALIDATOR.validate(yaml.safe_load(path.read_text()))


@pytest.mark.parametrize(
    "content",
    [
        {"thresholds": {"cpu": {"crit": "90%"}, "swap": None}},
        {"endpoints": {"x": {"deadline": "10s"}}},
        {"extends": ["common"], "version": 1},
        {"groups": {"db": {"set": {"thresholds": {"cpu": {"warn": None}}}}}},
    ],
)
def test_it_accepts_what_a_layer_may_say(content: object) -> None:
    VALIDATOR.validate(content)


@pytest.mark.parametrize(
    "content",
    [
        {"threshold": {}},
        {"thresholds": {"cpu": {"wran": "80%"}}},
        {"endpoints": {"x": {"deadline": 10}}},
        {"endpoints": {"x": {"headers": {"Authorization": {"environment": "X"}}}}},
        {"environment": {"night": {"start": 1320}}},
        {"version": 2},
        {"hosts": {"a": {"set": {"endpoints": {}}}}},
        {"configuration": {"unlisted": {"users": "orange"}}},
    ],
)
def test_it_refuses_what_the_loader_refuses(content: object) -> None:
    assert not VALIDATOR.is_valid(content)

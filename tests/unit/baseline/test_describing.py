"""Each key of a baseline carries its sentence from the code into the schema."""

from __future__ import annotations

from typing import Any

from pytest_ddd.baseline.describing import descriptions, long_name
from pytest_ddd.baseline.schema import baseline_schema
from pytest_ddd.baseline.sections import sync, thresholds
from pytest_ddd.baseline.sections.endpoints import Endpoint
from pytest_ddd.baseline.sources import Query

DEFINITIONS: dict[str, Any] = baseline_schema()["$defs"]  # type: ignore[assignment]


def test_own_and_inherited_keys_have_their_sentences() -> None:
    said = descriptions(Endpoint)

    assert said["latency"] == "Limits of the time to the last byte."
    assert said["applies_to"].startswith("Hosts or groups")
    assert "json_" in said


def test_a_key_without_a_sentence_has_none() -> None:
    assert "method" not in descriptions(Endpoint)


def test_editors_see_them_under_the_name_that_is_written() -> None:
    properties = DEFINITIONS["Endpoint"]["properties"]

    assert properties["json"]["description"].startswith("Dotted path in the JSON answer")
    assert "description" not in properties["method"]


def test_two_models_of_one_name_keep_their_own() -> None:
    """`Query` of thresholds is PromQL, `Query` of sources is SQL."""
    promql = DEFINITIONS[long_name(thresholds.Query)]["properties"]

    assert promql["query"]["description"] == "PromQL that gives one number."
    assert "max_rows" in DEFINITIONS[long_name(Query)]["properties"]
    assert sync.Queries.model_fields["left"].annotation is Query

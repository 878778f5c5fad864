"""Records: what a result looks like on disk and between processes."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from importlib import resources

import execnet
import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_ddd.errors import RecordError
from pytest_ddd.outcomes import Outcome
from pytest_ddd.plain import TEXT_LIMIT_BYTES, Json
from pytest_ddd.redaction import Redactor
from pytest_ddd.results import (
    CheckResult,
    Limit,
    Origin,
    Reading,
    Threshold,
    cleaned,
    explain,
    from_record,
    is_planned,
    judge,
    to_record,
)

SCHEMA = json.loads(resources.files("pytest_ddd").joinpath("results.schema.json").read_text())
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)
AT = datetime(2026, 11, 23, 7, 30, tzinfo=UTC)

RESULT = CheckResult(
    result_id="r1",
    run_id="7f3c9a12",
    environment="prod",
    scenario="morning-health-check",
    step=2,
    check_id="morning-health-check/resource_usage",
    target="web1",
    entry="disk:/var",
    nodeid="checks/daily/test_morning_health_check.py::test_resource_usage[web1-disk:/var]",
    outcome=Outcome.RED,
    reason="disk /var 93 % >= crit 90 % (baselines/prod/thresholds.yaml:12)",
    readings=(
        judge(
            Reading(name="disk /var", value=93.0, unit="%", source="df -P /var", at=AT),
            Threshold(
                warn=Limit(value=80.0),
                crit=Limit(
                    value=90.0, origin=Origin(file="baselines/prod/thresholds.yaml", line=12)
                ),
                unit="%",
            ),
        ),
    ),
    started_at=AT,
    took_s=0.25,
    controls=("NIST:AU-4",),
)


def with_reading(**changes: object) -> CheckResult:
    reading = replace(RESULT.readings[0], **changes)  # type: ignore[arg-type]
    return replace(RESULT, readings=(reading,))


def reading_of(record: Mapping[str, Json]) -> dict[str, Json]:
    readings = record["readings"]
    assert isinstance(readings, list)
    assert isinstance(readings[0], dict)
    return readings[0]


texts = st.text(max_size=40)
times = st.integers(0, 7 * 10**9).map(lambda seconds: datetime.fromtimestamp(seconds, tz=UTC))
origins = st.none() | st.builds(Origin, file=texts, line=st.integers(0, 10**6))
limits = st.none() | st.builds(Limit, value=st.floats(), origin=origins)
thresholds = st.builds(Threshold, warn=limits, crit=limits, unit=texts)
readings = st.builds(
    Reading,
    name=texts,
    value=st.none() | st.booleans() | st.integers() | st.floats() | texts,
    unit=texts,
    source=texts,
    at=times,
    took_s=st.floats(),
    attempt=st.integers(1, 9),
    detail=texts,
    error=texts,
    threshold=st.none() | thresholds,
    origin=origins,
    outcome=st.none() | st.sampled_from(Outcome),
)
results = st.builds(
    CheckResult,
    **dict.fromkeys(("result_id", "run_id", "environment", "scenario", "check_id"), texts),
    **dict.fromkeys(("target", "entry", "nodeid", "reason", "blocked_by", "worker"), texts),
    step=st.integers(0, 99),
    outcome=st.sampled_from(Outcome),
    readings=st.lists(readings, max_size=3).map(tuple),
    started_at=times,
    took_s=st.floats(),
    controls=st.lists(texts, max_size=3).map(tuple),
    look=st.integers(1, 5),
)


@given(results)
@settings(max_examples=150)
def test_every_record_fits_the_schema(result: CheckResult) -> None:
    VALIDATOR.validate(to_record(result))


@given(results)
@settings(max_examples=150)
def test_a_record_survives_the_way_to_disk_and_back(result: CheckResult) -> None:
    record = to_record(result)
    assert to_record(from_record(json.loads(json.dumps(record, allow_nan=False)))) == record


@given(results)
@settings(max_examples=150)
def test_a_clean_result_has_the_record_of_what_was_cleaned(result: CheckResult) -> None:
    record, clean = to_record(result), cleaned(result)
    assert to_record(clean) == record
    assert json.dumps(to_record(clean)) == json.dumps(to_record(from_record(record)))


def test_a_secret_learnt_after_cleaning_is_not_in_the_record() -> None:
    redactor = Redactor()
    clean = cleaned(replace(RESULT, reason="it says plover-xyzzy"), redactor)
    assert to_record(clean, redactor)["reason"] == "it says plover-xyzzy"
    redactor.register("plover-xyzzy")
    assert "plover" not in json.dumps(to_record(clean, redactor))


def test_each_redactor_makes_its_own_record_of_a_clean_result() -> None:
    careless, careful = Redactor(), Redactor()
    careful.register("plover-xyzzy")
    clean = cleaned(replace(RESULT, reason="it says plover-xyzzy"), careless)
    assert "plover" not in json.dumps(to_record(clean, careful))


def test_the_result_comes_back_equal() -> None:
    assert from_record(to_record(RESULT)) == RESULT


def test_the_schema_itself_is_valid() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


def test_the_record_has_exactly_the_fields_of_a_result_and_its_version() -> None:
    assert list(to_record(RESULT)) == ["v", *CheckResult.__slots__]


def test_the_schema_refuses_a_key_it_does_not_know() -> None:
    assert not VALIDATOR.is_valid({**to_record(RESULT), "extra": 1})


def test_the_schema_refuses_a_missing_outcome() -> None:
    record = to_record(RESULT)
    del record["outcome"]
    assert not VALIDATOR.is_valid(record)


def test_a_record_crosses_execnet() -> None:
    record = to_record(with_reading(value=2**40, detail="ü\x00"))
    assert execnet.loads(execnet.dumps(record)) == record


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (math.nan, "NaN"),
        (math.inf, "Infinity"),
        (-math.inf, "-Infinity"),
        (2**53 - 1, 2**53 - 1),
        (2**53, str(2**53)),
        (True, True),
        (None, None),
    ],
)
def test_values_that_json_cannot_hold_become_text(value: float | None, written: Json) -> None:
    assert reading_of(to_record(with_reading(value=value)))["value"] == written


def test_a_whole_number_of_any_length_is_written() -> None:
    assert str(reading_of(to_record(with_reading(value=10**9000)))["value"]).startswith("0x")


@pytest.mark.parametrize(
    ("raw", "written"),
    [
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b]0;title\x07", "␛]0;title␇"),
        ("a\x00b", "a␀b"),
        ("caf\udce9", "caf\\xe9"),
        ("\ud800", "\\ud800"),
        ("evil\u202egpj.exe", "evil\\u202egpj.exe"),
        ("one\r\ntwo\tthree", "one\ntwo\tthree"),
    ],
)
def test_text_that_could_act_on_a_terminal_is_made_visible(raw: str, written: str) -> None:
    assert to_record(replace(RESULT, reason=raw))["reason"] == written


def test_a_long_text_is_cut_to_its_limit() -> None:
    detail = reading_of(to_record(with_reading(detail="ü" * 100_000)))["detail"]
    assert len(str(detail).encode()) <= TEXT_LIMIT_BYTES


def test_a_cut_text_says_how_long_it_was_and_its_digest() -> None:
    detail = str(reading_of(to_record(with_reading(detail="x" * 100_000)))["detail"])
    digest = hashlib.sha256(b"x" * 100_000).hexdigest()
    assert detail.endswith(f"[cut: 100000 bytes in all, sha256 {digest}]")


def test_a_secret_at_the_edge_of_the_cut_leaves_no_half_behind() -> None:
    redactor = Redactor()
    redactor.register("correct-horse-battery")
    text = "x" * (TEXT_LIMIT_BYTES - 120) + "correct-horse-battery" + "y" * 500
    assert "correct" not in json.dumps(to_record(replace(RESULT, reason=text), redactor))


def test_a_secret_split_by_colour_codes_is_found() -> None:
    redactor = Redactor()
    redactor.register("correct-horse")
    record = to_record(replace(RESULT, reason="correct\x1b[1m-horse"), redactor)
    assert "horse" not in str(record["reason"])


def test_an_unknown_version_is_refused() -> None:
    with pytest.raises(RecordError, match="version 2"):
        from_record({**to_record(RESULT), "v": 2})


def test_a_missing_field_is_named() -> None:
    record = to_record(RESULT)
    del record["target"]
    with pytest.raises(RecordError, match="target is missing"):
        from_record(record)


def test_a_wrong_field_inside_a_reading_is_named() -> None:
    record = to_record(RESULT)
    reading_of(record)["attempt"] = "three"
    with pytest.raises(RecordError, match=r"readings\[0\].attempt"):
        from_record(record)


def test_keys_of_later_versions_are_passed_over() -> None:
    assert from_record({**to_record(RESULT), "seq": 7, "prev": "ab"}) == RESULT


def test_a_judged_reading_explains_itself_with_its_origin() -> None:
    assert explain(RESULT.readings[0]) == RESULT.reason


@pytest.mark.parametrize("value", [None, math.nan, math.inf, True, "93"])
def test_what_is_not_a_finite_number_is_never_green(value: float | str | None) -> None:
    judged = judge(Reading(name="x", value=value, at=AT), Threshold(warn=Limit(value=80.0)))
    assert judged.outcome is Outcome.UNKNOWN


def test_a_threshold_without_limits_judges_nothing_green() -> None:
    assert judge(Reading(name="x", value=1, at=AT), Threshold()).outcome is Outcome.UNKNOWN


@pytest.mark.parametrize(
    ("value", "outcome"),
    [(79.9, Outcome.GREEN), (80, Outcome.YELLOW), (89.9, Outcome.YELLOW), (90, Outcome.RED)],
)
def test_the_limit_itself_is_bad(value: float, outcome: Outcome) -> None:
    threshold = Threshold(warn=Limit(value=80.0), crit=Limit(value=90.0))
    assert judge(Reading(name="x", value=value, at=AT), threshold).outcome is outcome


@pytest.mark.parametrize(
    ("value", "outcome"), [(31, Outcome.GREEN), (30, Outcome.YELLOW), (7, Outcome.RED)]
)
def test_a_lower_limit_is_bad_below(value: float, outcome: Outcome) -> None:
    threshold = Threshold(warn=Limit(value=30.0), crit=Limit(value=7.0), bad="below")
    assert judge(Reading(name="x", value=value, at=AT), threshold).outcome is outcome


@pytest.mark.parametrize(
    ("outcome", "reason", "planned"),
    [
        (Outcome.NOT_APPLICABLE, "planned: write 2 rules", True),
        (Outcome.NOT_APPLICABLE, "planned", True),
        (Outcome.NOT_APPLICABLE, "planned-maintenance.yaml has no entries", False),
        (Outcome.GREEN, "planned: write 2 rules", False),
    ],
)
def test_an_action_that_was_only_shown_is_planned(outcome, reason, planned):
    assert is_planned(replace(RESULT, outcome=outcome, reason=reason)) is planned

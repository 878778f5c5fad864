"""The words of the report."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta, timezone

import pytest

from pytest_ddd.evidence import wording
from pytest_ddd.outcomes import Outcome
from pytest_ddd.results import Limit, Reading, Threshold
from tests.unit.evidence.samples import START, disk, result


def test_times_are_told_in_utc() -> None:
    local = START.astimezone(timezone(timedelta(hours=9)))
    assert wording.day(local) == "Mon 23 Nov 2026"
    assert wording.time_of_day(local) == "07:30:00"


def test_the_reason_comes_before_the_readings() -> None:
    assert wording.saw(result(reason="because")) == "because"


def test_three_readings_are_told_and_the_rest_counted() -> None:
    assert wording.saw(result(readings=(disk(),) * 5)).endswith("· and 2 more")


def test_a_check_that_read_nothing_says_so() -> None:
    assert wording.saw(result(readings=())) == "nothing was read"


def test_a_missing_value_tells_why() -> None:
    assert wording.observed(replace(disk(), value=None, error="timed out")) == "timed out"


@pytest.mark.parametrize(
    ("threshold", "words"),
    [
        (Threshold(warn=Limit(value=80.0), unit="%"), "yellow from 80 %"),
        (Threshold(crit=Limit(value=7.0), unit="days", bad="below"), "red down from 7 days"),
        (Threshold(), ""),
    ],
)
def test_limits_in_words(threshold: Threshold, words: str) -> None:
    assert wording.limits(threshold) == words


def test_the_deciding_baseline_line_comes_first() -> None:
    assert wording.origins(disk(85)) == (
        "baselines/prod/thresholds.yaml:11",
        "baselines/prod/thresholds.yaml:12",
    )


def test_the_telling_readings_are_the_bad_ones() -> None:
    bad = disk(93)
    assert wording.telling(result(Outcome.RED, readings=(disk(), bad))) == [bad]


def test_all_readings_tell_when_none_is_bad_alone() -> None:
    readings = (Reading(name="mode", value="0644", at=START),)
    assert wording.telling(result(Outcome.RED, readings=readings)) == readings

"""Nights: which profile holds, and since when logs are read."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from pytest_ddd.baseline import nights
from pytest_ddd.baseline.sections.environment import Environment, Night


def environment(timezone: str = "UTC", start: str = "22:00", end: str = "06:00") -> Environment:
    night = Night.model_validate({"start": start, "end": end})
    return Environment(timezone=timezone, night=night)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("moment", "profile"),
    [
        ("2026-03-10T21:59:59", "day"),
        ("2026-03-10T22:00:00", "night"),
        ("2026-03-10T00:00:00", "night"),
        ("2026-03-10T05:59:59", "night"),
        ("2026-03-10T06:00:00", "day"),
    ],
)
def test_a_night_crosses_midnight(moment: str, profile: str) -> None:
    assert nights.profile(environment(), at(moment)) == profile


@pytest.mark.parametrize(
    ("moment", "profile"),
    [
        ("2026-03-10T00:30:00", "day"),
        ("2026-03-10T01:00:00", "night"),
        ("2026-03-10T05:00:00", "day"),
    ],
)
def test_a_night_may_begin_after_midnight(moment: str, profile: str) -> None:
    assert nights.profile(environment(start="01:00", end="05:00"), at(moment)) == profile


def test_the_night_is_that_of_the_time_zone() -> None:
    assert nights.profile(environment("Asia/Tokyo"), at("2026-03-10T13:30:00")) == "night"


@pytest.mark.parametrize(
    ("moment", "start"),
    [
        ("2026-03-10T07:30:00", "2026-03-09T22:00:00"),
        ("2026-03-10T06:00:00", "2026-03-09T22:00:00"),
        ("2026-03-10T21:00:00", "2026-03-09T22:00:00"),
        ("2026-03-10T22:05:00", "2026-03-09T22:00:00"),
        ("2026-03-10T05:59:00", "2026-03-08T22:00:00"),
    ],
)
def test_the_last_night_is_the_last_one_that_is_over(moment: str, start: str) -> None:
    assert nights.last_night(environment(), at(moment)) == at(start)


def test_a_night_after_midnight_is_of_one_day() -> None:
    found = nights.last_night(environment(start="01:00", end="05:00"), at("2026-03-10T07:00:00"))

    assert found == at("2026-03-10T01:00:00")


def test_the_clock_is_put_forward_in_the_night() -> None:
    found = nights.last_night(environment("Europe/Berlin"), at("2026-03-29T05:30:00"))

    assert found == at("2026-03-28T21:00:00")

"""When a routine is due: days, months, holidays, and the nights on which clocks change."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_ddd.baseline.days import ORDINALS, WEEKDAYS, read_days
from pytest_ddd.baseline.sections.environment import Environment, Holidays
from pytest_ddd.errors import UsageError
from pytest_ddd.scenarios.holidays import OWN, calendar
from pytest_ddd.scenarios.schedule import Schedule
from tests.unit.scenarios.schedules import schedule, utc

ZONES = (
    "UTC",
    "Europe/Zurich",
    "America/New_York",
    "Africa/Cairo",  # changes at midnight
    "Australia/Lord_Howe",  # changes by half an hour
    "Asia/Kathmandu",
    "Pacific/Kiritimati",
    "America/St_Johns",
)


def local(made: Schedule, start: str, end: str) -> list[str]:
    found = made.between(utc(start), utc(end))
    return [f"{due.astimezone(made.zone):%a %m-%d %H:%M}" for due in found]


@pytest.mark.parametrize(
    ("days", "expected"),
    [
        ("business", ["Thu 12-24", "Mon 12-28", "Tue 12-29", "Wed 12-30", "Thu 12-31"]),
        (["Mon", "Sat"], ["Sat 12-26", "Mon 12-28"]),
        ("Tue", ["Tue 12-29"]),
        ("second Tue", []),
        ("last Fri", ["Fri 12-25"]),
        ("last day", ["Thu 12-31"]),
        ("last business day", ["Thu 12-31"]),
        ("26th day", ["Sat 12-26"]),
    ],
)
def test_days_in_words(days: object, expected: list[str]) -> None:
    made = schedule(days=days, zone="UTC", holiday=lambda day: "x" if day.day in (1, 25) else "")

    found = local(made, "2026-12-24", "2027-01-01")

    assert [each[:9] for each in found] == expected


def test_a_first_business_day_waits_for_holiday_and_weekend() -> None:
    made = schedule(days="first business day", holiday=lambda day: "x" if day.day == 1 else "")

    assert local(made, "2027-01-01", "2027-02-01") == ["Mon 01-04 07:30"]


def test_months_narrow_the_days() -> None:
    made = schedule(days="first Sat", months=("Jan", "Apr", "Jul", "Oct"))

    found = [each[4:9] for each in local(made, "2026-01-01", "2027-01-01")]

    assert found == ["01-03", "04-04", "07-04", "10-03"]


def test_several_times_of_a_day_are_in_their_order() -> None:
    made = schedule(at=["19:00", "07:30"])

    assert [each[-5:] for each in local(made, "2026-06-01", "2026-06-02")] == ["07:30", "19:00"]


def test_02_30_is_not_due_in_the_night_that_leaves_it_out() -> None:
    made = schedule(at="02:30")

    assert local(made, "2027-03-27", "2027-03-30") == ["Sat 03-27 02:30", "Mon 03-29 02:30"]
    left_out = list(made.left_out(utc("2027-03-01"), utc("2027-04-01")))
    assert left_out == [datetime(2027, 3, 28, 2, 30)]  # noqa: DTZ001  # it has no offset


def test_02_30_is_due_once_in_the_night_that_has_it_twice() -> None:
    made = schedule(at="02:30")

    found = list(made.between(utc("2026-10-24T12:00"), utc("2026-10-25T12:00")))

    assert found == [utc("2026-10-25T00:30")]


def test_a_run_over_the_change_took_what_it_really_took() -> None:
    made = schedule(at="01:50")
    (due,) = made.between(utc("2027-03-27T12:00"), utc("2027-03-28T12:00"))

    ended = datetime(2027, 3, 28, 3, 5, tzinfo=made.zone)

    assert ended.astimezone(UTC) - due == timedelta(minutes=15)


def test_a_grace_over_the_change_is_real_time() -> None:
    made = schedule(at="01:50", grace=timedelta(minutes=30))
    due = utc("2027-03-28T00:50")

    assert made.startable(datetime(2027, 3, 28, 3, 20, tzinfo=made.zone)) == due
    assert made.startable(datetime(2027, 3, 28, 3, 21, tzinfo=made.zone)) is None


def test_a_grace_reaches_over_midnight() -> None:
    made = schedule(at="23:50", days="Tue", zone="UTC")

    assert made.startable(utc("2026-12-02T00:20")) == utc("2026-12-01T23:50")


@pytest.mark.parametrize(
    ("moment", "due"),
    [
        ("2026-06-01T07:29:59", None),
        ("2026-06-01T07:30:00", "2026-06-01T07:30"),
        ("2026-06-01T08:00:00", "2026-06-01T07:30"),
        ("2026-06-01T08:00:01", None),
    ],
)
def test_a_run_may_start_from_due_to_the_end_of_grace(moment: str, due: str | None) -> None:
    assert schedule(zone="UTC").startable(utc(moment)) == (utc(due) if due else None)


def test_what_is_never_due_has_no_next_time() -> None:
    made = schedule(days="business", holiday=lambda _: "closed")

    assert made.next_after(utc("2026-01-01")) is None
    assert made.last_until(utc("2026-01-01")) is None


def test_the_holidays_of_a_country() -> None:
    named = calendar(Holidays(country="CH", region="ZH"))

    assert (named(date(2026, 12, 24)), bool(named(date(2026, 12, 25)))) == ("", True)


def test_the_environment_adds_and_removes_holidays() -> None:
    own = Holidays.model_validate(
        {"country": "CH", "days": ["2026-12-24"], "worked": ["2026-12-25"]}
    )
    named = calendar(own)

    assert (named(date(2026, 12, 24)), named(date(2026, 12, 25))) == (OWN, "")


@pytest.mark.parametrize("place", [{"country": "XX"}, {"country": "CH", "region": "QQ"}])
def test_an_unknown_country_is_named(place: dict[str, str]) -> None:
    with pytest.raises(UsageError, match="no holidays are known for"):
        calendar(Holidays.model_validate(place))


def test_without_the_library_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "holidays", None)

    with pytest.raises(UsageError, match="extra is not installed"):
        calendar(Holidays(country="CH"))


def test_business_days_are_weekdays() -> None:
    with pytest.raises(ValueError, match="business_days is a list of weekdays"):
        Environment.model_validate({"business_days": "second Tue"})


@pytest.mark.parametrize(
    "text",
    ["", "tuesday", "Tues", "fifth Tue", "second", "31st day", "0th day", "2th", "second tue x", 3, [], [1], None, ["Mon", "x"]],
)  # fmt: skip
def test_what_is_no_day_is_refused(text: object) -> None:
    with pytest.raises(ValueError, match="not days"):
        read_days(text)


@pytest.mark.parametrize("text", ["daily", "Tue", "second Tue", "last business day", "last day"])
def test_days_are_told_as_they_are_written(text: str) -> None:
    assert str(read_days(text)) == text


days = st.one_of(
    st.sampled_from(["daily", "business", "last day", "15th day"]),
    st.lists(st.sampled_from(WEEKDAYS), min_size=1),
    st.builds(
        lambda ordinal, what: f"{ordinal} {what}",
        st.sampled_from(sorted(ORDINALS)),
        st.sampled_from([*WEEKDAYS, "day", "business day"]),
    ),
)
made_schedules = st.builds(
    Schedule,
    scenario=st.just("x"),
    zone=st.sampled_from([ZoneInfo(name) for name in ZONES]),
    times=st.lists(
        st.builds(time, st.integers(0, 23), st.integers(0, 59)), min_size=1, max_size=3, unique=True
    ).map(lambda times: tuple(sorted(times))),
    days=days.map(read_days),
    grace=st.integers(60, 86400).map(lambda seconds: timedelta(seconds=seconds)),
)
START, END = (datetime(year, 1, 1) for year in (2024, 2029))  # noqa: DTZ001  # st.datetimes wants it so
moments = st.datetimes(START, END, timezones=st.just(UTC))


@given(made=made_schedules, moment=moments)
def test_next_and_last_are_neighbours(made: Schedule, moment: datetime) -> None:
    last, following = made.last_until(moment), made.next_after(moment)

    assert last is not None
    assert following is not None
    assert last <= moment < following
    assert made.next_after(last) == following
    assert made.last_until(following) == following


@given(made=made_schedules, moment=moments, days=st.integers(1, 90))
def test_between_is_next_after_next(made: Schedule, moment: datetime, days: int) -> None:
    end = moment + timedelta(days=days)
    found, due = [], made.next_after(moment - timedelta.resolution)
    while due is not None and due < end:
        found.append(due)
        due = made.next_after(due)

    assert list(made.between(moment, end)) == found


@given(made=made_schedules, moment=moments)
def test_every_due_time_is_one_of_the_times(made: Schedule, moment: datetime) -> None:
    for due in made.between(moment, moment + timedelta(days=40)):
        there = due.astimezone(made.zone)
        assert there.time() in made.times
        assert made.is_due_on(there.date())
        assert there.fold == 0


@given(made=made_schedules, moment=moments)
def test_what_may_start_is_due_and_not_over(made: Schedule, moment: datetime) -> None:
    due = made.startable(moment)

    assert due is None or due <= moment <= due + made.grace

"""When the night is: which limits hold now, and from when on overnight logs are read."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from pytest_ddd.baseline.sections.environment import Environment

_BEGUN_S = 3600
"""A night that began less than an hour ago is not the last night yet: looking back five minutes
would hide what the night before left."""


def profile(environment: Environment, moment: datetime) -> Literal["day", "night"]:
    """Return which limits hold at a moment, by the environment's own clock."""
    local = moment.astimezone(ZoneInfo(environment.timezone)).time()
    start, end = environment.night.start, environment.night.end
    inside = start <= local < end if start <= end else local >= start or local < end
    return "night" if inside else "day"


def last_night(environment: Environment, moment: datetime) -> datetime:
    """Return when the last night began, in UTC."""
    zone = ZoneInfo(environment.timezone)
    today = moment.astimezone(zone).date()
    begun = moment - timedelta(seconds=_BEGUN_S)
    starts = (_at(today - timedelta(days=days), environment.night.start, zone) for days in range(4))
    return next(start for start in starts if start <= begun)


def _at(day: date, hour: time, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, hour, tzinfo=zone).astimezone(UTC)

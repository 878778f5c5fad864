"""Day and night of an environment, in its own time zone."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from pytest_ddd.baseline.sections.environment import Environment


def profile(environment: Environment, moment: datetime) -> Literal["day", "night"]:
    """Return which limits hold at a moment: a night begins at `start` and is over at `end`."""
    local = moment.astimezone(ZoneInfo(environment.timezone))
    start, end = environment.night.start, environment.night.end
    now = local.time().replace(tzinfo=None)
    is_night = start <= now < end if start < end else now >= start or now < end
    return "night" if is_night else "day"


def last_night(environment: Environment, moment: datetime) -> datetime:
    """Return when the last night that is over began, aware, in UTC.

    In the middle of a night that is the start of the night before, so that a run at 22:05 looks
    at more than five minutes of logs.
    """
    day = moment.astimezone(ZoneInfo(environment.timezone)).date() + timedelta(days=1)
    while True:
        start, end = _night(environment, day)
        if end <= moment:
            return start
        day -= timedelta(days=1)


def _night(environment: Environment, day: date) -> tuple[datetime, datetime]:
    """Return start and end of the night that begins on a day."""
    zone = ZoneInfo(environment.timezone)
    start, end = environment.night.start, environment.night.end
    last_day = day if start < end else day + timedelta(days=1)
    begins = datetime.combine(day, start, zone)
    ends = datetime.combine(last_day, end, zone)
    return begins.astimezone(UTC), ends.astimezone(UTC)

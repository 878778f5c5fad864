"""When a routine is due: arithmetic on days and times of day, nothing else.

Daylight saving is decided as systemd does: a time that a change of clocks leaves out is not due
that night, and a time that comes twice is due the first time. Times go out aware, in UTC; what is
between two of them is real time.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import islice
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from pytest_ddd.baseline.days import DAILY, Days, Unit
from pytest_ddd.scenarios.holidays import Calendar, calendar

if TYPE_CHECKING:
    from pytest_ddd.baseline.model import Baseline

_DAY = timedelta(days=1)
_LOOK_AHEAD = timedelta(days=5 * 366)
"""Further away than that nothing is looked for: a leap day comes at least every eight years, but
nobody maintains once in eight years."""

_MONDAY_TO_FRIDAY = (0, 1, 2, 3, 4)


def _no_holidays(_: date) -> str:
    return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """When one routine is due. `business` are the weekdays of work, 0 is Monday."""

    scenario: str
    zone: ZoneInfo
    times: tuple[time, ...]
    days: Days = DAILY
    months: tuple[int, ...] = ()
    grace: timedelta = timedelta(minutes=30)
    business: tuple[int, ...] = _MONDAY_TO_FRIDAY
    holiday: Calendar = _no_holidays

    def between(self, start: datetime, end: datetime) -> Iterator[datetime]:
        """Yield the due times from `start` on and before `end`."""
        day = start.astimezone(self.zone).date() - _DAY  # zones differ by less than a day
        last = end.astimezone(self.zone).date() + _DAY
        while day <= last:
            for due in self._on(day):
                if start <= due < end:
                    yield due
            day += _DAY

    def next_after(self, moment: datetime) -> datetime | None:
        """Return the first due time after a moment; None when there is none for five years."""
        later = self.between(moment + timedelta.resolution, moment + _LOOK_AHEAD)
        return next(later, None)

    def last_until(self, moment: datetime) -> datetime | None:
        """Return the last due time that is not after a moment; None when there was none."""
        day = moment.astimezone(self.zone).date() + _DAY
        oldest = day - _LOOK_AHEAD
        while day >= oldest:
            found = [due for due in self._on(day) if due <= moment]
            if found:
                return found[-1]
            day -= _DAY
        return None

    def startable(self, moment: datetime) -> datetime | None:
        """Return the due time whose run may start now: it is due, and its grace is not over."""
        due = self.last_until(moment)
        return due if due is not None and moment <= due + self.grace else None

    def left_out(self, start: datetime, end: datetime) -> Iterator[datetime]:
        """Yield the local times, without an offset, that changes of clocks leave out."""
        day = start.astimezone(self.zone).date()
        while day <= end.astimezone(self.zone).date():
            if self.is_due_on(day):
                for at in self.times:
                    if self._moment(day, at) is None:
                        yield datetime.combine(day, at)
            day += _DAY

    def is_due_on(self, day: date) -> bool:
        """Return whether anything is due on a day."""
        if self.months and day.month not in self.months:
            return False
        return self._counts(day) and (self.days.ordinal is None or day == self._nth(day))

    def _on(self, day: date) -> list[datetime]:
        """Return the due times of a day, in their order."""
        if not self.is_due_on(day):
            return []
        found = (self._moment(day, at) for at in self.times)
        return sorted({due for due in found if due is not None})

    def _counts(self, day: date) -> bool:
        """Return whether a day is of the kind that is counted."""
        if self.days.unit is Unit.BUSINESS:
            return day.weekday() in self.business and not self.holiday(day)
        return not self.days.weekdays or day.weekday() in self.days.weekdays

    def _nth(self, day: date) -> date | None:
        """Return the n-th day of the kind that is counted, in the month of a day."""
        assert self.days.ordinal is not None
        backwards = self.days.ordinal < 0
        first = day.replace(day=1)
        days = list(_month(first))
        ordered = reversed(days) if backwards else iter(days)
        counted = (each for each in ordered if self._counts(each))
        return next(islice(counted, abs(self.days.ordinal) - 1, None), None)

    def _moment(self, day: date, at: time) -> datetime | None:
        """Return a local time as a moment; None when the clocks leave it out."""
        moment = datetime.combine(day, at, self.zone).astimezone(UTC)  # fold 0: the first of two
        there = moment.astimezone(self.zone)
        return moment if there.time() == at and there.date() == day else None


def _month(first: date) -> Iterator[date]:
    day = first
    while day.month == first.month:
        yield day
        day += _DAY


def schedule_of(scenario: str, baseline: Baseline) -> Schedule | None:
    """Return when a routine is due in an environment; None when the baseline does not say.

    Raises:
        UsageError: the holidays are not known.
    """
    own = baseline.scenarios.get(scenario)
    if own is None or own.due is None:
        return None
    environment = baseline.environment
    return Schedule(
        scenario=scenario,
        zone=ZoneInfo(environment.timezone),
        times=tuple(sorted(set(own.due.at))),
        days=own.due.days,
        months=tuple(sorted(set(own.due.months))),
        grace=timedelta(seconds=own.due.grace),
        business=environment.business_days.weekdays,
        holiday=calendar(environment.holidays),
    )


def schedules(baseline: Baseline) -> tuple[Schedule, ...]:
    """Return when each routine is due, in the order of the baseline."""
    found = (schedule_of(name, baseline) for name in baseline.scenarios)
    return tuple(each for each in found if each is not None)

"""Windows that come back: `Tue 02:00-04:00`, `second Tue 02:00-04:00`, in local time."""

from __future__ import annotations

import calendar
import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_ORDINALS = {"first": 1, "second": 2, "third": 3, "fourth": 4, "last": -1}
_DAY = "|".join(_DAYS)
_CLOCK = r"(?:[01]\d|2[0-3]):[0-5]\d"
_WINDOW = re.compile(
    rf"(?:(?P<ordinal>{'|'.join(_ORDINALS)}) )?"
    rf"(?P<days>daily|(?:{_DAY})(?:-(?:{_DAY})|(?:,(?:{_DAY}))*))"
    rf" (?P<start>{_CLOCK})-(?P<end>{_CLOCK}|24:00)"
)

EXAMPLES = "Tue 02:00-04:00, Mon-Fri 22:00-06:00, second Tue 02:00-04:00, daily 03:00-03:30"


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """A time of the week or month in one time zone; it may cross midnight.

    On the night of a clock change it lasts from one reading of the clock to the other: a time
    that comes twice begins at the first and ends at the second, and a time that does not exist
    is as long after midnight as it says (02:30 is 03:30 on a day without 02:30).
    """

    days: frozenset[int]
    """Weekdays on which it begins; Monday is 0."""
    ordinal: int | None
    """Which of the month's such days: 2 is the second, -1 the last; None is each."""
    start: time
    end: time
    """At `start` or before it is meant on the day after."""
    zone: str

    def begun(self, moment: datetime) -> tuple[datetime, datetime] | None:
        """Return start and end (UTC) of the occurrence that holds at a moment, if one does."""
        today = moment.astimezone(ZoneInfo(self.zone)).date()
        for day in (today - timedelta(days=1), today):
            if self._begins_on(day):
                start, end = self._on(day)
                if start <= moment < end:
                    return start, end
        return None

    def _begins_on(self, day: date) -> bool:
        if day.weekday() not in self.days:
            return False
        if self.ordinal is None:
            return True
        if self.ordinal > 0:
            return (day.day - 1) // 7 + 1 == self.ordinal
        return day.day + 7 > calendar.monthrange(day.year, day.month)[1]

    def _on(self, day: date) -> tuple[datetime, datetime]:
        zone = ZoneInfo(self.zone)
        last = day if self.start < self.end else day + timedelta(days=1)
        begins = datetime.combine(day, self.start, zone)
        ends = datetime.combine(last, self.end, zone)
        twice = ends.replace(fold=1)
        if twice.utcoffset() != ends.utcoffset() and _exists(ends):
            ends = twice
        return begins.astimezone(UTC), ends.astimezone(UTC)


def _exists(moment: datetime) -> bool:
    """Whether clocks of its zone ever show a moment."""
    back = moment.astimezone(UTC).astimezone(moment.tzinfo)
    return back.replace(tzinfo=None) == moment.replace(tzinfo=None)


def parse_window(text: str, zone: str) -> Window:
    """Read a window.

    Raises:
        ValueError: the text is none.
    """
    found = _WINDOW.fullmatch(text.strip())
    if found is None:
        raise ValueError(f"not a window: {text!r} (write {EXAMPLES})")
    start, end = time.fromisoformat(found["start"]), found["end"].replace("24:00", "00:00")
    if start == time.fromisoformat(end) and start != time(0):
        raise ValueError(f"start and end are the same: {text!r} needs a length")
    if found["ordinal"] and found["days"] not in _DAYS:
        raise ValueError(f"which day of the month? {text!r} (write second Tue 02:00-04:00)")
    return Window(
        days=_days(found["days"]),
        ordinal=_ORDINALS[found["ordinal"]] if found["ordinal"] else None,
        start=start,
        end=time.fromisoformat(end),
        zone=zone,
    )


def _days(text: str) -> frozenset[int]:
    if text == "daily":
        return frozenset(range(7))
    if "-" in text:
        first, last = (_DAYS.index(name) for name in text.split("-"))
        return frozenset((first + step) % 7 for step in range((last - first) % 7 + 1))
    return frozenset(_DAYS.index(name) for name in text.split(","))

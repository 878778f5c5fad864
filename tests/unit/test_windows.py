"""Windows in local time: over midnight, in months, and on the nights of clock changes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from pytest_ddd.windows import parse_window

ZONE = "Europe/Zurich"


def at(text: str, fold: int = 0) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(ZONE), fold=fold).astimezone(UTC)


@pytest.mark.parametrize(
    ("window", "moment", "holds"),
    [
        ("Tue 02:00-04:00", "2026-11-24 01:59", False),
        ("Tue 02:00-04:00", "2026-11-24 02:00", True),
        ("Tue 02:00-04:00", "2026-11-24 03:59", True),
        ("Tue 02:00-04:00", "2026-11-24 04:00", False),
        ("Tue 02:00-04:00", "2026-11-25 03:00", False),
        ("second Tue 02:00-04:00", "2026-11-10 03:00", True),
        ("second Tue 02:00-04:00", "2026-11-17 03:00", False),
        ("last Fri 22:00-24:00", "2026-11-27 23:59", True),
        ("last Fri 22:00-24:00", "2026-11-20 23:00", False),
        ("Mon-Fri 22:00-06:00", "2026-11-28 05:59", True),  # Saturday: Friday's window
        ("Mon-Fri 22:00-06:00", "2026-11-28 22:00", False),
        ("Sat-Mon 12:00-13:00", "2026-11-29 12:30", True),
        ("Mon,Wed 12:00-13:00", "2026-11-25 12:30", True),
        ("daily 00:00-24:00", "2026-11-25 17:00", True),
        ("second Tue 23:00-01:00", "2026-11-11 00:30", True),
    ],
)
def test_when_it_holds(window: str, moment: str, holds: bool) -> None:
    assert (parse_window(window, ZONE).begun(at(moment)) is not None) == holds


@pytest.mark.parametrize(
    ("window", "moment", "hours"),
    [
        ("daily 02:00-04:00", "2026-11-25 03:00", 2.0),
        ("daily 02:00-04:00", "2027-03-28 03:30", 1.0),  # there is no 02:00
        ("daily 02:00-04:00", "2026-10-25 03:30", 3.0),  # 02:00 comes twice
        ("daily 22:00-06:00", "2026-10-25 01:00", 9.0),
        ("daily 01:00-02:30", "2026-10-25 01:30", 2.5),  # ends at the second 02:30
        ("daily 01:00-02:30", "2027-03-28 01:30", 1.5),  # 02:30 does not exist: 03:30 is meant
    ],
)
def test_how_long_it_lasts_when_clocks_change(window: str, moment: str, hours: float) -> None:
    found = parse_window(window, ZONE).begun(at(moment))

    assert found is not None
    assert found[1] - found[0] == timedelta(hours=hours)


@pytest.mark.parametrize(
    "text",
    ["", "Tuesday 02:00-04:00", "Tue 2:00-4:00", "Tue 02:00", "Tue 25:00-26:00", "02:00-04:00",
     "fifth Tue 02:00-04:00", "second Mon-Fri 02:00-04:00", "second daily 02:00-04:00", "Tue 02:00-02:00"],
)  # fmt: skip
def test_what_is_none(text: str) -> None:
    with pytest.raises(ValueError, match=r"window|length|which day"):
        parse_window(text, ZONE)

"""When something was due, in any time zone and over clock changes."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import islice

import pytest

from pytest_ddd.baseline.due import dues_before

BERLIN = "Europe/Berlin"


@pytest.mark.parametrize(
    ("expression", "moment", "dues"),
    [
        ("0 18 * * 1-5", "2026-11-23T17:00:00", ["2026-11-23T17:00", "2026-11-20T17:00"]),
        ("0 18 * * 1-5", "2026-11-23T16:59:59", ["2026-11-20T17:00", "2026-11-19T17:00"]),
        ("0 18 * * 1-5", "2026-11-22T12:00:00", ["2026-11-20T17:00", "2026-11-19T17:00"]),
        ("@daily", "2026-11-22T12:00:00", ["2026-11-21T23:00", "2026-11-20T23:00"]),
        ("@monthly", "2026-11-22T12:00:00", ["2026-10-31T23:00", "2026-09-30T22:00"]),
        # 2:30 does not exist on the first day, and exists twice on the second
        ("30 2 * * *", "2026-03-29T12:00:00", ["2026-03-29T01:00", "2026-03-28T01:30"]),
        ("30 2 * * *", "2026-10-25T12:00:00", ["2026-10-25T00:30", "2026-10-24T00:30"]),
    ],
)
def test_the_latest_times_come_first(expression, moment, dues):
    asked = datetime.fromisoformat(moment).replace(tzinfo=UTC)
    found = islice(dues_before(expression, BERLIN, asked), 2)

    assert [due.strftime("%Y-%m-%dT%H:%M") for due in found] == dues


def test_leap_days_are_found():
    found = islice(dues_before("0 0 29 2 *", "UTC", datetime(2026, 1, 1, tzinfo=UTC)), 2)

    assert [due.year for due in found] == [2024, 2020]

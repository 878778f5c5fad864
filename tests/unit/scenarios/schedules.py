"""Make schedules for tests, and ask systemd when they are due."""

from __future__ import annotations

import re
import subprocess
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from pytest_ddd.baseline.days import read_days, read_month
from pytest_ddd.scenarios.schedule import Schedule

_UTC = re.compile(r"(?:Next elapse|Iter\. #\d+): \w{3} (\d{4}-\d\d-\d\d \d\d:\d\d:\d\d) UTC")
_IN_UTC = re.compile(r"\(in UTC\): \w{3} (\d{4}-\d\d-\d\d \d\d:\d\d:\d\d) UTC")


def schedule(
    at: str | list[str] = "07:30",
    days: object = "daily",
    zone: str = "Europe/Zurich",
    months: tuple[str, ...] = (),
    **more: object,
) -> Schedule:
    times = [at] if isinstance(at, str) else at
    return Schedule(
        scenario="morning-health-check",
        zone=ZoneInfo(zone),
        times=tuple(sorted(time.fromisoformat(each) for each in times)),
        days=read_days(days),
        months=tuple(read_month(each) for each in months),
        **more,  # type: ignore[arg-type]  # as the test says
    )


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def systemd_says(expression: str, start: datetime, count: int) -> list[datetime]:
    """Return the next elapses after a moment, as systemd-analyze counts them."""
    done = subprocess.run(
        [
            "systemd-analyze",
            "calendar",
            f"--iterations={count}",
            f"--base-time={(start - timedelta(seconds=1)):%Y-%m-%d %H:%M:%S} UTC",
            expression,
        ],
        capture_output=True,
        text=True,
        check=True,
        env={"TZ": "UTC", "LC_ALL": "C.UTF-8"},
    )
    return [
        datetime.strptime(found, "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC)
        for found in _UTC.findall(done.stdout)
    ]

"""Write jobs as lines of a crontab."""

from __future__ import annotations

import shlex
from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from pytest_ddd.scenarios.schedule import Schedule
from pytest_ddd.scenarios.timers.job import HEADER, TICK_TITLE, File, Job, Site

NEXT_STEPS = """\
timedatectl    # where cron knows no CRON_TZ, the machine's zone must be that of the file
cp {out}/* /etc/cron.d/"""

_SAMPLE_START = datetime(2026, 1, 1, tzinfo=UTC)
_SAMPLE = timedelta(days=5 * 366)
"""Times of five years: every weekday, every month and every offset of the zone is among them."""


def files(jobs: Sequence[Job], site: Site) -> list[File]:
    """Return one crontab for the environment, in the form of /etc/cron.d."""
    zone = ZoneInfo(site.zone) if site.zone else jobs[0].schedule.zone
    lines = [
        f"# {HEADER}",
        f"# Times are those of {zone.key}. Debian's cron knows no CRON_TZ: there the time zone",
        "# of the machine itself has to be this one.",
        "SHELL=/bin/sh",
        f"CRON_TZ={zone.key}",
        "DDD_ESCALATE=on",
    ]
    for job in jobs:
        lines += ["", f"# {job.title}"]
        lines += [_line(each, site, job.words) for each in expressions(job.schedule, zone)]
    lines += ["", f"# {TICK_TITLE}", _line("* * * * *", site, site.tick_words)]
    return [File(name=site.name, text="\n".join(lines) + "\n")]


def expressions(schedule: Schedule, zone: ZoneInfo | None = None) -> list[str]:
    """Return `minute hour day month weekday`, one for each time of day, in a zone (its own).

    Cron knows no second Tuesday and no holiday; what is written fires at least whenever the
    routine is due, and `pytest-ddd schedule run` starts only what is due.
    """
    local = zone or schedule.zone
    by_time: dict[tuple[int, int], list[datetime]] = defaultdict(list)
    for due in schedule.between(_SAMPLE_START, _SAMPLE_START + _SAMPLE):
        there = due.astimezone(local)
        by_time[there.hour, there.minute].append(there)
    return [f"{minute} {hour} {_days(found)}" for (hour, minute), found in sorted(by_time.items())]


def _days(found: Sequence[datetime]) -> str:
    """Return day of month, month and weekday; cron takes either day, so one of them is `*`."""
    weekdays = {due.isoweekday() % 7 for due in found}
    days = {due.day for due in found}
    months = _some({due.month for due in found}, 12)
    if len(weekdays) == 7 and len(days) < 28:
        return f"{_some(days, 31)} {months} *"
    return f"* {months} {_some(weekdays, 7)}"


def _some(numbers: set[int], all_of_them: int) -> str:
    return "*" if len(numbers) == all_of_them else ",".join(map(str, sorted(numbers)))


def _line(when: str, site: Site, words: Sequence[str]) -> str:
    """Return one line. `%` means a new line to cron."""
    command = f"cd {shlex.quote(site.directory)} && {shlex.join((site.program, *words))}"
    quiet = f"{command} 2>&1 | logger -t pytest-ddd".replace("%", "\\%")
    return f"{when} {site.user or 'root'} {quiet}"

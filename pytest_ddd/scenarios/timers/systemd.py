"""Write jobs as timers and services of systemd."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import time

from pytest_ddd.baseline.days import WEEKDAYS, Unit
from pytest_ddd.scenarios.schedule import Schedule
from pytest_ddd.scenarios.timers.job import HEADER, TICK_TITLE, File, Job, Site

NEXT_STEPS = """\
systemd-analyze verify {out}/*.timer
cp {out}/*.service {out}/*.timer /etc/systemd/system/
systemctl daemon-reload
(cd {out} && systemctl enable --now *.timer)"""

_TICK_LIMIT_S = 300


def files(jobs: Sequence[Job], site: Site) -> list[File]:
    """Return a service and a timer for each job and for the tick."""
    found = [File(name=name, text=text) for job in jobs for name, text in _units(job, site)]
    tick = f"{site.environment}: {TICK_TITLE}"
    service = _service(tick, site, site.tick_words, _TICK_LIMIT_S)
    timer = _timer(tick, ("OnBootSec=1min", "OnUnitActiveSec=1min"))
    return [
        *found,
        File(name=f"{site.tick_name}.service", text=service),
        File(name=f"{site.tick_name}.timer", text=timer),
    ]


def on_calendar(schedule: Schedule) -> list[str]:
    """Return the expressions of OnCalendar=, one for each time of day.

    Holidays, and business days that are counted, cannot be said: there the timer fires more
    often, and `pytest-ddd schedule run` starts only what is due.
    """
    return [_expression(schedule, at) for at in schedule.times]


def _expression(schedule: Schedule, at: time) -> str:
    days = schedule.days
    months = ",".join(f"{month:02d}" for month in schedule.months) or "*"
    numbers = schedule.business if days.unit is Unit.BUSINESS else days.weekdays
    weekdays = ",".join(WEEKDAYS[number] for number in numbers)
    date = f"*-{months}{_day(schedule)}"
    return " ".join(filter(None, (weekdays, date, f"{at:%H:%M:%S}", schedule.zone.key)))


def _day(schedule: Schedule) -> str:
    """Return the day of the month; `~` counts from its end."""
    days = schedule.days
    if days.ordinal is None or days.unit is Unit.BUSINESS:
        return "-*"
    if days.unit is Unit.DAY:
        return "~01" if days.ordinal < 0 else f"-{days.ordinal:02d}"
    if days.ordinal < 0:
        return "~07/1"  # among the last seven days
    first = 7 * (days.ordinal - 1) + 1
    return f"-{first:02d}..{first + 6:02d}"


def _units(job: Job, site: Site) -> Iterator[tuple[str, str]]:
    title = f"{site.environment}: {job.title}"
    yield f"{job.name}.service", _service(title, site, job.words, job.limit_s)
    lines = [f"OnCalendar={each}" for each in on_calendar(job.schedule)]
    yield f"{job.name}.timer", _timer(title, (*lines, "Persistent=true"))


def _service(title: str, site: Site, words: Sequence[str], limit_s: int) -> str:
    lines = [
        f"# {HEADER}",
        "[Unit]",
        f"Description={_escaped(title)}",
        "Wants=network-online.target",
        "After=network-online.target",
        "",
        "[Service]",
        "Type=oneshot",
        *([f"User={site.user}"] if site.user else []),
        f"WorkingDirectory={_escaped(site.directory)}",
        "Environment=DDD_ESCALATE=on",
        f"ExecStart={' '.join(_word(word) for word in (site.program, *words))}",
        f"TimeoutStartSec={limit_s}",
        "KillMode=mixed",
    ]
    return "\n".join(lines) + "\n"


def _timer(title: str, when: Sequence[str]) -> str:
    lines = [
        f"# {HEADER}",
        "[Unit]",
        f"Description={_escaped(title)}",
        "",
        "[Timer]",
        *when,
        "AccuracySec=1s",
        "",
        "[Install]",
        "WantedBy=timers.target",
    ]
    return "\n".join(lines) + "\n"


def _escaped(text: str) -> str:
    """Return a text in which systemd finds no specifier."""
    return text.replace("%", "%%")


def _word(text: str) -> str:
    """Return one word of a command line of systemd."""
    escaped = _escaped(text).replace("\\", "\\\\").replace("$", "$$")
    return '"' + escaped.replace('"', '\\"') + '"' if set(text) & set(" \t'\";") else escaped

"""Write the schedules of an environment for systemd, cron, Kubernetes or GitHub Actions."""

from __future__ import annotations

import argparse
import importlib
import sys
from datetime import timedelta
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, cast
from zoneinfo import ZoneInfo, available_timezones

from pytest_ddd import clock, login
from pytest_ddd.cli.printing import complain, say
from pytest_ddd.cli.scheduling.place import add_environment, load, of_scenario
from pytest_ddd.errors import UsageError

if TYPE_CHECKING:
    from pytest_ddd.baseline.model import Baseline
    from pytest_ddd.baseline.sections.escalation import Rule
    from pytest_ddd.scenarios.schedule import Schedule
    from pytest_ddd.scenarios.timers.job import File, Job, Site, Writer

FORMATS = ("systemd", "cron", "kubernetes", "github")
_CHECK = "occurrence"
_SETS_NIGHT = "end-of-day-validation"
"""Its last step sets what holds in the night, if it may change hosts."""

_WARNED_AHEAD = timedelta(days=365)
_STOPPED_AFTER_BUDGETS = 2
_AND_S = 600
"""A run is stopped after twice its budget and ten minutes: late enough to be hung for sure."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add what it takes."""
    add_environment(parser)
    parser.add_argument("--format", choices=FORMATS, required=True, help="what keeps the time")
    parser.add_argument(
        "--out", type=Path, metavar="DIR", help="where files go (default: schedules/FORMAT)"
    )
    parser.add_argument(
        "--apply",
        action="append",
        default=[],
        metavar="SCENARIO",
        help="a routine whose actions may change hosts: its runs get --ddd-apply; repeatable",
    )
    parser.add_argument(
        "--directory",
        default=str(Path.cwd()),
        metavar="DIR",
        help="the site, where it will run (default: here)",
    )
    parser.add_argument(
        "--user", default=login.name(), metavar="NAME", help="as whom it runs (default: you)"
    )
    parser.add_argument(
        "--zone", default="", metavar="ZONE", help="for cron: the time zone of the machine"
    )
    parser.add_argument("--image", default="", metavar="NAME", help="for kubernetes: the image")
    parser.add_argument(
        "--check", action="store_true", help="write nothing; 1 when the files say something else"
    )


def run(arguments: argparse.Namespace) -> int:
    """Write the files, or compare them."""
    from pytest_ddd.scenarios.timers.job import Site

    baseline, schedules = load(arguments)
    for name in arguments.apply:
        of_scenario(schedules, name)
    jobs = [_job(baseline, each, each.scenario in arguments.apply) for each in schedules]
    if _SETS_NIGHT in arguments.apply:
        jobs.append(_day_profile(baseline))
    writer = cast(
        "Writer", importlib.import_module(f"pytest_ddd.scenarios.timers.{arguments.format}")
    )
    site = Site(
        environment=baseline.name,
        directory=arguments.directory,
        program=str(Path(sys.executable).with_name("pytest-ddd")),
        user=arguments.user,
        image=arguments.image,
        zone=_known_zone(arguments.zone),
    )
    out: Path = arguments.out or Path("schedules", arguments.format)
    for schedule in schedules:
        _warn(schedule)
    if not any(_hears_of_missed_runs(rule) for rule in baseline.escalation.rules.values()):
        complain(
            "! nobody is told of a missed run: add to escalation.rules "
            "missed-run: {when: [RED], check: occurrence, notify: [CHANNEL]}"
        )
    if arguments.check:
        return _compare(writer.files(jobs, site), out)
    return _write(writer, jobs, site, out)


def _write(writer: Writer, jobs: list[Job], site: Site, out: Path) -> int:
    files = writer.files(jobs, site)
    out.mkdir(parents=True, exist_ok=True)
    for file in files:
        (out / file.name).write_text(file.text, encoding="utf-8")
        say(f"✓ {out / file.name}")
    say("\nnext:")
    for line in writer.NEXT_STEPS.format(out=out).splitlines():
        say(f"  {line}")
    return 0


def _compare(files: list[File], out: Path) -> int:
    status = 0
    for file in files:
        path = out / file.name
        found = path.read_text(encoding="utf-8") if path.is_file() else None
        if found != file.text:
            complain(f"✗ {path}: {'missing' if found is None else 'not what the baseline says'}")
            status = 1
    return status


def _job(baseline: Baseline, schedule: Schedule, applies: bool) -> Job:
    from pytest_ddd.scenarios.catalogue import find, frequency_of
    from pytest_ddd.scenarios.timers.job import Job
    from pytest_ddd.scenarios.timing import budget_s

    scenario = find(schedule.scenario, frequency_of(schedule.scenario))
    limit_s = _STOPPED_AFTER_BUDGETS * budget_s(scenario, baseline) + _AND_S
    return Job(
        environment=baseline.name,
        title=scenario.title,
        schedule=schedule,
        limit_s=int(limit_s),
        options=("--ddd-apply",) if applies else (),
        red_ok=bool(baseline.escalation.rules),
    )


def _known_zone(name: str) -> str:
    if name and name not in available_timezones():
        raise UsageError(f"--zone: no time zone {name!r}", hint="timedatectl list-timezones")
    return name


def _day_profile(baseline: Baseline) -> Job:
    """Return the job that takes back, at the end of the night, what was set for it."""
    from pytest_ddd.scenarios.schedule import Schedule
    from pytest_ddd.scenarios.timers.job import Job

    environment = baseline.environment
    return Job(
        environment=baseline.name,
        title="Bring the day profile back",
        schedule=Schedule(
            scenario="day-profile",
            zone=ZoneInfo(environment.timezone),
            times=(environment.night.end,),
        ),
        limit_s=_AND_S,
        command=("action", "undo", f"--host={baseline.name}"),
    )


def _hears_of_missed_runs(rule: Rule) -> bool:
    """Return whether a rule watches what `schedule tick` finds out."""
    return fnmatchcase(_CHECK, rule.check or "*") and not rule.scenario and "RED" in rule.when


def _warn(schedule: Schedule) -> None:
    """Say on which nights of the next year a time does not exist."""
    now = clock.now()
    for missing in schedule.left_out(now, now + _WARNED_AHEAD):
        complain(
            f"! {schedule.scenario}: {missing:%Y-%m-%d %H:%M} does not exist in "
            f"{schedule.zone.key}, because clocks are put forward: it is not due that day"
        )

"""Say that a run need not have happened, with a reason and a name; objectives leave it out."""

from __future__ import annotations

import argparse
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from pytest_ddd import clock, login
from pytest_ddd.cli.history_place import add_history, open_history
from pytest_ddd.cli.printing import say
from pytest_ddd.cli.scheduling.place import add_environment, load, of_scenario
from pytest_ddd.errors import UsageError

if TYPE_CHECKING:
    from pytest_ddd.scenarios.schedule import Schedule


def configure(parser: argparse.ArgumentParser) -> None:
    """Add what it takes."""
    parser.add_argument("scenario", metavar="SCENARIO", help="which routine")
    parser.add_argument(
        "due", metavar="WHEN", help='when it was or will be due: "2026-11-27 07:30"'
    )
    add_environment(parser)
    add_history(parser)
    parser.add_argument("--reason", required=True, metavar="TEXT", help="why; reports show it")


def run(arguments: argparse.Namespace) -> int:
    """Excuse one occurrence.

    Raises:
        UsageError: the routine is not due then, or a run has taken place.
    """
    from pytest_ddd.history import occurrences
    from pytest_ddd.occurrences import Occurrence

    if not arguments.reason.strip():
        raise UsageError("--reason: an excuse needs a reason that others can read")
    _, schedules = load(arguments)
    schedule = of_scenario(schedules, arguments.scenario)
    due = _due(schedule, arguments.due)
    with open_history(arguments) as store, store.transaction() as tx:
        known = occurrences.between(
            tx, due, due + timedelta.resolution, arguments.host, schedule.scenario
        )
        if any(each.run is not None for each in known):
            raise UsageError(
                f"{schedule.scenario} of {arguments.due} has run: what has run is not excused",
                hint=f"pytest-ddd schedule due --host={arguments.host}",
            )
        found = Occurrence(
            environment=arguments.host,
            scenario=schedule.scenario,
            due_at=due,
            grace_s=schedule.grace.total_seconds(),
        )
        reason, by = arguments.reason.strip(), login.name()
        occurrences.excuse(tx, replace(found, excuse=reason, excused_by=by))
    say(f"· {schedule.scenario}, due {clock.stamp(due)[:16]}Z, is excused: {arguments.reason}")
    return 0


def _due(schedule: Schedule, text: str) -> datetime:
    """Return the due time that a text means, in the zone of the environment."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(f'not a time: {text!r} (write "2026-11-27 07:30")') from None
    due = moment if moment.tzinfo is not None else moment.replace(tzinfo=schedule.zone)
    if due not in schedule.between(due, due + timedelta.resolution):
        following = schedule.next_after(due)
        near = f"; next: {following.astimezone(schedule.zone):%Y-%m-%d %H:%M}" if following else ""
        raise UsageError(f"{schedule.scenario} is not due at {text}{near}")
    return due

"""Tell which runs were due and what became of them, and what is due next."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from pytest_ddd import clock
from pytest_ddd.cli.history_place import add_history
from pytest_ddd.cli.printing import say
from pytest_ddd.cli.scheduling.place import add_environment, load, open_store
from pytest_ddd.errors import UsageError
from pytest_ddd.units import format_duration, parse_duration

if TYPE_CHECKING:
    from pytest_ddd.history.store import Store
    from pytest_ddd.occurrences import Occurrence
    from pytest_ddd.scenarios.schedule import Schedule

EXIT_NOT_ALL = 1

_SYMBOLS = {
    "done": "✓",
    "running": "…",
    "ahead": "·",
    "excused": "·",
    "missed": "✗",
    "aborted": "✗",
    "interrupted": "✗",
}


def configure(parser: argparse.ArgumentParser) -> None:
    """Add what it takes."""
    add_environment(parser)
    add_history(parser)
    parser.add_argument("--since", default="7d", help="how far back (default: 7d)")


def run(arguments: argparse.Namespace) -> int:
    """Print a line for each occurrence; 1 when one was missed or aborted."""
    _, schedules = load(arguments)
    now = clock.now()
    since = now - _back(arguments.since)
    store = open_store(arguments)
    is_bad = False
    if store is not None:
        with store:
            is_bad = _past(store, arguments.host, schedules, since, now)
    for schedule in schedules:
        due = schedule.next_after(now)
        when = _local(due, schedule) if due else "never"
        say(f"· {schedule.scenario:<26} next: {when}")
    return EXIT_NOT_ALL if is_bad else 0


def _past(
    store: Store,
    environment: str,
    schedules: tuple[Schedule, ...],
    since: datetime,
    now: datetime,
) -> bool:
    """Print what became of each occurrence, and return whether one was missed or aborted."""
    from pytest_ddd.history import occurrences, runs
    from pytest_ddd.history.expecting import remember

    with store.transaction() as tx:
        runs.abort_dead(tx)
        for schedule in schedules:
            remember(tx, environment, schedule, now)
        found = occurrences.between(tx, since, now + timedelta.resolution, environment)
    zones = {schedule.scenario: schedule for schedule in schedules}
    bad = False
    for each in found:
        word = each.happened(now).value
        bad = bad or _SYMBOLS[word] == "✗"
        when = _local(each.due_at, zones.get(each.scenario))
        say(f"{_SYMBOLS[word]} {each.scenario:<26} {when}  {word}{_more(each)}")
    return bad


def _more(occurrence: Occurrence) -> str:
    """Return what else there is to say of an occurrence."""
    run = occurrence.run
    if run is None:
        return f": {occurrence.excuse}" if occurrence.excuse else ""
    began = run.started_at - occurrence.due_at
    late = f", {format_duration(began.total_seconds())} late" if occurrence.late else ""
    outcome = f", {run.outcome.value}" if run.outcome is not None else ""
    return f"{outcome}{late}"


def _local(moment: datetime, schedule: Schedule | None) -> str:
    return f"{moment.astimezone(schedule.zone if schedule else UTC):%a %Y-%m-%d %H:%M %Z}"


def _back(text: str) -> timedelta:
    try:
        return timedelta(seconds=parse_duration(text))
    except ValueError as mistake:
        raise UsageError(f"--since: {mistake}") from None

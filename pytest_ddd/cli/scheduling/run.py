"""Run a routine if it is due now; this is what timers call."""

from __future__ import annotations

import argparse
import fcntl
import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_ddd import clock
from pytest_ddd.cli.history_place import add_history
from pytest_ddd.cli.printing import complain, say
from pytest_ddd.cli.scheduling.ping import Ping
from pytest_ddd.cli.scheduling.place import (
    add_environment,
    load,
    of_scenario,
    open_store,
)
from pytest_ddd.errors import RecordError
from pytest_ddd.scenarios.catalogue import frequency_of

if TYPE_CHECKING:
    from types import FrameType

    from pytest_ddd.scenarios.schedule import Schedule

EXIT_RED = 1

LOCKS = Path(".pytest-ddd", "locks")


def configure(parser: argparse.ArgumentParser) -> None:
    """Add what it takes."""
    parser.add_argument("scenario", metavar="SCENARIO", help="which routine")
    add_environment(parser)
    add_history(parser)
    parser.add_argument(
        "--red-ok",
        action="store_true",
        help="0 also when checks are red, so that 1 means that it could not run at all",
    )
    parser.add_argument(
        "--option",
        action="append",
        default=[],
        metavar="OPTION",
        help="what else pytest is told: --option=--ddd-apply; repeatable",
    )


def run(arguments: argparse.Namespace) -> int:
    """Run pytest for the occurrence that may start now, and return its exit status.

    When none may, say why and return 0: the timer has fired on a holiday, say.
    """
    baseline, schedules = load(arguments)
    schedule = of_scenario(schedules, arguments.scenario)
    now = clock.now()
    due = schedule.startable(now)
    if due is None:
        say(f"{schedule.scenario}: {_why_not(schedule, now)}")
        return 0
    with _alone(f"{baseline.name}-{schedule.scenario}") as is_alone:
        if not is_alone:
            say(f"{schedule.scenario}: is running already")
            return 0
        if _has_run(arguments, schedule, due):
            say(f"{schedule.scenario}: the run that was due at {clock.stamp(due)} has been")
            return 0
        own = baseline.scenarios[schedule.scenario].due
        url = own.ping if own is not None else ""
        with Ping(url, red_ok=bool(baseline.escalation.rules)) as ping:
            ping.start()
            status = _pytest(arguments, due)
            ping.end(status)
        return 0 if status == EXIT_RED and arguments.red_ok else status


def _pytest(arguments: argparse.Namespace, due: datetime) -> int:
    """Run pytest, pass on SIGTERM as Ctrl-C so that it keeps what it has, and wait for it."""
    scenario = arguments.scenario
    command = [
        sys.executable,
        "-m",
        "pytest",
        f"-m={frequency_of(scenario).value}",
        f"--ddd-scenario={scenario}",
        f"--ddd-host={arguments.host}",
        *arguments.option,
    ]
    environment = {**os.environ, "DDD_SCHEDULED": clock.stamp(due)}
    environment["DDD_BASELINES"] = str(arguments.baselines)
    if arguments.history:
        environment["DDD_HISTORY"] = arguments.history
    say(shlex.join(command))
    sys.stdout.flush()
    process: subprocess.Popen[bytes] | None = None
    stopped = False

    def pass_on(number: int, frame: FrameType | None) -> None:
        nonlocal stopped
        stopped = True
        if process is not None:
            process.send_signal(signal.SIGINT)

    # Before pytest starts: a shell's `&` has SIGINT ignored, and pytest would inherit that.
    before = {number: signal.signal(number, pass_on) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        process = subprocess.Popen(command, env=environment)
        if stopped:
            process.send_signal(signal.SIGINT)
        return process.wait()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _has_run(arguments: argparse.Namespace, schedule: Schedule, due: datetime) -> bool:
    """Return whether this occurrence has its run, or somebody is at it; remember that it was due.

    A run that died or was interrupted may be done once more within the grace. Where the history is
    away, the checks are done all the same: pytest keeps what it cannot write, and ends with 76.
    """
    from pytest_ddd.history import occurrences, runs
    from pytest_ddd.history.expecting import remember
    from pytest_ddd.occurrences import State

    try:
        store = open_store(arguments)
        if store is None:
            return False
        with store, store.transaction() as tx:
            runs.abort_dead(tx)
            remember(tx, arguments.host, schedule, due)
            found = occurrences.between(
                tx, due, due + due.resolution, arguments.host, schedule.scenario
            )
    except RecordError as failure:
        complain(f"! {failure}")
        return False
    settled = (State.FINISHED, State.RUNNING)
    return any(each.run is not None and each.run.state in settled for each in found)


def _why_not(schedule: Schedule, now: datetime) -> str:
    today = now.astimezone(schedule.zone).date()
    holiday = schedule.holiday(today)
    following = schedule.next_after(now)
    when = f"{following.astimezone(schedule.zone):%a %Y-%m-%d %H:%M %Z}" if following else "never"
    reason = f"{today} is {holiday}" if holiday else "nothing may start now"
    return f"{reason}; next: {when}"


@contextmanager
def _alone(name: str) -> Iterator[bool]:
    """Yield whether nobody else runs the same routine here; the lock ends with the process."""
    try:
        LOCKS.mkdir(mode=0o700, parents=True, exist_ok=True)
        file = (LOCKS / f"{name}.lock").open("w")
    except OSError as error:
        complain(f"! {LOCKS}: {error.strerror}: whether it is running already is not known")
        yield True
        return
    with file as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        yield True

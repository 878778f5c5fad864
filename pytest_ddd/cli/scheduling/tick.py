"""Look after the runs and the messages; call it every minute.

It stores what runs could not while the history was away, finds runs that were missed or died,
evaluates what no run has evaluated, asks which silences have ended, sends what waits in the outbox,
and tells Alertmanager again what it may have forgotten.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_ddd import clock
from pytest_ddd.cli.escalating.place import EXIT_UNDELIVERED
from pytest_ddd.cli.history_place import add_history
from pytest_ddd.cli.printing import complain, say
from pytest_ddd.cli.scheduling.place import add_environment, open_store
from pytest_ddd.errors import UsageError
from pytest_ddd.units import plural

if TYPE_CHECKING:
    from pytest_ddd.baseline.model import Baseline
    from pytest_ddd.escalation.evaluation import Mode
    from pytest_ddd.escalation.telling import Told
    from pytest_ddd.history.store import Store

EXIT_NOT_WRITTEN = 76

_REPOST_S = 10.0


def configure(parser: argparse.ArgumentParser) -> None:
    """Add what it takes."""
    add_environment(parser)
    add_history(parser)
    parser.add_argument(
        "--escalate",
        choices=("off", "dry-run", "on"),
        default=os.environ.get("DDD_ESCALATE", "dry-run"),
        help="whether anything leaves this machine (default: dry-run)",
    )


def run(arguments: argparse.Namespace) -> int:
    """Do it once, silently when there is no news.

    Returns:
        75 when a message has not arrived, 76 when a run's spool could not be stored.
    """
    from pytest_ddd.baseline.loader import load_baseline
    from pytest_ddd.escalation.evaluation import Mode

    if arguments.escalate not in tuple(Mode):
        raise UsageError(f"DDD_ESCALATE: {arguments.escalate!r} is none of off, dry-run, on")
    baseline = load_baseline(arguments.baselines, arguments.host)
    store = open_store(arguments)
    if store is None:
        raise UsageError("a tick needs the history: there is nothing to look after without it")
    mode = Mode(arguments.escalate)
    with store:
        is_whole = _store_spools(store)
        _look(store, baseline)
        told = _tell(store, baseline, mode)
        if mode is Mode.ON:
            _repost(store, baseline)
    for parcel in told.undelivered:
        message = parcel.outgoing.message
        said = f"{parcel.outgoing.channel}: {message.summary}: {parcel.error or 'waits its turn'}"
        complain(f"✗ {parcel.state.value}: {said}")
    if not is_whole:
        return EXIT_NOT_WRITTEN
    return EXIT_UNDELIVERED if told.undelivered else 0


def _store_spools(store: Store) -> bool:
    """Store what runs could not, so that people hear of it now and not after the next run."""
    from pytest_ddd.history.importing import take_spools

    failures = list(take_spools(store, Path.cwd()))
    for failure in failures:
        complain(f"✗ {failure}")
    return not failures


def _look(store: Store, baseline: Baseline) -> None:
    """Find runs that died or never began, and make results of them."""
    from pytest_ddd.history import absence, runs
    from pytest_ddd.history.expecting import remember
    from pytest_ddd.scenarios.schedule import schedules

    now = clock.now()
    due = schedules(baseline)
    with store.transaction() as tx:
        for dead in runs.abort_dead(tx):
            say(f"✗ {dead.environment} {dead.scenario}: run {dead.run_id} has died")
        for schedule in due:
            remember(tx, baseline.name, schedule, now)
        for result in absence.tell(tx, baseline.name, [each.scenario for each in due], now):
            say(f"{'✗' if result.outcome.name == 'RED' else '✓'} {result.reason}")


def _tell(store: Store, baseline: Baseline, mode: Mode) -> Told:
    """Decide what no run has decided, and what has become due since; send what waits."""
    from pytest_ddd.escalation.planning import channels_of, plan_of
    from pytest_ddd.escalation.telling import Asked, tell
    from pytest_ddd.history.desk import desk

    plan = plan_of(baseline, mode, clock.now())
    asked = Asked(plan=plan, channels=lambda: channels_of(baseline))
    told = tell(*desk(store, baseline.name), asked)
    for decision in told.evaluation.decisions:
        stopped = f" (not sent: {decision.suppressed.value})" if decision.suppressed else ""
        say(f"! {decision.kind.value}: {decision.summary}{stopped}")
    if told.flushed.delivered:
        say(f"✓ {plural(told.flushed.delivered, 'message')} delivered")
    return told


def _repost(store: Store, baseline: Baseline) -> None:
    """Tell each Alertmanager again what stands."""
    from pytest_ddd.escalation.channels.alertmanager import Alertmanager
    from pytest_ddd.escalation.planning import channels_of
    from pytest_ddd.history.reposting import standing
    from pytest_ddd.messages import DeliveryError

    for name, channel in channels_of(baseline).items():
        if isinstance(channel, Alertmanager):
            with store.reading() as tx:
                messages = standing(tx, baseline.name, name, clock.now())
            try:
                channel.repost(messages, timeout_s=_REPOST_S)
            except DeliveryError as failure:
                complain(f"! {name}: {failure}")

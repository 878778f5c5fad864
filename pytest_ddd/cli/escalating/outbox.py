"""List messages that have not arrived, and alerts that are open.

The exit status is 75 while a message has not arrived.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from typing import TYPE_CHECKING

from pytest_ddd import clock
from pytest_ddd.cli.escalating.place import EXIT_UNDELIVERED
from pytest_ddd.cli.history_place import add_history, open_history
from pytest_ddd.cli.printing import say
from pytest_ddd.cli.scheduling.place import add_environment
from pytest_ddd.units import format_duration, plural

if TYPE_CHECKING:
    from pytest_ddd.alerts import Alert, Parcel
    from pytest_ddd.history.store import Store


def configure(parser: argparse.ArgumentParser) -> None:
    """Add what the verb takes."""
    parser.add_argument(
        "--flush", action="store_true", help="first send what is due, of the environment"
    )
    add_environment(parser)
    add_history(parser)


def run(arguments: argparse.Namespace) -> int:
    """List, after sending if asked."""
    from pytest_ddd.history import alerts, outbox

    with open_history(arguments) as store:
        if arguments.flush:
            send(arguments, store)
        with store.reading() as tx:
            waiting, unsettled = outbox.undelivered(tx), alerts.open_alerts(tx)
    _say_parcels(waiting)
    _say_alerts(unsettled)
    return EXIT_UNDELIVERED if waiting else 0


def send(arguments: argparse.Namespace, store: Store) -> None:
    """Send what is due in the environment, and say what came of it.

    Raises:
        UsageError: there is no such environment, or its baseline has mistakes.
    """
    from pytest_ddd.baseline.loader import load_baseline
    from pytest_ddd.escalation.flushing import BUDGET_S, flush
    from pytest_ddd.escalation.planning import channels_of
    from pytest_ddd.history.outbox import StoredOutbox

    baseline = load_baseline(arguments.baselines, arguments.host)
    box = StoredOutbox(store, environment=baseline.name)
    done = flush(box, channels_of(baseline), budget_s=BUDGET_S)
    say(f"{plural(done.delivered, 'message')} delivered, {done.failed} failed")


def _say_parcels(parcels: Iterable[Parcel]) -> None:
    found = list(parcels)
    say(f"{plural(len(found), 'message')} undelivered")
    for one in found:
        message = one.outgoing.message
        age = format_duration((clock.now() - one.created_at).total_seconds())
        tries = plural(one.attempts, "attempt")
        say(
            f"  {one.parcel_id}  {one.state}  {message.environment} -> {one.outgoing.channel}, "
            f"{age} old, {tries}"
        )
        say(f"      {message.kind} {message.severity}: {message.summary}")
        for line in one.error.splitlines():
            say(f"      {line}")
    if found:
        say("  hint: pytest-ddd escalation retry, or: pytest-ddd escalation ack NUMBER")


def _say_alerts(alerts: Iterable[Alert]) -> None:
    found = list(alerts)
    say(f"{plural(len(found), 'alert')} open")
    for one in found:
        told = "" if one.announced_as else ", nobody was told"
        if one.seen:
            age = format_duration((clock.now() - one.seen[-1].at).total_seconds())
            told += f", looked at {age} ago"
        say(f"  {one.key.dedup_key}  {one.phase}{told}: {one.reason}")
    if found:
        say("  hint: pytest-ddd escalation ack ALERT; where nobody looks any more: close ALERT")

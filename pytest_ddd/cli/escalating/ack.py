"""Say that you work on an alert, for a time: reminders stop, and start again when it is over.

That it gets worse is still told. With the number of a message from `outbox`: say that you have
seen that it is dead, so that runs no longer end with 75 for it.
"""

from __future__ import annotations

import argparse
from datetime import timedelta
from typing import TYPE_CHECKING

from pytest_ddd import clock, login
from pytest_ddd.cli.escalating.place import duration
from pytest_ddd.cli.history_place import add_history, open_history
from pytest_ddd.cli.printing import say
from pytest_ddd.errors import UsageError

if TYPE_CHECKING:
    from pytest_ddd.history.store import Store

_HOW_LONG = timedelta(hours=4)


def configure(parser: argparse.ArgumentParser) -> None:
    """Add what the verb takes."""
    parser.add_argument("what", metavar="ALERT|NUMBER", help="as `outbox` lists them")
    parser.add_argument(
        "--for",
        dest="how_long",
        type=duration,
        default=_HOW_LONG,
        metavar="DURATION",
        help="how long you will work on it (default: 4h)",
    )
    parser.add_argument("--reason", default="", metavar="TEXT", help="what others should know")
    add_history(parser)


def run(arguments: argparse.Namespace) -> int:
    """Acknowledge.

    Raises:
        UsageError: there is no such open alert, or no such dead message.
    """
    with open_history(arguments) as store:
        if arguments.what.isdigit():
            _drop(store, int(arguments.what))
        else:
            _acknowledge(store, arguments)
    return 0


def _drop(store: Store, number: int) -> None:
    from pytest_ddd.history import outbox

    with store.transaction(durable=True) as tx:
        if not outbox.drop(tx, [number]):
            raise UsageError(
                f"no dead message {number}: only a dead one can be given up",
                hint="pytest-ddd escalation outbox",
            )
    say(f"message {number} is given up: it will not be sent")


def _acknowledge(store: Store, arguments: argparse.Namespace) -> None:
    from pytest_ddd.alerts import Acknowledgement
    from pytest_ddd.history import alerts

    now = clock.now()
    with store.transaction(durable=True) as tx:
        alert = alerts.find(tx, arguments.what)
        if alert is None or not alert.phase.is_open:
            raise UsageError(f"no open alert {arguments.what}", hint="pytest-ddd escalation outbox")
        until = now + arguments.how_long
        one = Acknowledgement(
            key=alert.key,
            episode=alert.episode,
            severity=alert.severity,
            until=until,
            author=login.name(),
            reason=arguments.reason,
        )
        alerts.acknowledge(tx, one, now)
    say(f"acknowledged until {clock.stamp(until)}: {alert.reason}")

"""Close an alert that nobody looks at any more: its host or its check is gone, say.

Whoever heard of the beginning hears of the end, with the reason, in the next run or by `schedule
tick`. It hides nothing: a run that finds it bad opens it anew.
"""

from __future__ import annotations

import argparse

from pytest_ddd import clock, login
from pytest_ddd.cli.history_place import add_history, open_history
from pytest_ddd.cli.printing import say
from pytest_ddd.errors import UsageError


def configure(parser: argparse.ArgumentParser) -> None:
    """Add what the verb takes."""
    parser.add_argument("alert", metavar="ALERT", help="as `outbox` lists it")
    parser.add_argument("--reason", required=True, metavar="TEXT", help="why, for all to read")
    add_history(parser)


def run(arguments: argparse.Namespace) -> int:
    """Close it.

    Raises:
        UsageError: there is no such open alert.
    """
    from pytest_ddd.alerts import Evaluation, Phase
    from pytest_ddd.escalation.machine import closed
    from pytest_ddd.history import alerts

    reason = f"closed by {login.name()}: {arguments.reason}"
    now = clock.now()
    with open_history(arguments) as store:
        with store.reading() as tx:
            found = alerts.find(tx, arguments.alert)
        if found is not None:
            with alerts.open_book(store, found.key.environment) as book:
                found = book.alerts()[found.key]  # as it is now that nobody else changes it
                if found.phase is not Phase.OK:
                    after, transition = closed(found, now, reason)
                    book.save(Evaluation(alerts=(after,), transitions=(transition,)), now)
    if found is None or found.phase is Phase.OK:
        raise UsageError(f"no open alert {arguments.alert}", hint="pytest-ddd escalation outbox")
    say(f"closed: {found.reason}")
    if found.announced_as:
        say("its end is told by the next run, or by: pytest-ddd schedule tick")
    return 0

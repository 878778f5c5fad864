"""Send messages again that did not arrive, now and not when they are due; dead ones too."""

from __future__ import annotations

import argparse

from pytest_ddd import clock
from pytest_ddd.cli.escalating.outbox import send
from pytest_ddd.cli.escalating.place import EXIT_UNDELIVERED
from pytest_ddd.cli.history_place import add_history, open_history
from pytest_ddd.cli.printing import say
from pytest_ddd.cli.scheduling.place import add_environment
from pytest_ddd.errors import UsageError
from pytest_ddd.units import plural


def configure(parser: argparse.ArgumentParser) -> None:
    """Add what the verb takes."""
    parser.add_argument(
        "numbers",
        nargs="*",
        type=int,
        metavar="NUMBER",
        help="of messages, as `outbox` lists them (default: all)",
    )
    add_environment(parser)
    add_history(parser)


def run(arguments: argparse.Namespace) -> int:
    """Mark them due, and send."""
    from pytest_ddd.history import outbox

    with open_history(arguments) as store:
        with store.transaction(durable=True) as tx:
            found = outbox.retry(tx, arguments.numbers, clock.now())
        missing = set(arguments.numbers) - {one.parcel_id for one in found}
        if missing:
            raise UsageError(
                f"no undelivered message {', '.join(map(str, sorted(missing)))}",
                hint="pytest-ddd escalation outbox",
            )
        say(f"{plural(len(found), 'message')} to send again")
        send(arguments, store)
        with store.reading() as tx:
            left = outbox.undelivered(tx)
    return EXIT_UNDELIVERED if left else 0

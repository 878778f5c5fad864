"""What the sub-verbs share: the open history, who is asking, and how long something lasts."""

from __future__ import annotations

import argparse
import getpass
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING

from pytest_ddd import units
from pytest_ddd.cli.scheduling.place import add_environment, add_history, open_store
from pytest_ddd.errors import UsageError

if TYPE_CHECKING:
    from pytest_ddd.history.store import Store

EXIT_UNDELIVERED = 75

__all__ = ["EXIT_UNDELIVERED", "add_environment", "add_history", "duration", "login", "opened"]


@contextmanager
def opened(arguments: argparse.Namespace) -> Iterator[Store]:
    """Open the history of this site.

    Raises:
        UsageError: it is off.
        RecordError: it cannot be opened.
    """
    store = open_store(arguments)
    if store is None:
        raise UsageError("alerts and messages are kept in the history, and it is off")
    with store:
        yield store


def duration(text: str) -> timedelta:
    """Read a duration for argparse."""
    try:
        found = units.parse_duration(text)
    except ValueError as mistake:
        raise argparse.ArgumentTypeError(str(mistake)) from None
    if found <= 0:
        raise argparse.ArgumentTypeError("must be longer than nothing")
    return timedelta(seconds=found)


def login() -> str:
    """Return the name of the person who is asking."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"

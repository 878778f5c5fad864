"""What the sub-verbs share: how long something lasts, and an exit status."""

from __future__ import annotations

import argparse
from datetime import timedelta

from pytest_ddd import units

EXIT_UNDELIVERED = 75


def duration(text: str) -> timedelta:
    """Read a duration for argparse."""
    try:
        found = units.parse_duration(text)
    except ValueError as mistake:
        raise argparse.ArgumentTypeError(str(mistake)) from None
    if found <= 0:
        raise argparse.ArgumentTypeError("must be longer than nothing")
    return timedelta(seconds=found)

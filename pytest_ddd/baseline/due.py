"""When something was due: cron expressions in a time zone."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Annotated
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError
from pydantic import AfterValidator

_SHORT = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
}


def _is_cron(expression: str) -> str:
    try:
        CronSim(_written_out(expression), datetime(2026, 1, 1, tzinfo=UTC))
    except CronSimError as mistake:
        example = '"0 18 * * 1-5" is 18:00 from Monday to Friday'
        raise ValueError(f"not a cron expression: {expression!r}: {mistake} ({example})") from None
    return expression


Cron = Annotated[str, AfterValidator(_is_cron)]
"""Minute, hour, day of month, month, day of week; or @hourly, @daily, @weekly and so on."""


def dues_before(expression: str, zone: str, moment: datetime) -> Iterator[datetime]:
    """Yield when something was due, the latest time first; all are at or before `moment`.

    Clock changes count as in Debian's cron: what falls into the hour that is left out is due right
    after it, and what falls into the repeated hour is due once.

    Args:
        expression: a cron expression.
        zone: the IANA name of the time zone in which it is meant.
        moment: aware.

    Returns:
        Aware times in UTC; it ends when there is none for fifty years.
    """
    # The search begins below its start, and this very minute counts.
    start = moment.astimezone(ZoneInfo(zone)).replace(second=59)
    for due in CronSim(_written_out(expression), start, reverse=True):
        yield due.astimezone(UTC)


def _written_out(expression: str) -> str:
    return _SHORT.get(expression.strip(), expression)

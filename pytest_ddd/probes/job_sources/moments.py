"""Points in time as databases and JSON write them; one without a time zone is refused."""

from __future__ import annotations

from datetime import UTC, datetime

from pytest_ddd.errors import CannotLookError

_MILLISECONDS_FROM = 1e11
"""As seconds this would be the year 5138: such a number counts milliseconds."""


def moment(value: object, where: str) -> datetime | None:
    """Return an aware time in UTC; None of null.

    Args:
        value: a datetime, RFC 3339, or seconds or milliseconds since 1970.
        where: what messages call it.

    Raises:
        CannotLookError: it is none, or nobody knows in which zone.
    """
    if value is None:
        return None
    found: datetime | None = None
    try:
        if isinstance(value, datetime):
            found = value
        elif isinstance(value, str):
            found = datetime.fromisoformat(value)
        elif isinstance(value, int | float) and not isinstance(value, bool):
            seconds = value / 1000 if value > _MILLISECONDS_FROM else value
            found = datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        found = None
    if found is None:
        raise CannotLookError(f"{where} is no point in time: {str(value)[:80]!r}")
    if found.tzinfo is None:
        raise CannotLookError(
            f"{where} has no time zone: {value}",
            hint="say which: in SQL `finished_at AT TIME ZONE 'UTC'`, in a text a Z at its end",
        )
    return found.astimezone(UTC)

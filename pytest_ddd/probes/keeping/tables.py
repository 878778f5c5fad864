"""Find the days on which a database has records."""

from __future__ import annotations

from datetime import UTC, date, datetime

from pytest_ddd.baseline.sources import Query
from pytest_ddd.errors import CannotLookError
from pytest_ddd.probes.keeping.files import Kept
from pytest_ddd.probes.sql import Databases


def kept_in_table(query: Query, databases: Databases) -> Kept:
    """Return the days that a query answers.

    Raises:
        CannotLookError: it could not be asked, or answers something else than one column of times.
    """
    rows = databases.rows(query)
    if len(rows.columns) != 1:
        names = ", ".join(rows.columns)
        raise CannotLookError(
            f"{rows.source} answers {len(rows.columns)} columns ({names}), not one",
            hint="ask for one column: select distinct date(created_at) from …",
        )
    days = frozenset(_day(value, rows.source) for (value,) in rows.rows if value is not None)
    return Kept(days=days, count=len(rows.rows), source=rows.source, took_s=rows.took_s)


def _day(value: object, source: str) -> date:
    if isinstance(value, datetime):
        return value.astimezone(UTC).date() if value.tzinfo else value.date()
    if isinstance(value, date):
        return value
    try:
        return date.fromisoformat(str(value)[:10])
    except ValueError:
        raise CannotLookError(f"{source} answers {value!r}, which is no time") from None

"""Take the numbers out of the rows that a query answers."""

from __future__ import annotations

from decimal import Decimal

from pytest_ddd.baseline.sources import Query
from pytest_ddd.errors import CannotLookError
from pytest_ddd.probes.metering.samples import Samples
from pytest_ddd.probes.sql import Databases
from pytest_ddd.units import plural


def samples(databases: Databases, query: Query) -> Samples:
    """Return the only column of the answer, one sample a row.

    Raises:
        CannotLookError: no answer, several columns, or something that is no number.
    """
    answer = databases.rows(query)
    if len(answer.columns) != 1:
        names = ", ".join(answer.columns)
        raise CannotLookError(f"{answer.source}: needs one column, answers {names}")
    return Samples(
        values=tuple(_number(row[0], answer.source) for row in answer.rows),
        source=answer.source,
        note=plural(len(answer.rows), "row"),
    )


def _number(value: object, source: str) -> float:
    if isinstance(value, int | float | Decimal) and not isinstance(value, bool):
        return float(value)
    raise CannotLookError(f"{source}: {value!r:.100} is not a number")

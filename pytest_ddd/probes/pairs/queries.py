"""Compare the answers of two queries: two numbers, two values, or two sets of rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from pytest_ddd.baseline.sections.sync import Queries
from pytest_ddd.errors import CannotLookError
from pytest_ddd.plain import visible
from pytest_ddd.probes.pairs.interface import Compared
from pytest_ddd.units import plural

if TYPE_CHECKING:
    from pytest_ddd.probes.sql import Databases, Rows

_SAMPLE = 3
_SHOWN = 200

Plain = Decimal | str | bytes | None
"""A value that compares the same whichever driver gave it."""


def compare(databases: Databases, model: Queries) -> Compared:
    """Ask both sides and compare the answers.

    Raises:
        CannotLookError: a side did not answer, or the answers cannot be compared.
    """
    return compare_rows(databases.rows(model.left), databases.rows(model.right))


def compare_rows(left: Rows, right: Rows) -> Compared:
    """Compare two answers.

    One number on each side: by how much they differ. One other value on each side: a difference
    is a problem. Rows: how many have no equal on the other side, in whatever order they come; one
    number that has no counterpart is a problem, because a limit on numbers does not count rows.

    Raises:
        CannotLookError: they cannot be compared.
    """
    source = f"{left.source} | {right.source}"
    if len(left.columns) != len(right.columns):
        columns = f"{len(left.columns)} and {len(right.columns)} columns"
        raise CannotLookError(f"{source}: {columns} cannot be compared")
    if len(left.columns) == len(left.rows) == len(right.rows) == 1:
        return _values(_plain(left.rows[0][0]), _plain(right.rows[0][0]), source)
    return _rows(left, right, source)


def _values(left: Plain, right: Plain, source: str) -> Compared:
    words = f"left {_shown(left)}, right {_shown(right)}"
    if left is None or right is None:
        raise CannotLookError(
            f"{source}: {words}: null compares with nothing",
            hint="ask for what is never null: count(*), coalesce(sum(amount), 0)",
        )
    if not isinstance(left, Decimal) or not isinstance(right, Decimal):
        if left == right:
            return Compared(values={"difference": 0}, source=source, words=words)
        problem = f"the two sides differ: {words}"
        return Compared(values={"difference": 1}, source=source, words=words, problems=(problem,))
    if not left.is_finite() or not right.is_finite():
        raise CannotLookError(f"{source}: {words}: not numbers")
    gap = abs(left - right)
    deviation = 100 * gap / abs(left) if left else Decimal(100 if gap else 0)
    values = {"difference": float(gap), "deviation": round(float(deviation), 6)}
    return Compared(values=values, source=source, words=words)


def _rows(left: Rows, right: Rows, source: str) -> Compared:
    ours, theirs = _counted(left.rows), _counted(right.rows)
    only_left, only_right = ours - theirs, theirs - ours
    words = [f"{plural(len(left.rows), 'row')} left, {len(right.rows):,} right"]
    for side, rows in (("left", only_left), ("right", only_right)):
        if rows:
            words.append(f"only {side}: {_sample(rows)}")
    # A row that was changed stands on both sides, and is one difference.
    differing = max(only_left.total(), only_right.total())
    told = [_side(side) for side in (left, right)]
    problem = f"the two sides differ: {told[0]} left, {told[1]} right"
    return Compared(
        values={"difference": differing},
        source=source,
        words="; ".join(words),
        problems=(problem,) if "one number" in told else (),
    )


def _side(side: Rows) -> str:
    """Say what a side answered, if the other one answered something else."""
    if len(side.columns) == len(side.rows) == 1 and isinstance(_plain(side.rows[0][0]), Decimal):
        return "one number"
    return plural(len(side.rows), "row") if side.rows else "no row"


def _counted(rows: Iterable[tuple[object, ...]]) -> Counter[tuple[Plain, ...]]:
    return Counter(tuple(_plain(value) for value in row) for row in rows)


def _sample(rows: Counter[tuple[Plain, ...]]) -> str:
    shown = [f"({', '.join(map(_shown, row))})" for row in list(rows)[:_SAMPLE]]
    more = rows.total() - len(shown)
    return ", ".join(shown) + (f" and {more:,} more" if more > 0 else "")


def _plain(value: object) -> Plain:
    """Return a value in the form in which all databases agree."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool | int | Decimal):  # SQLite has 1 for true
        return Decimal(value)
    if isinstance(value, float):
        return Decimal(repr(value))
    if isinstance(value, datetime):
        aware = value.astimezone(UTC) if value.tzinfo else value
        return aware.isoformat(" ")
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value)
    return str(value)


def _shown(value: Plain) -> str:
    return visible("null" if value is None else str(value))[:_SHOWN]

"""Queues that a database row or a command counts."""

from __future__ import annotations

import math
from collections.abc import Mapping
from decimal import Decimal
from typing import TYPE_CHECKING

from pytest_ddd.baseline.sources import Query
from pytest_ddd.errors import CannotLookError
from pytest_ddd.probes import commands
from pytest_ddd.probes.queue_sources.interface import Found
from pytest_ddd.probes.web.conditions import parse_json

if TYPE_CHECKING:
    from pytest_ddd.connections import Session
    from pytest_ddd.probes.sql import Databases

_KEYS = ("depth", "age_s", "consumers")


def from_row(databases: Databases, query: Query) -> Found:
    """Ask a database for one row: the depth, or columns named like the readings.

    Raises:
        CannotLookError: it did not answer that way.
    """
    answer = databases.rows(query)
    if len(answer.rows) != 1:
        raise CannotLookError(f"{answer.source}: {len(answer.rows)} rows, where one is wanted")
    names = [name.lower() for name in answer.columns]
    values = answer.rows[0]
    fields = {"depth": values[0]} if len(values) == 1 else dict(zip(names, values, strict=True))
    return _found(fields, answer.source)


def from_command(session: Session, command: str, timeout_s: float) -> Found:
    """Run a command that prints a number or one JSON object.

    Raises:
        CannotLookError: it did not.
    """
    completed = commands.look(session, command, shown=command, timeout_s=timeout_s)
    source = f"{session.spec.label}: {command}"
    if not completed.ok:
        raise commands.blind(session, command, completed, hint="run it yourself there")
    try:
        answer = parse_json(completed.stdout)
    except ValueError as mistake:
        begins = completed.text[:80]
        raise CannotLookError(f"{source}: not JSON: {mistake}; it begins {begins!r}") from None
    fields = answer if isinstance(answer, dict) else {"depth": answer}
    return _found(fields, source)


def _found(fields: Mapping[str, object], source: str) -> Found:
    strange = [name for name in fields if name not in _KEYS]
    if strange or "depth" not in fields:
        raise CannotLookError(
            f"{source}: tells {', '.join(fields) or 'nothing'}",
            hint=f"name what it tells: {', '.join(_KEYS)}; depth is a must",
        )
    depth = _number(fields["depth"], f"{source}: depth")
    if depth is None or depth != int(depth):
        raise CannotLookError(f"{source}: depth is no whole number: {fields['depth']!r}")
    age_s = _number(fields.get("age_s"), f"{source}: age_s")
    consumers = _number(fields.get("consumers"), f"{source}: consumers")
    return Found(
        depth=int(depth),
        age_s=0.0 if age_s is None and depth == 0 else age_s,
        consumers=None if consumers is None else int(consumers),
        source=source,
    )


def _number(value: object, where: str) -> float | None:
    """Return a number that is not negative; None of null."""
    if value is None:
        return None
    if isinstance(value, int | float | Decimal) and not isinstance(value, bool):
        number = float(value)
        if math.isfinite(number) and number >= 0:
            return number
    raise CannotLookError(f"{where} is no number from 0 up: {str(value)[:80]!r}")

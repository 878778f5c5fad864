"""Read tables as `kubectl top pods` prints them: headings, then a line for each thing."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

from pytest_ddd.errors import CannotLookError

_NUMBER = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*(%|m|[kKMGTPE]i?B?|B)?")
_BINARY: dict[str, int] = {prefix: 1024**power for power, prefix in enumerate("KMGTPE", start=1)}
_DECIMAL: dict[str, int] = {prefix: 1000**power for power, prefix in enumerate("kMGTPE", start=1)}
_SHOWN = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line: the name, the cell that counts, and the whole of it."""

    name: str
    cell: str
    line: str


def rows(text: str, column: str, name: str, where: str, said: str) -> tuple[Row, ...]:
    """Return the lines of a table.

    Args:
        text: the table.
        column: heading of the column that counts.
        name: heading of the column with the names; the first column when empty.
        where: names the table in messages.
        said: what the command said besides, for the message when there is no table.

    Raises:
        CannotLookError: there is no such table or column, no line, or a line of another length.
    """
    lines = [line for line in text.splitlines() if line.strip()]
    if not lines:
        raise CannotLookError(f"{where}: prints no table: {said[:_SHOWN]}")
    headings = _cells(lines[0], _parting(lines[0]))
    at = _place(headings, column, where)
    names_at = _place(headings, name, where) if name else 0
    found = []
    for line in lines[1:]:
        cells = _cells(line, _parting(lines[0]))
        if len(cells) != len(headings):
            raise CannotLookError(
                f"{where}: a line of {len(cells)} columns below {len(headings)} headings: "
                f"{line[:_SHOWN]!r}"
            )
        found.append(Row(name=cells[names_at], cell=cells[at], line=" ".join(cells)))
    if not found:
        raise CannotLookError(f"{where}: the table has headings and no line")
    return tuple(found)


def amount(cell: str, unit: str) -> float:
    """Return the number of a cell in the unit of its limit: `%`, `bytes`, or as it is.

    Quantities are those of Kubernetes: `250m` is a quarter, `64Mi` are bytes.

    Raises:
        ValueError: it is no number, or one of another unit.
    """
    match = _NUMBER.fullmatch(cell)
    if match is None or not math.isfinite(float(match[1])):
        raise ValueError(f"{cell!r} is not a number")
    number, suffix = float(match[1]), match[2] or ""
    if (suffix == "%") != (unit == "%"):
        raise ValueError(f"{cell!r} cannot be compared with a limit in {unit or 'numbers'}")
    if suffix in ("", "%"):
        return number
    if suffix == "m":
        if unit == "bytes":
            raise ValueError(f"{cell!r} cannot be compared with a limit in bytes")
        return number / 1000
    prefix = suffix[0]
    if prefix == "B":
        return number
    if suffix[1:2] == "i":
        return number * _BINARY[prefix.upper()]
    return number * _DECIMAL["k" if prefix == "K" else prefix]


def _parting(headings: str) -> str:
    """Return what parts columns: two blanks where there are any, so that headings may hold one."""
    return r"\s{2,}|\t" if len(re.split(r"\s{2,}|\t", headings.strip())) > 1 else r"\s+"


def _cells(line: str, parting: str) -> Sequence[str]:
    return re.split(parting, line.strip())


def _place(headings: Sequence[str], wanted: str, where: str) -> int:
    if headings.count(wanted) != 1:
        told = ", ".join(headings)
        many = "no column" if wanted not in headings else "more than one column"
        raise CannotLookError(
            f"{where}: {many} {wanted!r}; there are: {told[:_SHOWN]}",
            hint="write `column` as the first line of the table does",
        )
    return headings.index(wanted)

"""Refuse patterns that mean one thing to one grep and another thing to the next."""

from __future__ import annotations

import re
from collections.abc import Sequence

from pytest_ddd.errors import CannotLookError

_BRACKETS = re.compile(r"\[\^?\]?(?:\[[:.=].*?[:.=]\]|[^\]])*\]")
"""A bracket expression; in it a backslash is an ordinary character."""

_ESCAPE = re.compile(r"\\(.?)", re.DOTALL)

_SAME_EVERYWHERE = frozenset("wWsSbB<>")
"""Letters and signs that GNU, BusyBox and musl read alike after a backslash."""

_INSTEAD = {"d": "[0-9]", "D": "[^0-9]", "t": "a tab, or [[:space:]]", "h": "[[:blank:]]"}


def refuse_strange(patterns: Sequence[str], *, where: str) -> None:
    r"""Refuse `\\d` and its like, which match a plain `d` or nothing: green without looking.

    Raises:
        CannotLookError: a pattern is not POSIX extended; the hint says what to write.
    """
    for pattern in patterns:
        for match in _ESCAPE.finditer(_BRACKETS.sub("", pattern)):
            letter = match[1]
            if letter and (not letter.isalnum() or letter in _SAME_EVERYWHERE):
                continue
            instead = _INSTEAD.get(letter, "the character itself, without the backslash")
            raise CannotLookError(
                f"{where}: \\{letter} in the pattern {pattern!r} is not POSIX extended",
                hint=f"write {instead}",
            )

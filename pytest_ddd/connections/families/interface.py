"""A family: commands of one shape, and the one command that answers all of them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

WORD = r"[A-Za-z0-9_@%+=:,./-]+"
"""What a shell reads as it stands; names with anything else are not put together."""

Answers = Iterator[tuple[str, int, str]]
"""Command, exit status and stdout."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """Commands of one shape that one command can answer.

    `where` says whether the host has what it needs; `ask` returns the one command for all matches,
    and `tell` what each of them would have said, from its output.
    """

    pattern: re.Pattern[str]
    where: str
    ask: Callable[[Sequence[re.Match[str]]], str]
    tell: Callable[[Sequence[re.Match[str]], str], Answers]


def there(tool: str) -> str:
    """Return the question whether a program is there."""
    return f"command -v {tool} >/dev/null"


def names_of(found: Sequence[re.Match[str]]) -> list[str]:
    """Return the names that the commands are about, each of them once."""
    return list(dict.fromkeys(match["name"] for match in found))


def as_words(found: Sequence[re.Match[str]]) -> str:
    """Return the same as words of a shell."""
    return " ".join(names_of(found))


def split_rows(text: str, fields: int) -> Iterator[list[str]]:
    """Yield the lines that have so many fields with a `|` between two."""
    found = (line.split("|", fields - 1) for line in text.splitlines())
    return (row for row in found if len(row) == fields)

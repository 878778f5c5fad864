"""Write plain data as YAML that `document` reads back as the very same data."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping

from pytest_ddd.baseline.scalars import read_key, read_plain
from pytest_ddd.baseline.tree import Plain

STEP = 2
"""Blanks of one level."""

WIDTH = 110
"""A mapping of plain values that fits stands on one line."""

_PLAIN = re.compile(r"[A-Za-z0-9/_][A-Za-z0-9/_.@+%=~-]*")
"""What needs no quotes wherever it stands, also between brackets."""


def block(entries: Mapping[str, Plain], indent: int = 0) -> str:
    """Return lines for the entries of a mapping, each line with its newline."""
    return "".join(f"{line}\n" for line in _lines(entries, indent))


def flow(value: Plain) -> str:
    """Return a value on one line."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key(name)}: {flow(each)}" for name, each in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(flow, value)) + "]"
    return _scalar(value)


def key(name: str) -> str:
    """Return a key, in quotes where it needs them."""
    try:
        bare = _PLAIN.fullmatch(name) is not None and read_key(name) == name
    except ValueError:
        bare = False
    return name if bare else json.dumps(name, ensure_ascii=False)


def _lines(entries: Mapping[str, Plain], indent: int) -> Iterator[str]:
    for name, value in entries.items():
        start = f"{' ' * indent}{key(name)}:"
        line = f"{start} {flow(value)}"
        if not isinstance(value, Mapping | list) or _is_short(value, line):
            yield line
        elif isinstance(value, Mapping):
            yield start
            yield from _lines(value, indent + STEP)
        else:
            yield start
            yield from (f"{' ' * (indent + STEP)}- {flow(item)}" for item in value)


def _is_short(value: Mapping[str, Plain] | list[Plain], line: str) -> bool:
    """Return whether a mapping or list stands on one line: an entry does, a section does not."""
    if not value:
        return True
    below = value.values() if isinstance(value, Mapping) else value
    return len(line) <= WIDTH and not any(isinstance(each, Mapping) for each in below)


def _scalar(value: Plain) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if not isinstance(value, str):
        return str(value)
    try:
        bare = _PLAIN.fullmatch(value) is not None and read_plain(value) == value
    except ValueError:
        bare = False
    return value if bare else json.dumps(value, ensure_ascii=False)

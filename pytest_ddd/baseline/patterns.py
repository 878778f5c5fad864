"""Refuses patterns that mean one thing to one grep and another thing to the next."""

from __future__ import annotations

import re

_PARTS = re.compile(r"\\(?P<escaped>.?)|\[\^?\]?(?:\[[:.=].*?[:.=]\]|[^\]])*\]", re.DOTALL)
"""An escape, or a bracket expression; in the latter a backslash is an ordinary character."""

_SAME_EVERYWHERE = frozenset("wWsSbB")
"""Letters that GNU, BusyBox and musl read alike after a backslash."""

_INSTEAD = {"d": "[0-9]", "D": "[^0-9]", "t": "a tab, or [[:space:]]", "h": "[[:blank:]]"}


def posix_extended(pattern: str) -> str:
    r"""Return the pattern if every grep reads it alike.

    Raises:
        ValueError: it is empty, longer than a line, never closed, or holds `\\d` or its like,
            which grep quietly takes for a plain `d`: green without looking.
    """
    if not pattern or "\n" in pattern or "\0" in pattern:
        raise ValueError("a pattern is one non-empty line")
    for part in _PARTS.finditer(pattern):
        letter = part["escaped"]
        if letter is None or letter in _SAME_EVERYWHERE or (letter and not letter.isalnum()):
            continue
        instead = _INSTEAD.get(letter, "the character itself, without the backslash")
        raise ValueError(f"\\{letter} is not POSIX extended in {pattern!r}: write {instead}")
    plain = _PARTS.sub("", pattern)
    if "[" in plain:
        raise ValueError(f"a [ is never closed in {pattern!r}: write [[] for the sign itself")
    if plain.count("(") > plain.count(")"):
        raise ValueError(f"a ( is never closed in {pattern!r}: write [(] for the sign itself")
    return pattern


def matches_everything(pattern: str) -> bool:
    """Whether a pattern is met by every line, as `.*`, `a*` and `x|` are."""
    try:
        return all(re.search(pattern, line) for line in ("", "\x01"))
    except re.error:  # what Python reads otherwise than grep does not decide
        return False

"""Plain YAML scalars, read strictly: what YAML readers disagree about is refused."""

from __future__ import annotations

import re

from pytest_ddd.baseline.tree import Scalar, shown

_MAYBE_SPECIAL = re.compile(r"[-+.0-9~=<]|[yYnN]|[oO][nNfF]|[tTfF][rRaA]")
"""A text that does not begin like this needs no second look."""

_NULL = ("~", "null", "Null", "NULL")
_BOOLS = {
    word: word.lower() == "true" for word in ("true", "True", "TRUE", "false", "False", "FALSE")
}
_OLD_BOOL = re.compile(r"yes|Yes|YES|no|No|NO|on|On|ON|off|Off|OFF")
_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]*)")
_FLOAT = re.compile(r"[-+]?([0-9]+\.[0-9]*|\.[0-9]+|[0-9]+)([eE][-+]?[0-9]+)?")
_OCTAL = re.compile(r"[-+]?0[0-9_]+")
_RADIX = re.compile(r"[-+]?0[xob][0-9a-fA-F_]+")
_GROUPED = re.compile(r"[-+]?[0-9][0-9_]*_[0-9_]*(\.[0-9_]*)?")
_SEXAGESIMAL = re.compile(r"[-+]?[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?")
_DATE = re.compile(r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}([Tt \t].*)?")
_NOT_FINITE = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
_MOST_DIGITS = 18
"""Longer numbers do not fit 64 bits: they are checksums or serial numbers, that is: texts."""


def read_plain(text: str) -> Scalar:
    """Return the value of a scalar that stands without quotes.

    Raises:
        ValueError: YAML readers disagree about it; the message says how to write it.
    """
    if not _MAYBE_SPECIAL.match(text):
        return text
    if text in _NULL:
        return None
    if text in _BOOLS:
        return _BOOLS[text]
    if text[0] in "-+.0123456789":
        return _read_number(text)
    if _OLD_BOOL.fullmatch(text):
        word = "true" if text.lower() in ("yes", "on") else "false"
        raise ValueError(
            f'{text} is {word} to some YAML readers: write {word}, or "{text}" in quotes'
        )
    if text in ("=", "<<"):
        raise ValueError(f'{text} means something to YAML: write "{text}" in quotes')
    return text


def read_key(text: str) -> str:
    """Return a key that stands without quotes.

    Raises:
        ValueError: the key is not a text; the message says to quote it.
    """
    try:
        value = read_plain(text)
    except ValueError:
        value = None
    if isinstance(value, str) or (isinstance(value, int) and not isinstance(value, bool)):
        return text
    raise ValueError(
        f'the key {shown(text)} is not a text to YAML: write "{shown(text)}": in quotes'
    )


def _read_number(text: str) -> Scalar:
    if _INTEGER.fullmatch(text):
        if len(text) > _MOST_DIGITS:
            raise ValueError(
                f"a number of {len(text)} digits is taken for a text: put it in quotes"
            )
        return int(text)
    for pattern, meaning in _CONFUSING:
        if pattern.fullmatch(text):
            raise ValueError(f'{shown(text)} {meaning}: write "{shown(text)}", in quotes')
    if _NOT_FINITE.fullmatch(text):
        raise ValueError(f"{text} is not a number that anything can be held against")
    if _FLOAT.fullmatch(text):
        value = float(text)
        if value in (float("inf"), float("-inf")):
            raise ValueError(f"{shown(text)} is too large for a number: put it in quotes")
        return value
    return text


_CONFUSING = (
    (_OCTAL, "is an octal number to some YAML readers"),
    (_RADIX, "is a hexadecimal, octal or binary number to some YAML readers"),
    (_SEXAGESIMAL, "is a number of base 60 to some YAML readers"),
    (_DATE, "is a date to some YAML readers"),
    (_GROUPED, "is a number to some YAML readers"),
)

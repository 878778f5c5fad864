"""Writes JSON in the one form that RFC 8785 allows, so that equal data are equal bytes."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping

from pytest_ddd.errors import RecordError
from pytest_ddd.plain import Json

_OTHERWISE = re.compile(r"[:\[,](-?[0-9]+(?:\.0(?=[,}\]])|[0-9.]*e[+-]?[0-9]+))")
"""A number that Python may write otherwise than RFC 8785: whole, or with an exponent."""

_ESCAPED = re.compile(r"\\.")

_ENCODE = json.JSONEncoder(
    ensure_ascii=False, allow_nan=False, separators=(",", ":"), sort_keys=True
).encode


def canonical(value: Json) -> bytes:
    """Return the canonical form of any JSON, without a newline.

    Raises:
        RecordError: a number is no JSON number, or a text is not Unicode.
    """
    import rfc8785

    try:
        return rfc8785.dumps(value)
    except rfc8785.CanonicalizationError as error:
        raise RecordError(f"cannot be written as canonical JSON: {error}") from error


def canonical_line(record: Mapping[str, Json]) -> bytes:
    """Return the canonical form of a record whose keys are ASCII, with a newline.

    Python's own encoder is five times as fast and differs for some numbers only: huge whole
    ones that it writes as `1e+16` or `9007199254740992.0`, and tiny ones (`1e-05`), as a check
    that took less than 0.1 ms has. Those are written anew.
    """
    text = _ENCODE(record)
    if _OTHERWISE.search(text):
        text = "".join(_written_anew(text))
    return text.encode() + b"\n"


def _written_anew(text: str) -> Iterator[str]:
    """Yield the pieces of a line, its numbers as RFC 8785 writes them."""
    bare = _ESCAPED.sub("__", text)  # in which each quote begins or ends a text
    last = quotes = counted = 0
    for match in _OTHERWISE.finditer(bare):
        start, end = match.span(1)
        quotes, counted = quotes + bare.count('"', counted, start), start
        if quotes % 2 == 0:  # not in a text, which may hold anything
            yield text[last:start]
            yield canonical(float(match[1])).decode()
            last = end
    yield text[last:]


def digest(data: bytes) -> str:
    """Return the SHA-256 of some bytes, as `sha256sum` writes it."""
    return hashlib.sha256(data).hexdigest()

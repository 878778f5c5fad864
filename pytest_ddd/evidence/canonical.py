"""Writes JSON in the one form that RFC 8785 allows, so that equal data are equal bytes."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping

from pytest_ddd.errors import RecordError
from pytest_ddd.plain import Json

_OTHERWISE = re.compile(r"[:\[,]-?[0-9]+(?:\.0[,}\]]|[0-9.]*e)")
"""A number that Python may write otherwise than RFC 8785: whole, or with an exponent."""

_TEXT_OR_OTHERWISE = re.compile(
    r'"(?:[^"\\]+|\\.)*+"|-?[0-9]+(?:\.0(?=[,}\]])|[0-9.]*e[+-]?[0-9]+)'
)
"""Texts are passed over whole, as they may hold what looks like such a number."""

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
        text = _TEXT_OR_OTHERWISE.sub(_as_rfc_8785, text)
    return text.encode() + b"\n"


def _as_rfc_8785(match: re.Match[str]) -> str:
    found = match[0]
    return found if found.startswith('"') else canonical(float(found)).decode()


def digest(data: bytes) -> str:
    """Return the SHA-256 of some bytes, as `sha256sum` writes it."""
    return hashlib.sha256(data).hexdigest()

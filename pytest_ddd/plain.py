"""Text from hosts, made safe to store and to show."""

from __future__ import annotations

import hashlib
import re
from typing import TypeAlias

Json: TypeAlias = "str | int | float | bool | list[Json] | dict[str, Json] | None"
"""What the record is made of: crosses processes and files unchanged."""

TEXT_LIMIT_BYTES = 16 * 1024
"""Most bytes (UTF-8) that one text field of the record keeps, its marker included."""

_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_UNSAFE = re.compile(
    "\r\n?"  # line ends of other systems
    "|[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f"  # control characters except tab and newline
    "\u202a-\u202e\u2066-\u2069"  # overrides that make text read in another order than it is
    "\ud800-\udfff]"  # halves of a character: bytes that were not UTF-8
)


def visible(text: str) -> str:
    r"""Return the text with everything that could act on a terminal or page turned visible.

    Colour sequences vanish, other control characters become their pictures (`␛`, `␀`), bytes
    that were not UTF-8 and direction overrides their escapes (`\xff`, `\u202e`). Tabs and
    newlines stay. What is visible already comes back unchanged.
    """
    if text.isprintable():  # the usual case, and quickly known
        return str.__str__(text)
    if "\x1b" in text:
        text = _COLOUR.sub("", text)
    return _UNSAFE.sub(_show, text) if _UNSAFE.search(text) else str.__str__(text)


def capped(text: str, limit_bytes: int = TEXT_LIMIT_BYTES) -> str:
    """Return the text, or its head and a marker that tells length and SHA-256 of the whole.

    The result never exceeds `limit_bytes`, so capping twice changes nothing.
    """
    if len(text) * 4 <= limit_bytes:
        return text
    whole = text.encode()
    if len(whole) <= limit_bytes:
        return text
    marker = f"\n… [cut: {len(whole)} bytes in all, sha256 {hashlib.sha256(whole).hexdigest()}]"
    head = whole[: limit_bytes - len(marker.encode())]
    return head.decode(errors="ignore") + marker


def _show(match: re.Match[str]) -> str:
    found = match[0]
    if found == "\r\n":
        return "\n"
    code = ord(found)
    if code < 0x20:
        return chr(0x2400 + code)
    if code == 0x7F:
        return "\u2421"
    if 0xDC80 <= code <= 0xDCFF:  # what `surrogateescape` makes of a byte
        return f"\\x{code - 0xDC00:02x}"
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"

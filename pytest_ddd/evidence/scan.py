"""Looks a last time for secrets in a package before it is sealed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

from pytest_ddd.errors import RecordError
from pytest_ddd.evidence.sources import Source
from pytest_ddd.redaction import Redactor

_BLOCK_BYTES = 1024**2
_OVERLAP_BYTES = 64 * 1024
"""Longer than any secret, in whatever encoding."""


def refuse_secrets(source: Source, redactor: Redactor) -> None:
    """Look for every registered value, in all its encodings, in every file.

    Raises:
        RecordError: one is there; the message names the file, never the value.
    """
    if not redactor.knows_values:
        return
    for path in source.sizes:
        with source.open(path) as file:
            for text in _texts(file):
                kind = redactor.finds(text)
                if kind:
                    raise RecordError(
                        f"not sealed: {path} holds a secret ({kind})",
                        hint="delete the package's directory, and tell us how it got there",
                    )


def _texts(file: BinaryIO) -> Iterator[str]:
    """Yield a file in overlapping pieces."""
    before = b""
    while block := file.read(_BLOCK_BYTES):
        piece = before + block
        yield piece.decode(errors="replace")
        before = piece[-_OVERLAP_BYTES:]

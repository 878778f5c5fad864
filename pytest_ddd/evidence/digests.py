"""Takes the SHA-256 of a file of a package, piece by piece."""

from __future__ import annotations

import hashlib

from pytest_ddd.evidence.sources import Source

_BLOCK_BYTES = 1024**2


def digest_of(source: Source, path: str) -> str:
    """Return the SHA-256 of a file.

    Raises:
        OSError: it cannot be read.
    """
    hashed = hashlib.sha256()
    with source.open(path) as file:
        while block := file.read(_BLOCK_BYTES):
            hashed.update(block)
    return hashed.hexdigest()

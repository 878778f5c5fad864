"""Names the files of an evidence package, and writes each whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from pytest_ddd.errors import RecordError

FORMAT = "pytest-ddd/evidence/v1"
"""What `start.json`, `run.json` and `manifest.json` say that they are."""

START = "start.json"
"""Who, when, where and what was planned: written before the first result, never changed."""

RECORD = "results.jsonl"
RUN = "run.json"
"""What the run said of itself when it ended; a killed run has none until it is sealed."""

POPULATION = "population.json"
REPORT = "report.html"
JUNIT = "junit.xml"
CONTROLS = "controls.csv"
README = "README.txt"
ATTACHMENTS = "attachments"
MANIFEST = "manifest.json"
SUMS = "SHA256SUMS"
SIGNATURE = "SHA256SUMS.sig"
"""Signs SHA256SUMS, which holds the digest of every other file: coreutils then see all."""

NAMESPACE = "pytest-ddd-evidence"
"""What its signature is for: one that was made for a mail or a commit is not valid here."""

LEDGER = "ledger.jsonl"
"""Lies beside the packages, one line a run."""

HINT = "free space, or choose another place with --ddd-evidence DIR"


def failure(path: Path, error: OSError) -> RecordError:
    """Return the error that says which file could not be written."""
    return RecordError(f"{path}: cannot be written: {error.strerror}", hint=HINT)


def make_private(directory: Path) -> None:
    """Make a directory that only its owner can enter.

    Raises:
        OSError: it cannot be made, or a symbolic link stands in its place.
    """
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    if directory.is_symlink():
        raise NotADirectoryError(0, "is a symbolic link", str(directory))
    directory.chmod(0o700)


def sync_directory(directory: Path) -> None:
    """Bring the names in a directory to the disk."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def written(path: Path) -> Iterator[BinaryIO]:
    """Open a file that takes its name when all of it is on the disk; its owner's only.

    Raises:
        RecordError: it cannot be written; what had that name before is still there.
    """
    part = path.with_name(f".{path.name}.part")
    try:
        part.unlink(missing_ok=True)
        descriptor = os.open(part, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        try:
            with os.fdopen(descriptor, "w+b") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)
    except OSError as error:
        raise failure(path, error) from error


def write_file(path: Path, content: bytes) -> None:
    """Write a short file.

    Raises:
        RecordError: it cannot be written; what had that name before is still there.
    """
    with written(path) as file:
        file.write(content)

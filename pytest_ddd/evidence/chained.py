"""Chained files: JSON lines that only grow, each with the digest of the one before."""

from __future__ import annotations

import errno
import fcntl
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

from pytest_ddd.errors import RecordError
from pytest_ddd.evidence.canonical import canonical_line, digest
from pytest_ddd.evidence.files import failure, make_private
from pytest_ddd.evidence.manifest import Anchor
from pytest_ddd.evidence.record import Chain, parse_line
from pytest_ddd.jsonable import from_json
from pytest_ddd.plain import Json

T = TypeVar("T")

_TAIL_BYTES = 1024**2
"""No line is as long as this."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lines(Generic[T]):
    """All lines of a file, one sentence for each that is damaged, and the digest of each line."""

    entries: tuple[T, ...]
    damage: tuple[str, ...]
    heads: tuple[str, ...]


def read(path: Path, kind: type[T]) -> Lines[T]:
    """Read a chained file; one that is not there yet is empty.

    Raises:
        RecordError: it is there and cannot be read.
    """
    try:
        content = path.read_bytes() if path.exists() else b""
    except OSError as error:
        raise RecordError(f"{path}: cannot be read: {error.strerror}") from error
    entries: list[T] = []
    damage: list[str] = []
    heads: list[str] = []
    chain = Chain("")
    for number, line in enumerate(content.splitlines(keepends=True), start=1):
        try:
            record = parse_line(line)
            damage += (f"{path.name}:{number}: {said}" for said in chain.follow(line, record))
            entries.append(from_json(kind, record))
            heads.append(chain.head or "")
        except (ValueError, RecordError, RecursionError) as error:
            damage.append(f"{path.name}:{number}: {error}")
            chain.skip(line)
    return Lines(entries=tuple(entries), damage=tuple(damage), heads=tuple(heads))


def append(path: Path, fields: Mapping[str, Json]) -> Anchor:
    """Write a line, and return where the file ends now; runs at the same time wait.

    Raises:
        RecordError: it cannot be written, or its last line cannot be continued.
    """
    try:
        if not path.parent.exists():
            make_private(path.parent)
        with _locked(path) as descriptor:
            size_bytes, end = _end_of(descriptor, path)
            line = canonical_line({"v": 1, **fields, "seq": end.lines + 1, "prev": end.head})
            os.ftruncate(descriptor, size_bytes)  # a killed process leaves half a line
            _write_whole(descriptor, line, size_bytes)
            return Anchor(lines=end.lines + 1, head=digest(line))
    except OSError as error:
        raise failure(path, error) from error


def end_of(path: Path) -> Anchor:
    """Return where a file ends, without reading all of it.

    Raises:
        RecordError: its last line cannot be continued.
    """
    if not path.exists():
        return Anchor(lines=0, head="")
    try:
        with _locked(path) as descriptor:
            return _end_of(descriptor, path)[1]
    except OSError as error:
        raise failure(path, error) from error


def _end_of(descriptor: int, path: Path) -> tuple[int, Anchor]:
    """Return the size of all whole lines, and what the next one has to continue."""
    size_bytes = os.fstat(descriptor).st_size
    start = max(0, size_bytes - _TAIL_BYTES)
    tail = os.pread(descriptor, size_bytes - start, start)
    whole = tail[: tail.rfind(b"\n") + 1]
    if not whole:
        return 0, Anchor(lines=0, head="")
    last = whole[whole.rfind(b"\n", 0, -1) + 1 :]
    try:
        lines = int(json.loads(last)["seq"])
    except (ValueError, KeyError, TypeError):
        message = f"{path}: its last line is damaged"
        raise RecordError(message, hint=f"restore {path} from a copy") from None
    return start + len(whole), Anchor(lines=lines, head=digest(last))


def _write_whole(descriptor: int, line: bytes, at: int) -> None:
    """Write a whole line or nothing of it."""
    try:
        written = os.pwrite(descriptor, line, at)
        os.fsync(descriptor)
    except OSError:
        os.ftruncate(descriptor, at)
        raise
    if written < len(line):
        os.ftruncate(descriptor, at)
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@contextmanager
def _locked(path: Path) -> Iterator[int]:
    flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
    descriptor = os.open(path, flags, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield descriptor
    finally:
        os.close(descriptor)

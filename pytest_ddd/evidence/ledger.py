"""The ledger: one chained line for each sealed run, beside the packages."""

from __future__ import annotations

import errno
import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal

from pytest_ddd.errors import RecordError
from pytest_ddd.evidence.canonical import canonical_line, digest
from pytest_ddd.evidence.files import failure, make_private
from pytest_ddd.evidence.manifest import Anchor
from pytest_ddd.evidence.record import Chain, parse_line
from pytest_ddd.jsonable import fields_to_json, from_json

_TAIL_BYTES = 1024**2
"""No line is as long as this."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One line: a run was sealed, or its package was pruned.

    `sums` is the SHA-256 of the package's SHA256SUMS: it names the package for good. `at` is when
    this was written, `by` by whom, `reason` why a package was pruned.
    """

    what: Literal["sealed", "pruned"]
    name: str
    sums: str
    run_id: str
    environment: str
    scenario: str
    kind: str
    started_at: datetime
    finished_at: datetime
    outcome: str
    complete: bool
    at: datetime
    by: str
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ledger:
    """All lines, and one sentence for each that cannot be read or breaks the chain.

    `heads` are the digests of the lines, so that it can be asked how the ledger ended once.
    """

    entries: tuple[Entry, ...]
    damage: tuple[str, ...]
    heads: tuple[str, ...]

    @property
    def end(self) -> Anchor:
        """Where the ledger ends."""
        return Anchor(lines=len(self.heads), head=self.heads[-1] if self.heads else "")

    def holds(self, anchor: Anchor) -> bool:
        """Whether the ledger once ended like this."""
        if anchor.lines == 0:
            return anchor.head == ""
        return anchor.lines <= len(self.heads) and self.heads[anchor.lines - 1] == anchor.head

    def of(self, sums: str) -> Entry | None:
        """Return the line that sealed a package."""
        every = (one for one in self.entries if one.what == "sealed" and one.sums == sums)
        return next(every, None)

    def others_of(self, run_id: str, scenario: str, sums: str) -> tuple[Entry, ...]:
        """Return the lines that sealed another package of the same run: there may be none."""
        return tuple(
            one
            for one in self.entries
            if one.what == "sealed"
            and (one.run_id, one.scenario) == (run_id, scenario)
            and one.sums != sums
        )

    def pruned(self) -> frozenset[str]:
        """Return the `sums` of the packages that were pruned."""
        return frozenset(one.sums for one in self.entries if one.what == "pruned")


def read_ledger(path: Path) -> Ledger:
    """Read a ledger; one that is not there yet is empty.

    Raises:
        RecordError: it is there and cannot be read.
    """
    try:
        content = path.read_bytes() if path.exists() else b""
    except OSError as error:
        raise RecordError(f"{path}: cannot be read: {error.strerror}") from error
    return _parse(content, path.name)


def append(path: Path, entry: Entry) -> Anchor:
    """Write a line, and return where the ledger ends now; runs at the same time wait.

    Raises:
        RecordError: it cannot be written, or its last line cannot be continued.
    """
    try:
        if not path.parent.exists():
            make_private(path.parent)
        with _locked(path) as descriptor:
            size_bytes, end = _end_of(descriptor, path)
            line = _line(entry, end)
            os.ftruncate(descriptor, size_bytes)  # a killed process leaves half a line
            _write_whole(descriptor, line, size_bytes)
            return Anchor(lines=end.lines + 1, head=digest(line))
    except OSError as error:
        raise failure(path, error) from error


def end_of(path: Path) -> Anchor:
    """Return where a ledger ends, without reading all of it.

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


def _line(entry: Entry, end: Anchor) -> bytes:
    fields = fields_to_json(entry, str)
    return canonical_line({"v": 1, **fields, "seq": end.lines + 1, "prev": end.head})


def _parse(content: bytes, name: str) -> Ledger:
    entries: list[Entry] = []
    damage: list[str] = []
    heads: list[str] = []
    chain = Chain("")
    for number, line in enumerate(content.splitlines(keepends=True), start=1):
        try:
            record = parse_line(line)
            damage += (f"{name}:{number}: {said}" for said in chain.follow(line, record))
            entries.append(from_json(Entry, record))
            heads.append(chain.head or "")
        except (ValueError, RecordError, RecursionError) as error:
            damage.append(f"{name}:{number}: {error}")
            chain.skip(line)
    return Ledger(entries=tuple(entries), damage=tuple(damage), heads=tuple(heads))


@contextmanager
def _locked(path: Path) -> Iterator[int]:
    flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
    descriptor = os.open(path, flags, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield descriptor
    finally:
        os.close(descriptor)

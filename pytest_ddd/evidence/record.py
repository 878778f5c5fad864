"""Writes `results.jsonl`, one chained line a result as it arrives, and reads it back.

Each line carries its number, `seq`, and in `prev` the SHA-256 of the line before it, newline
included; the first one that of `start.json`. So `sed -n 3p results.jsonl | sha256sum` is what
line 4 says.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from pytest_ddd.errors import RecordError
from pytest_ddd.evidence.canonical import canonical_line, digest
from pytest_ddd.evidence.files import RECORD, failure, make_private, sync_directory
from pytest_ddd.plain import Json, visible
from pytest_ddd.redaction import DEFAULT, Redactor
from pytest_ddd.results import CheckResult, from_record, to_record

FILE_NAME = RECORD

_SYNC_EVERY = 200
"""Good results may wait for the disk this long; each bad one is on it at once."""

_NAME_LIMIT = 24
"""Longest environment and scenario in a directory name; the whole stays below 100 characters."""


def run_directory(
    root: Path, started_at: datetime, environment: str, scenario: str, run_id: str
) -> Path:
    """Return where a run's evidence goes: `<root>/2026-11-23T073000Z_prod_morning-…_7f3c9a12`."""
    when = started_at.astimezone(UTC).strftime("%Y-%m-%dT%H%M%SZ")
    names = (_ascii(environment, _NAME_LIMIT), _ascii(scenario, _NAME_LIMIT), _ascii(run_id, 8))
    return root / "_".join((when, *names))


class RecordWriter:
    """Appends results to a new `results.jsonl`; a killed run loses nothing that was finished.

    Args:
        directory: made when missing, readable by its owner only.
        head: the digest that the first line continues: that of `start.json`.
        redactor: takes secrets out before the first byte is written.

    Raises:
        RecordError: the file exists already, or cannot be written.
    """

    def __init__(self, directory: Path, redactor: Redactor = DEFAULT, *, head: str = "") -> None:
        self.path = directory / FILE_NAME
        self.count = 0
        self.head = head
        """Digest of the last line: whoever knows it knows that no line is missing."""
        self._redactor = redactor
        self._size_bytes = 0
        try:
            make_private(directory)
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC
            self._descriptor = os.open(self.path, flags, 0o600)
            with suppress(OSError):  # some file systems have no locks
                fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)  # until it is closed
        except OSError as error:
            raise failure(self.path, error) from error

    def add(self, result: CheckResult) -> bytes:
        """Write one result, and return its line; a bad one is on the disk when this returns.

        Raises:
            RecordError: it could not be written; what was written before is still whole.
        """
        record = to_record(result, self._redactor)
        line = canonical_line({**record, "seq": self.count + 1, "prev": self.head})
        try:
            self._write(line)
            self.count += 1
            self.head = digest(line)
            if result.outcome.is_bad or self.count % _SYNC_EVERY == 0:
                os.fsync(self._descriptor)
        except OSError as error:
            raise failure(self.path, error) from error
        return line

    def close(self) -> None:
        """Bring everything to the disk; closing twice is fine."""
        if self._descriptor < 0:
            return
        descriptor, self._descriptor = self._descriptor, -1
        try:
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
            sync_directory(self.path.parent)
        except OSError as error:
            raise failure(self.path, error) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _write(self, line: bytes) -> None:
        """Write a whole line or nothing of it."""
        rest = memoryview(line)
        try:
            while rest:
                rest = rest[os.write(self._descriptor, rest) :]
        except OSError:
            os.ftruncate(self._descriptor, self._size_bytes)
            raise
        self._size_bytes += len(line)


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """What a `results.jsonl` holds.

    `damage` has one sentence for each line that could not be read or does not continue the one
    before it; a cut last line is what a killed run leaves. `head` is the digest of the last
    whole line, `lines` their number.
    """

    results: tuple[CheckResult, ...]
    damage: tuple[str, ...]
    lines: int = 0
    head: str = ""


def read_record(path: Path, head: str | None = None) -> Record:
    """Read a `results.jsonl`, whole or cut.

    Args:
        path: the file.
        head: what the first line has to continue; None when that is not known.

    Raises:
        RecordError: there is no such file, or it cannot be opened.
    """
    try:
        with path.open("rb") as lines:
            return read_lines(lines, head, name=str(path))
    except OSError as error:
        message = f"{path}: cannot be read: {error.strerror}"
        raise RecordError(message, hint=f"ls -l {path.parent}") from error


def is_being_written(path: Path) -> bool:
    """Whether a run is still writing this record."""
    try:
        with path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


def read_lines(lines: BinaryIO, head: str | None = None, *, name: str = FILE_NAME) -> Record:
    """Read the lines of a record; `name` is what messages about damage call it."""
    results: list[CheckResult] = []
    damage: list[str] = []
    chain = Chain(head)
    for number, line in enumerate(lines, start=1):
        try:
            record = parse_line(line)
            damage += (f"{name}:{number}: {said}" for said in chain.follow(line, record))
            results.append(from_record(record))
        except (ValueError, RecordError, RecursionError) as error:
            chain.skip(line)
            damage.append(f"{name}:{number}: {_damage(line, error)}")
    damage = [visible(said) for said in damage]  # it may quote what a stranger wrote
    return Record(
        results=tuple(results), damage=tuple(damage), lines=chain.count, head=chain.head or ""
    )


class Chain:
    """Follows the chain through the lines of a file, and says where it breaks."""

    def __init__(self, head: str | None) -> None:
        self.head = head
        self.count = 0

    def follow(self, line: bytes, record: Mapping[str, Json]) -> Iterator[str]:
        """Take the next line, and yield what is wrong with its place."""
        self.count += 1
        if record.get("seq") != self.count:
            yield f"stands in the place of line {self.count} and says it is {record.get('seq')}"
        if self.head is not None and record.get("prev") != self.head:
            yield "does not continue the line before it: one of them was changed or taken away"
        self.head = digest(line)

    def skip(self, line: bytes) -> None:
        """Take a line that cannot be read; a cut one is no line."""
        if line.endswith(b"\n"):
            self.count += 1
            self.head = digest(line)


def parse_line(line: bytes) -> dict[str, Json]:
    """Return the record that a line holds.

    Raises:
        ValueError: it is cut, or no JSON.
        RecordError: it is JSON, and no record.
    """
    if not line.endswith(b"\n"):
        raise ValueError("the last line is cut: it was being written when the run ended")
    record: Json = json.loads(line)
    if not isinstance(record, dict):
        raise RecordError("not a record")
    return record


def _damage(line: bytes, error: Exception) -> str:
    if isinstance(error, json.JSONDecodeError | UnicodeDecodeError | RecursionError):
        return f"{len(line)} bytes that are not JSON"
    return str(error)


def _ascii(text: str, limit: int) -> str:
    return re.sub(r"[^A-Za-z0-9.-]+", "-", text)[:limit].strip("-.") or "unnamed"

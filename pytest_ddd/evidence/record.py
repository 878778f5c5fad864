"""Writes `results.jsonl`, one line a result as it arrives, and reads it back."""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from pytest_ddd.errors import RecordError
from pytest_ddd.plain import Json
from pytest_ddd.redaction import DEFAULT, Redactor
from pytest_ddd.results import CheckResult, from_record, to_record

FILE_NAME = "results.jsonl"

_SYNC_EVERY = 200
"""Good results may wait for the disk this long; each bad one is on it at once."""

_NAME_LIMIT = 24
"""Longest environment and scenario in a directory name; the whole stays below 100 characters."""

_HINT = "free space, or choose another place with --ddd-evidence DIR"


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
        redactor: takes secrets out before the first byte is written.

    Raises:
        RecordError: the file exists already, or cannot be written.
    """

    def __init__(self, directory: Path, redactor: Redactor = DEFAULT) -> None:
        self.path = directory / FILE_NAME
        self.count = 0
        self._redactor = redactor
        self._size_bytes = 0
        try:
            _make_private(directory)
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC
            self._descriptor = os.open(self.path, flags, 0o600)
        except OSError as error:
            raise _failure(self.path, error) from error

    def add(self, result: CheckResult) -> None:
        """Write one result; a bad one is on the disk when this returns.

        Raises:
            RecordError: it could not be written; what was written before is still whole.
        """
        record = to_record(result, self._redactor)
        line = json.dumps(record, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        try:
            self._write(line.encode() + b"\n")
            self.count += 1
            if result.outcome.is_bad or self.count % _SYNC_EVERY == 0:
                os.fsync(self._descriptor)
        except OSError as error:
            raise _failure(self.path, error) from error

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
            _sync_directory(self.path.parent)
        except OSError as error:
            raise _failure(self.path, error) from error

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

    `damage` has one sentence for each line that could not be read; a cut last line is what a
    killed run leaves.
    """

    results: tuple[CheckResult, ...]
    damage: tuple[str, ...]


def read_record(path: Path) -> Record:
    """Read a `results.jsonl`, whole or cut.

    Raises:
        RecordError: there is no such file, or it cannot be opened.
    """
    results: list[CheckResult] = []
    damage: list[str] = []
    try:
        with path.open("rb") as lines:
            for number, line in enumerate(lines, start=1):
                try:
                    results.append(_parse(line))
                except (ValueError, RecordError) as error:
                    damage.append(f"{path}:{number}: {_damage(line, error)}")
    except OSError as error:
        message = f"{path}: cannot be read: {error.strerror}"
        raise RecordError(message, hint=f"ls -l {path.parent}") from error
    return Record(results=tuple(results), damage=tuple(damage))


def _parse(line: bytes) -> CheckResult:
    if not line.endswith(b"\n"):
        raise ValueError("the last line is cut: its result was being written when the run ended")
    record: Json = json.loads(line)
    if not isinstance(record, dict):
        raise RecordError("not a record")
    return from_record(record)


def _damage(line: bytes, error: ValueError | RecordError) -> str:
    if isinstance(error, json.JSONDecodeError | UnicodeDecodeError):
        return f"{len(line)} bytes that are not JSON"
    return str(error)


def _make_private(directory: Path) -> None:
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    if directory.is_symlink():
        raise NotADirectoryError(0, "is a symbolic link", str(directory))
    directory.chmod(0o700)


def _sync_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _ascii(text: str, limit: int) -> str:
    return re.sub(r"[^A-Za-z0-9.-]+", "-", text)[:limit].strip("-.") or "unnamed"


def _failure(path: Path, error: OSError) -> RecordError:
    return RecordError(f"{path}: cannot be written: {error.strerror}", hint=_HINT)

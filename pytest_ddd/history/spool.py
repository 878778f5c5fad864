"""Keeps what could not be stored in a file beside, until a later run stores it."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from pytest_ddd.errors import RecordError
from pytest_ddd.history import places


def directory(root: Path) -> Path:
    """Return where the spools of a site are."""
    return root / places.DIRECTORY / "spool"


class Spool:
    """Lines of one run that wait; the file is made with the first one.

    Args:
        root: the site.
        run_id: whose lines these are.
    """

    def __init__(self, root: Path, run_id: str) -> None:
        self.path = directory(root) / f"{run_id}.jsonl"
        self._descriptor = -1
        self._size_bytes = 0

    def write(self, line: bytes) -> None:
        """Append a line; whole, or nothing of it.

        Raises:
            RecordError: it cannot be written either.
        """
        try:
            if self._descriptor < 0:
                self._open()
            self._append(line)
        except OSError as error:
            raise RecordError(
                f"{self.path}: cannot be written: {error.strerror}",
                hint="free space; what evidence has can be imported: pytest-ddd history import",
            ) from error

    def empty(self) -> None:
        """Forget all lines: they are stored."""
        if self._descriptor >= 0:
            with suppress(OSError):  # what is stored already is passed over later
                os.ftruncate(self._descriptor, 0)
                self._size_bytes = 0

    def close(self, *, is_done: bool) -> None:
        """Take the file away when all of it is stored, or let a later run take it.

        Args:
            is_done: whether nothing is left to be stored.
        """
        if self._descriptor < 0:
            return
        descriptor, self._descriptor = self._descriptor, -1
        try:
            if is_done:
                with suppress(OSError):
                    self.path.unlink()
            else:
                os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def _append(self, line: bytes) -> None:
        rest = memoryview(line)
        try:
            while rest:
                rest = rest[os.write(self._descriptor, rest) :]
        except OSError:
            os.ftruncate(self._descriptor, self._size_bytes)
            raise
        self._size_bytes += len(line)

    def _open(self) -> None:
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
        while self._descriptor < 0:
            descriptor = os.open(self.path, flags, 0o600)
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            if _is_still(self.path, descriptor):
                self._descriptor = descriptor
            else:  # another run has taken the file before it was locked
                os.close(descriptor)
        self._size_bytes = os.fstat(self._descriptor).st_size


@contextmanager
def taken(path: Path) -> Iterator[bool]:
    """Hold a spool file; False when its run is still writing it or another one has taken it."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        yield False
        return
    try:
        yield _lock(descriptor) and _is_still(path, descriptor)
    finally:
        os.close(descriptor)


def waiting(root: Path) -> list[Path]:
    """Return the spool files of a site, oldest first."""
    return sorted(directory(root).glob("*.jsonl"), key=lambda path: path.stat().st_mtime_ns)


def _lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _is_still(path: Path, descriptor: int) -> bool:
    """Whether nobody has stored and removed the file between our open and our lock."""
    try:
        return path.stat().st_ino == os.fstat(descriptor).st_ino
    except FileNotFoundError:
        return False

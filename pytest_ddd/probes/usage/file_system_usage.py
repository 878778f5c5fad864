"""Ask a host how full its file systems are, each with a command of its own.

A file system that hangs (a dead NFS server, a stopped FUSE daemon) holds up whoever asks for its
size, and the asker cannot be interrupted from within: so a process of its own asks, on this machine
too, it is killed when its time is up, and the others are read meanwhile.
"""

from __future__ import annotations

import math
import re
import shlex
from concurrent.futures import Future
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from pytest_ddd.errors import CannotLookError, CommandTimeoutError
from pytest_ddd.probes.usage import file_systems
from pytest_ddd.probes.usage.file_systems import FileSystem
from pytest_ddd.probes.usage.measures import Measure
from pytest_ddd.units import format_size

if TYPE_CHECKING:
    from pytest_ddd.connections import Completed, Session

DiskKind = Literal["disk", "inodes"]

_TIMEOUT_S = 5.0
"""What one file system may take; a healthy one answers within milliseconds."""

_MAX_OUTPUT_BYTES = 4 << 20
_MARK = "-- ddd --"
TABLES = f"cat {file_systems.TABLE} && echo '{_MARK}' && {{ cat /etc/fstab 2>/dev/null || true; }}"
_STAT = re.compile(r"F (\d+) (\d+) (\d+) (\d+) (\d+) (\d+)\n?")
_DF = re.compile(r"\s(\d+)\s+(\d+)\s+(-?\d+)\s+(?:\d+%|-)\s+/")
_UNSIGNED_MINUS = 1 << 63
"""Free blocks below zero (the reserve is in use) come as a huge number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """How large a file system is and what is left, in bytes and inodes.

    `available_bytes` is what users without privileges may still write.
    """

    total_bytes: int
    free_bytes: int
    available_bytes: int
    inodes: int
    free_inodes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Tables:
    """What is mounted on a host, and the options that /etc/fstab wants by mount point."""

    mounts: tuple[FileSystem, ...]
    fstab: dict[str, frozenset[str]]


def asking(mount: str) -> str:
    """Return the command that asks for the sizes of the file system at a mount point."""
    path = shlex.quote(mount)
    # Not every BusyBox has stat. Something follows: else sh could become df itself, and a df
    # that cannot be killed would take the whole connection along.
    return (
        f"if command -v stat >/dev/null; then stat -f -c 'F %S %b %f %a %c %d' -- {path};"
        f" else df -P -k -- {path} && df -P -i -- {path}; fi; exit $?"
    )


@dataclass(frozen=True, slots=True)
class FileSystemUsage:
    """Asks one host, by its session."""

    session: Session

    def tables(self) -> Tables:
        """Return what is mounted; looks at no file system, so that none can hold it up.

        Raises:
            CannotLookError: the mount table cannot be read.
        """
        completed = self._submit(TABLES).result()
        text, mark, fstab = completed.text.partition(f"{_MARK}\n")
        if not completed.ok or not mark:
            raise CannotLookError(f"{self._where}: {completed.said[:300]}")
        return Tables(
            mounts=file_systems.parse_mounts(text), fstab=dict(file_systems.parse_fstab(fstab))
        )

    def real_path(self, path: str) -> str:
        """Return a path without symbolic links; the path itself where that cannot be told."""
        completed = self._submit(f"readlink -f -- {shlex.quote(path)}").result()
        return completed.text.removesuffix("\n") or path

    def ask(self, mount: str) -> Future[Completed]:
        """Start to ask for the sizes of the file system at a mount point."""
        return self._submit(asking(mount))

    def sizes(self, mount: str, answer: Future[Completed]) -> Sizes:
        """Return the sizes that `ask` was about.

        Raises:
            CannotLookError: it does not answer, or its answer makes no sense.
        """
        try:
            completed = answer.result()
        except CommandTimeoutError as failure:
            raise CannotLookError(
                f"{self._where}: {mount} did not answer within {_TIMEOUT_S:g} s: it hangs",
                hint=f"findmnt {mount}   # and look at the server or daemon behind it",
            ) from failure
        if not completed.ok:
            raise CannotLookError(f"{self._where}: {mount}: {completed.said[:300]}")
        return parse_sizes(completed.text, where=f"{self._where}: {mount}")

    @property
    def _where(self) -> str:
        return self.session.spec.label

    def _submit(self, command: str) -> Future[Completed]:
        return self.session.submit(
            command, timeout_s=_TIMEOUT_S, max_output_bytes=_MAX_OUTPUT_BYTES, repeatable=True
        )


def parse_sizes(text: str, *, where: str) -> Sizes:
    """Return the sizes that `stat -f` or `df -P` printed.

    Raises:
        CannotLookError: it is neither, or a part is larger than the whole.
    """
    if match := _STAT.fullmatch(text):
        unit, total, free, available, inodes, free_inodes = (int(word) for word in match.groups())
    elif len(rows := _DF.findall(text)) == 2:
        unit, (total, used, available) = 1024, (int(word) for word in rows[0])
        inodes, _used, free_inodes = (int(word) for word in rows[1])
        free = total - used
    else:
        raise CannotLookError(f"{where}: not what stat -f or df -P prints: {text[:200]!r}")
    available = 0 if available >= _UNSIGNED_MINUS else max(0, available)
    if free > total or free_inodes > inodes or available > total:
        raise CannotLookError(f"{where}: more is free than there is: {text[:200]!r}")
    return Sizes(
        total_bytes=total * unit,
        free_bytes=free * unit,
        available_bytes=available * unit,
        inodes=inodes,
        free_inodes=free_inodes,
    )


def measure(kind: DiskKind, sizes: Sizes, *, where: str) -> Measure:
    """Return how full a file system is, counted and rounded up as df does.

    Raises:
        CannotLookError: it has no size at all, as /proc has none.
    """
    source = "stat -f"
    if kind == "inodes":
        if sizes.inodes == 0:
            return Measure(
                value=0.0, source=source, detail="not applicable: inodes are not counted"
            )
        used = sizes.inodes - sizes.free_inodes
        detail = f"{sizes.free_inodes} of {sizes.inodes} inodes free"
        return Measure(value=_rounded_up(used, sizes.inodes), source=source, detail=detail)
    if sizes.total_bytes == 0:
        raise CannotLookError(f"{where}: a file system without a size")
    used = sizes.total_bytes - sizes.free_bytes
    detail = f"{format_size(sizes.available_bytes)} of {format_size(sizes.total_bytes)} available"
    percent = _rounded_up(used, used + sizes.available_bytes)
    return Measure(value=percent, source=source, detail=detail)


def _rounded_up(used: int, whole: int) -> float:
    """Return whole per cent; nothing of nothing (all of it is reserved) is full."""
    return float(math.ceil(used * 100 / whole)) if whole else 100.0

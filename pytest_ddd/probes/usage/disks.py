"""Disks: how full the file systems of one host are, and which are missing or read-only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from pytest_ddd.errors import CannotLookError, UnreachableError
from pytest_ddd.probes.usage import file_systems
from pytest_ddd.probes.usage.file_system_usage import (
    DiskKind,
    FileSystemUsage,
    Sizes,
    Tables,
    measure,
)
from pytest_ddd.probes.usage.file_systems import FileSystem
from pytest_ddd.probes.usage.measures import Writer
from pytest_ddd.results import Problem, Reading


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """How much of a resource is used: one reading, or one for each file system.

    A file system that could not be read has a reading without a value, which is judged UNKNOWN.
    """

    readings: tuple[Reading, ...]
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class Disks:
    """One look at the file systems of one host: at their space or at their inodes."""

    usage: FileSystemUsage
    kind: DiskKind
    writer: Writer

    def all(self, exclude: Sequence[str]) -> Usage:
        """Read all real file systems at once; one that hangs is one reading without a value.

        Raises:
            CannotLookError: there is none.
        """
        tables = self.usage.tables()
        real = file_systems.real_file_systems(tables.mounts, exclude)
        answers = [(one, self.usage.ask(one.mount)) for one in real]
        readings = []
        for one, answer in answers:
            try:
                sizes = self.usage.sizes(one.mount, answer)
            except UnreachableError:
                raise
            except CannotLookError as failure:
                readings.append(self._blind(one.mount, failure))
                continue
            if sizes.total_bytes:  # as df does: what has no size is no place to store anything
                readings.append(self._read(one.mount, one, sizes))
        if not readings:
            raise CannotLookError(
                "no real file system is mounted, or all are excluded",
                hint=f"name one in thresholds: {self.kind}:/",
            )
        return Usage(readings=tuple(readings), problems=self._read_only(real, tables))

    def one(self, mount: str) -> Usage:
        """Read the file system that must be mounted at `mount`.

        Raises:
            CannotLookError: it is mounted and does not answer.
        """
        # Asked before the table is read: that is what makes an automounter mount it.
        answer = self.usage.ask(mount)
        try:
            sizes = self.usage.sizes(mount, answer)
        except UnreachableError:
            raise
        except CannotLookError:
            tables = self.usage.tables()
            if file_systems.at(tables.mounts, mount) is None:
                return self._missing(mount, tables)
            raise
        tables = self.usage.tables()
        found = file_systems.at(tables.mounts, mount) or file_systems.at(
            tables.mounts, self.usage.real_path(mount)
        )
        if found is None:
            return self._missing(mount, tables)
        return Usage(
            readings=(self._read(mount, found, sizes),),
            problems=self._read_only((found,), tables),
        )

    def _read(self, mount: str, one: FileSystem, sizes: Sizes) -> Reading:
        measured = measure(self.kind, sizes, where=mount)
        detail = f"{measured.detail}; {one.kind} {one.source}"
        return self.writer.reading(f"{self.kind} {mount}", replace(measured, detail=detail))

    def _blind(self, mount: str, failure: CannotLookError) -> Reading:
        name = f"{self.kind} {mount}"
        return self.writer.blind(name, source="stat -f", error=failure.message)

    def _missing(self, mount: str, tables: Tables) -> Usage:
        though = ", though /etc/fstab names it" if mount in tables.fstab else ""
        text = f"nothing is mounted at {mount}{though}"
        return Usage(readings=(), problems=(Problem(text=text, origin=self.writer.origin),))

    def _read_only(self, checked: Sequence[FileSystem], tables: Tables) -> tuple[Problem, ...]:
        told = [(one, file_systems.why_read_only(one, tables.fstab)) for one in checked]
        return tuple(
            Problem(text=f"{one.mount} is {why}", origin=self.writer.origin)
            for one, why in told
            if why
        )

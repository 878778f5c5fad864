"""Reads a package, a directory or its archive, and trusts nothing in it."""

from __future__ import annotations

import io
import os
import stat
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import IO, TYPE_CHECKING, BinaryIO, Protocol

from pytest_ddd.errors import RecordError, UsageError

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

MAX_FILES = 100_000
MAX_BYTES = 16 * 1024**3
MAX_RATIO = 400
"""Our reports shrink to a fortieth; deflate itself cannot do better than a thousandth."""

_RATIO_FROM_BYTES = 10 * 1024**2
_BLOCK_BYTES = 128 * 1024
_ENCRYPTED = 0x1
_REGULAR = (0, stat.S_IFREG)
_COMPRESSIONS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


class Source(Protocol):
    """Where the files of a package are read from."""

    name: str
    """What the package calls itself: the name of its directory."""

    problems: tuple[str, ...]
    """What no package has: links, devices, names that lead outside. Such files are not read."""

    sizes: Mapping[str, int]
    """The size in bytes of each file, by its path inside the package."""

    def open(self, path: str) -> BinaryIO:
        """Open one of `sizes`."""

    def close(self) -> None:
        """Let go of what is open."""


class DirectorySource:
    """A package as a directory; links are not followed."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.name = directory.resolve().name
        problems: list[str] = []
        sizes: dict[str, int] = {}
        self._walk(directory, "", sizes, problems)
        self.sizes: Mapping[str, int] = sizes
        self.problems = tuple(problems)

    def open(self, path: str) -> BinaryIO:
        """Open a file; a link that has come in its place since is refused."""
        descriptor = os.open(self.directory / path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        return os.fdopen(descriptor, "rb")

    def close(self) -> None:
        """Nothing is open between two reads."""

    def _walk(
        self, directory: Path, prefix: str, sizes: dict[str, int], problems: list[str]
    ) -> None:
        with os.scandir(directory) as entries:
            for entry in sorted(entries, key=lambda one: one.name):
                path = prefix + entry.name
                if entry.is_dir(follow_symlinks=False):
                    self._walk(directory / entry.name, f"{path}/", sizes, problems)
                elif entry.is_file(follow_symlinks=False):
                    sizes[path] = entry.stat(follow_symlinks=False).st_size
                else:
                    problems.append(f"{_shown(path)}: neither a file nor a directory")


class ArchiveSource:
    """A package as a ZIP file.

    Raises:
        RecordError: it is no archive that could be one of ours, or it would unpack to more than
            can be meant.
    """

    def __init__(self, file: BinaryIO, size_bytes: int) -> None:
        self.file = file
        try:
            self._archive = zipfile.ZipFile(file)
        except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError) as error:
            raise RecordError(f"not a ZIP archive: {error}") from None
        self.infos = self._archive.infolist()
        _refuse_bomb(self.infos, size_bytes)
        self.name = self.infos[0].filename.partition("/")[0] if self.infos else ""
        prefix = f"{self.name}/"
        problems: list[str] = []
        self._members: dict[str, zipfile.ZipInfo] = {}
        for info in self.infos:
            path = info.filename.removeprefix(prefix)
            wrong = _wrong_with(info, prefix, path, self._members)
            if wrong:
                problems.append(f"{_shown(info.filename)}: {wrong}")
            else:
                self._members[path] = info
        self.sizes: Mapping[str, int] = {path: i.file_size for path, i in self._members.items()}
        self.problems = tuple(problems)

    def open(self, path: str) -> BinaryIO:
        """Open a file; reading it raises OSError when it is not what the archive says."""
        try:
            member = self._archive.open(self._members[path])
        except (zipfile.BadZipFile, NotImplementedError, RuntimeError, ValueError) as error:
            raise OSError(0, f"cannot be unpacked: {error}") from None
        return io.BufferedReader(_Member(member), _BLOCK_BYTES)

    def close(self) -> None:
        """Close the archive."""
        self._archive.close()
        self.file.close()

    @property
    def prefix(self) -> str:
        """What stands before each path."""
        return f"{self.name}/"


class _Member(io.RawIOBase):
    """A file inside an archive, all of whose mistakes are OSErrors."""

    def __init__(self, member: IO[bytes]) -> None:
        self._member = member

    def readable(self) -> bool:
        """Say that it can be read, for io.BufferedReader."""
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        """Fill a buffer, for io.BufferedReader."""
        room = memoryview(buffer).cast("B")
        try:
            data = self._member.read(len(room))
        except (zipfile.BadZipFile, zlib.error, EOFError, ValueError) as error:
            raise OSError(0, f"cannot be unpacked: {error}") from None
        room[: len(data)] = data
        return len(data)

    def close(self) -> None:
        """Close the member too."""
        self._member.close()
        super().close()


def open_package(path: Path) -> DirectorySource | ArchiveSource:
    """Return the source for a path that a person typed.

    Raises:
        UsageError: there is no such file or directory.
        RecordError: it is no package.
    """
    if path.is_dir():
        return DirectorySource(path)
    try:
        file = path.open("rb")
    except OSError as error:
        message = f"{path}: cannot be read: {error.strerror}"
        raise UsageError(message, hint="pytest-ddd evidence show") from None
    try:
        return ArchiveSource(file, path.stat().st_size)
    except RecordError as error:
        file.close()
        raise RecordError(f"{path}: {error.message}") from None


def _refuse_bomb(infos: list[zipfile.ZipInfo], size_bytes: int) -> None:
    total = sum(info.file_size for info in infos)
    if len(infos) > MAX_FILES:
        raise RecordError(f"refused: {len(infos)} files in one package")
    if total > MAX_BYTES or total > max(size_bytes * MAX_RATIO, _RATIO_FROM_BYTES):
        raise RecordError(f"refused: {size_bytes} bytes would unpack to {total}")


def _wrong_with(info: zipfile.ZipInfo, prefix: str, path: str, known: Mapping[str, object]) -> str:
    """Say why a member of an archive is not one of ours."""
    parts = info.filename.split("/")
    kind = stat.S_IFMT(info.external_attr >> 16)
    leads_outside = (
        not info.filename.startswith(prefix)
        or any(part in ("", ".", "..") for part in parts)
        or "\\" in info.filename
        or "\0" in info.orig_filename
    )
    wrongs = {
        "a name that leads outside of the package": leads_outside,
        "there twice": path in known,
        "not a regular file": kind not in _REGULAR,
        "encrypted": bool(info.flag_bits & _ENCRYPTED),
        "compressed in an unknown way": info.compress_type not in _COMPRESSIONS,
    }
    return next((said for said, wrong in wrongs.items() if wrong), "")


def _shown(name: str) -> str:
    return name.encode("unicode_escape").decode()[:200]

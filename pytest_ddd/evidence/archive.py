"""Packs a package into a ZIP file that is the same, byte for byte, each time."""

from __future__ import annotations

import os
import shutil
import tempfile
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO

from pytest_ddd.evidence.files import written
from pytest_ddd.evidence.sources import ArchiveSource, DirectorySource, Source

_EPOCH = (1980, 1, 1, 0, 0, 0)
_MODE = 0o100600
_UNIX = 3
_BLOCK_BYTES = 1024**2
_ZIP64_FROM_BYTES = 2 * 1024**3


def archive_path(directory: Path) -> Path:
    """Return where the archive of a package lies: beside its directory."""
    return directory.with_name(f"{directory.name}.zip")


def write_archive(directory: Path) -> Path:
    """Write the archive of a directory, and return its path.

    Raises:
        RecordError: it cannot be written.
    """
    path = archive_path(directory)
    source = DirectorySource(directory)
    with written(path) as file:
        _pack(file, source, f"{source.name}/")
    return path


def is_ours(source: ArchiveSource) -> bool:
    """Whether packing what is in an archive gives the same archive, byte for byte."""
    with tempfile.TemporaryFile() as again:
        try:
            _pack(again, source, source.prefix)
        except OSError:
            return False
        return _same(again, source.file)


def shape(source: ArchiveSource) -> list[tuple[object, ...]]:
    """Return all that an archive says of its members apart from how they are compressed."""
    return [
        (i.filename, i.date_time, i.external_attr, i.create_system, i.extra, i.comment)
        for i in source.infos
    ]


def our_shape(source: ArchiveSource) -> list[tuple[object, ...]]:
    """Return what `shape` is of an archive that we packed."""
    names: Iterable[str] = sorted(source.sizes)
    return [(source.prefix + name, _EPOCH, _MODE << 16, _UNIX, b"", b"") for name in names]


def _pack(file: BinaryIO, source: Source, prefix: str) -> None:
    with zipfile.ZipFile(file, "w", compression=zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(source.sizes):
            info = zipfile.ZipInfo(prefix + path, date_time=_EPOCH)
            info.external_attr, info.create_system = _MODE << 16, _UNIX
            info.compress_type = zipfile.ZIP_DEFLATED
            info.file_size = source.sizes[path]
            large = source.sizes[path] >= _ZIP64_FROM_BYTES
            with source.open(path) as content, archive.open(info, "w", force_zip64=large) as packed:
                shutil.copyfileobj(content, packed, _BLOCK_BYTES)


def _same(one: BinaryIO, other: BinaryIO) -> bool:
    if one.seek(0, os.SEEK_END) != other.seek(0, os.SEEK_END):
        return False
    one.seek(0)
    other.seek(0)
    while block := one.read(_BLOCK_BYTES):
        if block != other.read(_BLOCK_BYTES):
            return False
    return True

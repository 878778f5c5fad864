"""Where a SQLite history may lie: private to its owner, and on a file system with shared memory."""

from __future__ import annotations

import os
from pathlib import Path

from pytest_ddd.errors import RecordError

DIRECTORY = ".pytest-ddd"
FILE_NAME = "history.db"

_NETWORK = frozenset({
    "9p", "afs", "beegfs", "ceph", "cifs", "coda", "davfs", "fuse.ceph", "fuse.davfs2",
    "fuse.gcsfuse", "fuse.glusterfs", "fuse.rclone", "fuse.s3fs", "fuse.sshfs", "gfs2",
    "glusterfs", "gpfs", "lustre", "ncpfs", "nfs", "nfs4", "ocfs2", "orangefs", "smb3", "smbfs",
})  # fmt: skip
"""Several machines share these, and WAL needs memory that all users of the file share
(https://www.sqlite.org/wal.html)."""


def default_url(root: Path) -> str:
    """Return the URL of a site's own history."""
    return f"sqlite:///{root / DIRECTORY / FILE_NAME}"


def prepare(path: Path) -> None:
    """Make directory and file, readable by their owner only.

    Raises:
        RecordError: they cannot be made, or lie on a network file system.
    """
    try:
        if not path.parent.exists():
            path.parent.mkdir(mode=0o700, parents=True)
        kind = file_system(path.parent.resolve())
        if kind in _NETWORK:
            raise RecordError(
                f"{path}: lies on {kind}, where SQLite may lose what two machines write",
                hint="choose a local disk, or PostgreSQL: --ddd-history postgresql://…",
            )
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    except OSError as error:
        message = f"{path}: the history cannot be opened: {error.strerror}"
        raise RecordError(message, hint=f"ls -ld {path.parent}; df {path.parent}") from error


def file_system(path: Path, mounts: Path = Path("/proc/self/mountinfo")) -> str:
    """Return the type of the file system that holds an absolute path; empty when unknown."""
    try:
        lines = mounts.read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    except OSError:
        return ""
    best, kind = -1, ""
    for line in lines:
        before, _, after = line.partition(" - ")
        point = Path(_unescape(before.split()[4]))
        if len(point.parts) >= best and (point == path or point in path.parents):
            best, kind = len(point.parts), after.split()[0]
    return kind


def _unescape(text: str) -> str:
    """Return a path of mountinfo, where a blank is its octal code."""
    for code, character in (("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")):
        text = text.replace(code, character)
    return text

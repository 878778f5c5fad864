"""Read the mount table of a Linux host: which file systems are real, and what is wrong with them.

Real is what has a device of its own (block devices, btrfs, zfs), what comes over the network
(nfs, cifs, ceph, 9p, virtiofs, FUSE), an overlay that is the root, and a tmpfs that somebody
mounted to work in: one that is not below `TMPFS_OF_THE_SYSTEM`. Media that nobody can write
(squashfs of snaps, iso9660) are always full and left out, so are pseudo file systems and the
FUSE mounts of desktop sessions. Any of them can still be named: `disk:/dev/shm`. A device that is
mounted several times counts once.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from pytest_ddd.errors import CannotLookError

TABLE = "/proc/self/mountinfo"
TMPFS_OF_THE_SYSTEM = ("/dev/", "/sys/", "/proc/", "/run/")
"""Below these a tmpfs belongs to the kernel, to systemd or to a login session. /run itself counts:
when it is full, no service starts."""

_READ_ONLY_MEDIA = frozenset(
    {"squashfs", "iso9660", "erofs", "cramfs", "romfs", "fuse.squashfuse", "fuse.snapfuse"}
)
_PSEUDO = frozenset({
    "autofs", "binder", "binfmt_misc", "bpf", "cgroup", "cgroup2", "configfs", "cpuset",
    "debugfs", "devpts", "devtmpfs", "efivarfs", "fuse.gvfsd-fuse", "fuse.lxcfs", "fuse.portal",
    "fuse.xdg-document-portal", "fusectl", "hugetlbfs", "mqueue", "nfsd", "nsfs", "proc",
    "pstore", "ramfs", "resctrl", "rootfs", "rpc_pipefs", "securityfs", "selinuxfs", "smackfs",
    "sysfs", "tracefs",
})  # fmt: skip
_ESCAPE = re.compile(r"\\([0-7]{3})")


@dataclass(frozen=True, slots=True, kw_only=True)
class FileSystem:
    """One line of the mount table.

    `options` belong to the mount, `super_options` to the file system below it; `root` is the part
    of the file system that is mounted; `device` is `major:minor`.
    """

    number: int
    parent: int
    device: str
    root: str
    mount: str
    options: frozenset[str]
    kind: str
    source: str
    super_options: frozenset[str]

    @property
    def is_real(self) -> bool:
        """Whether `disk` and `inodes` count it."""
        if self.kind in _PSEUDO or self.kind in _READ_ONLY_MEDIA:
            return False
        if self.kind == "tmpfs":
            return not self.mount.startswith(TMPFS_OF_THE_SYSTEM)
        return self.kind != "overlay" or self.mount == "/"

    @property
    def is_read_only(self) -> bool:
        """Whether nothing can be written through this mount."""
        return "ro" in self.options | self.super_options


def parse_mounts(text: str) -> tuple[FileSystem, ...]:
    """Return what the mount table says, without what is hidden below a later mount.

    Raises:
        CannotLookError: it is empty, or a line is not as proc_pid_mountinfo(5) describes it.
    """
    mounts = [_parse_line(line) for line in text.splitlines() if line]
    if not mounts:
        raise CannotLookError(f"{TABLE} is empty", hint=f"cat {TABLE}   # on that host")
    return _visible(mounts)


def real_file_systems(
    mounts: Iterable[FileSystem], exclude: Sequence[str] = ()
) -> tuple[FileSystem, ...]:
    """Return the real file systems in the order of their mount points, each device once."""
    found: dict[str, FileSystem] = {}
    for one in sorted(mounts, key=lambda one: (one.root != "/", len(one.mount), one.mount)):
        left_out = any(fnmatchcase(one.mount, pattern) for pattern in exclude)
        if one.is_real and not left_out:
            found.setdefault(one.device, one)
    return tuple(sorted(found.values(), key=lambda one: one.mount))


def at(mounts: Iterable[FileSystem], path: str) -> FileSystem | None:
    """Return the file system that is mounted exactly at `path`."""
    return next((one for one in mounts if one.mount == path), None)


def why_read_only(one: FileSystem, fstab: Mapping[str, frozenset[str]]) -> str:
    """Say why a file system must not be read-only as it is; empty when all is well.

    The kernel makes a file system read-only after an error and leaves the mount as it was
    (`errors=remount-ro`); a person who remounts it changes both.
    """
    if "emergency_ro" in one.super_options:
        return "read-only: the kernel made it so after an error"
    if "ro" in one.super_options and "rw" in one.options:
        return "mounted read-write, and read-only since: the kernel does this after an error"
    wanted = fstab.get(one.mount)
    if one.is_read_only and wanted is not None and "ro" not in wanted:
        return "read-only, and /etc/fstab says read-write"
    return ""


def parse_fstab(text: str) -> Mapping[str, frozenset[str]]:
    """Return the options of each mount point that /etc/fstab names."""
    lines = [line.split() for line in text.splitlines() if not line.lstrip().startswith("#")]
    return {
        unescaped(words[1]): frozenset(words[3].split(",")) for words in lines if len(words) > 3
    }


def _parse_line(line: str) -> FileSystem:
    try:
        before, after = line.split(" - ", 1)
        number, parent, device, root, mount, options, *_tags = before.split(" ")
        kind, source, super_options = [*after.split(" "), "", ""][:3]
        return FileSystem(
            number=int(number),
            parent=int(parent),
            device=device,
            root=unescaped(root),
            mount=unescaped(mount),
            options=frozenset(options.split(",")),
            kind=kind,
            source=unescaped(source),
            super_options=frozenset(super_options.split(",")),
        )
    except ValueError:
        raise CannotLookError(f"not a line of {TABLE}: {line[:200]!r}") from None


def unescaped(text: str) -> str:
    """Undo the octal escapes of a mount table, such as 040 for a blank."""
    return _ESCAPE.sub(lambda match: chr(int(match[1], 8)), text)


def _visible(mounts: Sequence[FileSystem]) -> tuple[FileSystem, ...]:
    """Leave out what lies below a mount that came on top of it, or above it, later."""
    on_top: dict[int, list[FileSystem]] = {}
    for one in mounts:
        on_top.setdefault(one.parent, []).append(one)
    known = {one.number for one in mounts}
    seen: list[FileSystem] = []
    waiting = [one for one in mounts if one.parent not in known or one.parent == one.number]
    while waiting:
        one = waiting.pop()
        children = [child for child in on_top.get(one.number, ()) if child is not one]
        cover = next((child for child in children if child.mount == one.mount), None)
        if cover is not None:
            waiting.append(cover)
            continue
        seen.append(one)
        waiting += [child for child in children if not _is_covered(child, children)]
    return tuple(sorted(seen, key=lambda one: one.number))


def _is_covered(one: FileSystem, siblings: Iterable[FileSystem]) -> bool:
    return any(one.mount.startswith(other.mount.rstrip("/") + "/") for other in siblings)

"""Show this machine's files to a lab host, so that its units can run what is installed here.

A bind mount cannot cross from one mount namespace into another; a tree that has been detached
with open_tree(2) can be moved into any (move_mount(2)). Only the file systems that are asked for
go along, and they are private: nothing that the host unmounts is unmounted here.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterable
from pathlib import Path

from tests.lab.host import LabHost

_OPEN_TREE, _MOVE_MOUNT = 428, 429
"""Numbers of the system calls, the same on all architectures since Linux 5.2."""

_AT_FDCWD = -100
_OPEN_TREE_CLONE = 1
_FROM_THE_TREE = 4  # MOVE_MOUNT_F_EMPTY_PATH
_PRIVATE = 0x40000  # MS_PRIVATE
_LIBC = ctypes.CDLL(None, use_errno=True)


def graft(host: LabHost, where: str, paths: Iterable[str | Path]) -> None:
    """Let the host see the file systems of these paths below a directory of its own."""
    host.run(["mkdir", "-p", where], check=True)
    for point in sorted({Path("/"), *(_mount_point(Path(path)) for path in paths)}):
        tree = _call(_OPEN_TREE, _AT_FDCWD, os.fsencode(point), _OPEN_TREE_CLONE)
        try:
            _in_child(host, tree, where + str(point).rstrip("/"))
        finally:
            os.close(tree)


def _mount_point(path: Path) -> Path:
    found = path.resolve()
    while not found.is_mount():
        found = found.parent
    return found


def _in_child(host: LabHost, tree: int, where: str) -> None:
    """Put the tree there from a process of its own: who enters a mount namespace stays in it."""
    namespace = os.open(f"/proc/{host.leader}/ns/mnt", os.O_RDONLY)
    root = os.open(f"/proc/{host.leader}/root", os.O_RDONLY)
    try:
        child = os.fork()
        if child == 0:
            os._exit(_move(tree, namespace, root, where.encode()))
        _, status = os.waitpid(child, 0)
    finally:
        os.close(namespace)
        os.close(root)
    number = os.waitstatus_to_exitcode(status)
    assert number == 0, f"{host.name}: {where} cannot be mounted: {os.strerror(number)}"


def _move(tree: int, namespace: int, root: int, where: bytes) -> int:
    """Enter the host's mount namespace and root, and put the tree there; returns an errno."""
    try:
        _checked(_LIBC.setns(namespace, 0))
        os.fchdir(root)
        os.chroot(".")
        _call(_MOVE_MOUNT, tree, b"", _AT_FDCWD, where, _FROM_THE_TREE)
        _checked(_LIBC.mount(None, where, None, _PRIVATE, None))
    except OSError as failure:
        return failure.errno or 1
    return 0


def _call(number: int, *arguments: int | bytes) -> int:
    return _checked(_LIBC.syscall(number, *arguments))


def _checked(result: int) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result

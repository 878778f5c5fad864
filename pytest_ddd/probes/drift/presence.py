"""Tells a path that is not there from one that may not be looked at."""

from __future__ import annotations

from pytest_ddd.errors import CannotLookError
from pytest_ddd.probes.drift.comparison import Comparison

PERMISSION_HINT = "let this host's connection use sudo: `sudo: true` in hosts.yaml"

_ABSENT = ("No such file or directory", "Not a directory")
"""ENOENT and ENOTDIR as every libc says them in the C locale; anything else is no proof."""


def is_absent(comparison: Comparison, path: str) -> bool:
    """Return whether nothing is there, for certain.

    `test -e` says no both when nothing is there and when a directory on the way is closed, so
    the kernel's reason is asked for.

    Raises:
        CannotLookError: the reason is another one (permission, I/O error, stale NFS handle).
    """
    answer = comparison.run("ls", "-d", "--", path)
    if answer.ok:
        return False
    said = answer.error_text.strip()
    if said.endswith(_ABSENT):
        return True
    hint = PERMISSION_HINT if "ermission" in said else ""
    raise CannotLookError(said or f"`ls -d {path}` ended with {answer.exit_status}", hint=hint)


def unreadable(comparison: Comparison, path: str, what: str) -> CannotLookError:
    """Return the reason why a path that is there could not be read."""
    if comparison.run("test", "-r", path).ok:
        return CannotLookError(f"{what} of {path} cannot be read")
    return CannotLookError(f"{path}: Permission denied", hint=PERMISSION_HINT)

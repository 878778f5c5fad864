"""Files with the setuid or setgid bit below some directories."""

from __future__ import annotations

import shlex

from pytest_ddd.errors import CannotLookError
from pytest_ddd.probes.drift.comparison import Comparison
from pytest_ddd.probes.drift.presence import PERMISSION_HINT, is_absent

TIMEOUT_S = 120.0


def setuid_files(comparison: Comparison, paths: list[str]) -> list[str]:
    """Return the paths, sorted; other file systems below a directory are not entered.

    Raises:
        CannotLookError: a directory could not be read, or it took too long.
    """
    starts = _outermost(comparison, paths)
    if not starts:
        raise CannotLookError(f"none of {', '.join(paths)} is there")
    answer = comparison.run(
        "find", *starts, "-xdev", "-type", "f", "-perm", "/6000", "-print", timeout_s=TIMEOUT_S
    )
    if said := _complaints(answer.error_text):
        hint = PERMISSION_HINT if "ermission" in said[0] else ""
        raise CannotLookError(f"{len(said)} places cannot be read: {said[0]}", hint=hint)
    if not answer.ok and not answer.error_text.strip():
        raise CannotLookError(f"find ended with {answer.exit_status}")
    return sorted(set(answer.text.splitlines()))


def canonical(comparison: Comparison, paths: list[str]) -> set[str]:
    """Return the paths without links on the way: /bin/su and /usr/bin/su are one file."""
    if not paths:
        return set()
    return set(_resolved(comparison, paths)) | set(paths)


def _complaints(text: str) -> list[str]:
    """Return what find could not read; a file that went away meanwhile is none."""
    lines = [line for line in text.splitlines() if line.strip()]
    return [line for line in lines if not line.endswith("No such file or directory")]


def _outermost(comparison: Comparison, paths: list[str]) -> list[str]:
    """Return the real directories to start in, each once, none inside another."""
    there = [path for path in paths if not is_absent(comparison, path)]
    if not there:
        return []
    resolved = _resolved(comparison, there)
    if len(resolved) != len(there):
        raise CannotLookError(f"readlink -f does not follow all of {', '.join(there)}")
    return sorted(set(resolved))


def _resolved(comparison: Comparison, paths: list[str]) -> list[str]:
    """Follow the links of each path; BusyBox's readlink takes one at a time."""
    words = shlex.join(paths)
    answer = comparison.script(f'for path in {words}; do readlink -f -- "$path"; done')
    return answer.text.splitlines()

"""Finds out by which clock, with which files and in which job a run is made."""

from __future__ import annotations

import ctypes
import os
import subprocess
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Literal

from pytest_ddd.evidence.canonical import digest
from pytest_ddd.evidence.facts import CheckFile, ClockState

_GIT_TIMEOUT_S = 10.0

_AUTOMATION = {
    "job": ("GITHUB_WORKFLOW", "CI_JOB_NAME", "JOB_NAME"),
    "number": ("GITHUB_RUN_ID", "CI_PIPELINE_ID", "BUILD_NUMBER"),
    "url": ("CI_JOB_URL", "BUILD_URL"),
    "actor": ("GITHUB_ACTOR", "GITLAB_USER_LOGIN", "BUILD_USER_ID"),
    "unit": ("INVOCATION_ID",),
}
"""The only variables of the environment that are looked at: others may hold secrets."""

_UNSYNCHRONIZED = 0x40
"""STA_UNSYNC of adjtimex(2)."""

_MICROSECOND = 1e-6


class _Timex(ctypes.Structure):
    """The head of `struct timex`; adjtimex(2) fills 208 bytes on Linux."""

    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long),
        ("status", ctypes.c_int),
        ("rest", ctypes.c_byte * 256),
    )


def clock_state() -> ClockState:
    """Ask the kernel whether its clock is in step; `unknown` where it does not say."""
    zone = time.strftime("%Z")
    state = _Timex()
    try:
        answer = ctypes.CDLL(None, use_errno=True).adjtimex(ctypes.byref(state))
    except (OSError, AttributeError):
        return ClockState(zone=zone)
    if answer < 0:
        return ClockState(zone=zone)
    in_step: Literal["yes", "no"] = "no" if state.status & _UNSYNCHRONIZED else "yes"
    error_s = state.maxerror * _MICROSECOND if in_step == "yes" else None
    return ClockState(synchronized=in_step, error_s=error_s, zone=zone)


def automation(environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Return which job of an automation runs this; empty for a person at a terminal."""
    found = {
        what: next((environ[name] for name in names if environ.get(name)), "")
        for what, names in _AUTOMATION.items()
    }
    return {what: value for what, value in found.items() if value}


def commit(root: Path) -> tuple[str, Literal["yes", "no", "unknown"]]:
    """Return the commit of the site, and whether its files differ from it."""
    head = _git(root, "rev-parse", "--verify", "HEAD")
    if not head:
        return "", "unknown"
    changed = _git(root, "status", "--porcelain", "--", ".")
    return head, "unknown" if changed is None else "yes" if changed else "no"


def check_files(root: Path, nodeids: Iterable[str]) -> tuple[CheckFile, ...]:
    """Return the digest of each file that checks come from, and of the conftests above them."""
    files: set[str] = set()
    for name in {nodeid.partition("::")[0] for nodeid in nodeids}:
        path = Path(name)
        files |= {name, *(str(above / "conftest.py") for above in path.parents)}
    present = sorted(name for name in files if (root / name).is_file())
    return tuple(CheckFile(path=name, sha256=_sha256(root / name)) for name in present)


def _sha256(path: Path) -> str:
    try:
        return digest(path.read_bytes())
    except OSError as error:
        return f"cannot be read: {error.strerror}"


def _git(root: Path, *words: str) -> str | None:
    """Return what git says; None when there is no git or no repository."""
    command = ["git", "-C", str(root), "--no-optional-locks", *words]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, timeout=_GIT_TIMEOUT_S
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None

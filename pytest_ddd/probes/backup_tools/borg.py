"""Borg: archives, sizes, and what `borg check` reads."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_ddd import clock
from pytest_ddd.errors import CannotLookError
from pytest_ddd.probes.backup_tools import json_answers
from pytest_ddd.probes.backup_tools.asking import Asking, excerpt, said
from pytest_ddd.probes.backup_tools.interface import COMPARED, Copy, Found, Verified
from pytest_ddd.probes.backup_tools.json_answers import Answer
from pytest_ddd.units import format_duration

if TYPE_CHECKING:
    from pytest_ddd.connections import Completed

_UNATTENDED = {
    "BORG_RELOCATED_REPO_ACCESS_IS_OK": "yes",
    "BORG_UNKNOWN_UNENCRYPTED_REPO_ACCESS_IS_OK": "yes",
    "BORG_DISPLAY_PASSPHRASE": "no",
    "TZ": "UTC",  # borg writes local time, and leaves its zone out
}
"""Answers to what borg would ask a person."""

_GONE = ("does not exist", "is not a valid repository")
_LOCKED = "Failed to create/acquire the lock"
_DAMAGED = ("ntegrity error", "errors found", "Index object count mismatch", "inconsistenc")
_LOCK_WAIT_S = 5
_STALE_LOCK_S = 86400
"""A backup may hold its lock for hours; one of yesterday keeps tonight's backup away."""


@dataclass(frozen=True, slots=True)
class Borg:
    """Lists with `--bypass-lock`, so that a locked repository can be read."""

    def find(self, asking: Asking) -> Found:
        """Return the archives, with the prefix that the baseline asks for."""
        model = asking.model
        repository = shlex.quote(model.repository)
        chosen = f" --prefix {shlex.quote(model.host)}" if model.host else ""
        last = f"--last {COMPARED + 1}{chosen} {repository}"
        command = f"borg --bypass-lock list --json {last}"
        completed = asking.run(command, package="borgbackup", **_UNATTENDED)
        if not completed.ok:
            words = said(completed)
            if any(sign in words for sign in _GONE):
                text = f"no repository at {model.repository}: {words}"
                return Found(problems=(text,), source=command)
            if harm := _harm(completed):
                return Found(problems=(harm,), source=command)
            raise _blind(asking, command, words)
        listed = json_answers.one(completed.text, f"{asking.where}: borg list").many("archives")
        problems = self._stale_lock(asking)
        if not listed:
            return Found(problems=problems, source=command)
        command = f"borg --bypass-lock info --json {last}"
        completed = asking.run(command, package="borgbackup", **_UNATTENDED)
        if harm := "" if completed.ok else _harm(completed):
            problems = (*problems, harm)
            return Found(copies=_without_sizes(listed), problems=problems, source=command)
        if not completed.ok:
            raise _blind(asking, command, said(completed))
        return Found(copies=_with_sizes(completed, asking), problems=problems, source=command)

    def verify(self, asking: Asking, _latest: Copy, /) -> Verified | None:
        """Run `borg check`, which reads every segment; `data` decrypts and verifies it too."""
        if asking.model.integrity == "none":
            return None
        words, read = "check", "checksums of all segments; data is not decrypted"
        if asking.model.integrity == "data":
            words, read = "check --verify-data", "all segments and all data"
        command = f"borg --lock-wait {_LOCK_WAIT_S} {words} {shlex.quote(asking.model.repository)}"
        completed = asking.run(command, package="borgbackup", **_UNATTENDED)
        if completed.ok:
            return Verified(good=True, read=read, source=command)
        if harm := _harm(completed):
            return Verified(good=False, read=read, said=harm, source=command)
        raise _blind(asking, command, said(completed))

    def _stale_lock(self, asking: Asking) -> tuple[str, ...]:
        """Return a sentence when a local repository has been locked for more than a day."""
        lock = f"{asking.model.repository.removeprefix('file://')}/lock.exclusive"
        completed = asking.run(f"stat -c %Y -- {shlex.quote(lock)}")
        if not completed.text.strip().isdecimal():
            return ()
        age_s = clock.now().timestamp() - int(completed.text)
        if age_s < _STALE_LOCK_S:
            return ()
        return (f"locked for {format_duration(age_s)}: borg break-lock, if nothing works on it",)


def _with_sizes(completed: Completed, asking: Asking) -> tuple[Copy, ...]:
    archives = json_answers.one(completed.text, f"{asking.where}: borg info").many("archives")
    copies = [
        Copy(
            name=one.text("name"),
            at=one.moment("end"),
            size_bytes=one.one("stats").count("original_size"),
        )
        for one in archives
    ]
    return tuple(sorted(copies, key=lambda copy: copy.at))


def _without_sizes(listed: Sequence[Answer]) -> tuple[Copy, ...]:
    copies = [
        Copy(name=one.text("name"), at=one.moment("start"), size_bytes=None) for one in listed
    ]
    return tuple(sorted(copies, key=lambda copy: copy.at))


def _harm(completed: Completed) -> str:
    """Return the sentence for a damaged repository, in borg's words; empty when it is not."""
    lines = f"{completed.text}\n{completed.error_text}".splitlines()
    signs = [line.strip() for line in lines if any(sign in line for sign in _DAMAGED)]
    return excerpt("the repository is damaged: " + "; ".join(dict.fromkeys(signs))) if signs else ""


def _blind(asking: Asking, command: str, words: str) -> CannotLookError:
    hint = ""
    if "passphrase" in words:
        hint = "put the right one where the key `password` of this backup points to"
    elif _LOCKED in words:
        hint = "wait for the backup that is running; borg break-lock only when there is none"
    return CannotLookError(f"{asking.where}: {command}: {words}", hint=hint)

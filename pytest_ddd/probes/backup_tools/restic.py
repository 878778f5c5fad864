"""Restic: snapshots, sizes, locks, and what `restic check` reads."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass

from pytest_ddd import clock
from pytest_ddd.errors import CannotLookError
from pytest_ddd.probes.backup_tools import json_answers
from pytest_ddd.probes.backup_tools.asking import Asking, excerpt, said
from pytest_ddd.probes.backup_tools.interface import COMPARED, Copy, Found, Verified
from pytest_ddd.probes.backup_tools.json_answers import Answer
from pytest_ddd.units import format_duration

_STALE_LOCK_S = 1800
"""Restic renews its locks every five minutes, and calls them stale after thirty."""

_GONE_STATUS = 10
_WRONG_PASSWORD_STATUS = 12
"""Exit statuses that say so since restic 0.17."""

_GONE = ("no such file or directory", "does not exist", "specified key does not exist", "(404)")
_DAMAGED = (
    "contains errors",
    "LoadIndex returned errors",
    "ciphertext verification failed",
    "invalid data returned",
    "does not match",
    "unexpected file size",
)


@dataclass(frozen=True, slots=True)
class Restic:
    """Asks with `--no-lock`, so that a locked repository can be read and none is ever locked."""

    def find(self, asking: Asking) -> Found:
        """Return the snapshots of what the latest one holds."""
        model = asking.model
        chosen = [f"--host {shlex.quote(model.host)}"] if model.host else []
        if model.tags:
            chosen.append(f"--tag {shlex.quote(','.join(model.tags))}")
        command = " ".join([_restic(asking, "snapshots --json"), *chosen])
        completed = asking.run(command, package="restic")
        if not completed.ok:
            words = said(completed)
            if completed.exit_status == _GONE_STATUS or _is_gone(words):
                text = f"no repository at {model.repository}: {words}"
                return Found(problems=(text,), source=command)
            raise _blind(asking, command, completed.exit_status, words)
        listed = json_answers.many(completed.text, f"{asking.where}: restic snapshots")
        snapshots = sorted(listed, key=lambda one: one.moment("time"))
        problems = [*_unreadable(completed.error_text), *self._stale_locks(asking)]
        same = [one for one in snapshots if _content(one) == _content(snapshots[-1])]
        return Found(
            copies=tuple(self._copies(asking, same[-COMPARED - 1 :])),
            problems=tuple(problems),
            source=command,
            note=_others(snapshots),
        )

    def verify(self, asking: Asking, _latest: Copy, /) -> Verified | None:
        """Run `restic check`: with `integrity: data` it reads the data too."""
        if asking.model.integrity == "none":
            return None
        words, read = "check", "structure only; damaged data is not seen without integrity: data"
        if asking.model.integrity == "data":
            subset = asking.model.data_subset
            whole = subset in ("100%", "1/1")
            words = "check --read-data" if whole else f"check --read-data-subset={subset}"
            read = "structure and all data" if whole else f"structure and {subset} of the data"
        command = _restic(asking, words)
        completed = asking.run(command, package="restic")
        lines = f"{completed.text}\n{completed.error_text}".splitlines()
        both = "\n".join(line for line in lines if line.strip() and "retrying" not in line)
        if completed.ok:
            return Verified(good=True, read=read, said=excerpt(both), source=command)
        if not any(sign in both for sign in _DAMAGED):
            raise _blind(asking, command, completed.exit_status, said(completed))
        return Verified(good=False, read=read, said=excerpt(both), source=command)

    def _copies(self, asking: Asking, snapshots: Sequence[Answer]) -> list[Copy]:
        return [
            Copy(
                name=one.text("id")[:8],
                at=one.moment("time"),
                size_bytes=_summed(one) if "summary" in one.fields else self._size(asking, one),
            )
            for one in snapshots
        ]

    def _size(self, asking: Asking, snapshot: Answer) -> int:
        """Ask for the size of one snapshot; restic notes it down since 0.17 only."""
        name = shlex.quote(snapshot.text("id"))
        command = _restic(asking, f"stats --json --mode restore-size {name}")
        completed = asking.run(command, package="restic")
        if not completed.ok:
            raise asking.blind(command, completed)
        return json_answers.one(completed.text, f"{asking.where}: restic stats").count("total_size")

    def _stale_locks(self, asking: Asking) -> list[str]:
        """Return a sentence for each lock that nobody renews: it keeps the next backup away."""
        listing = _restic(asking, "list locks")
        completed = asking.run(listing, package="restic")
        if not completed.ok:
            raise asking.blind(listing, completed)
        locks = []
        for name in completed.text.split():
            found = asking.run(_restic(asking, f"cat lock {shlex.quote(name)}"), package="restic")
            if found.ok:  # else it has been given back meanwhile
                locks.append(json_answers.one(found.text, f"{asking.where}: restic lock"))
        return [text for one in locks if (text := _stale(one))]


def _restic(asking: Asking, words: str) -> str:
    repository = shlex.quote(asking.model.repository)
    return f"restic --no-lock -r {repository} {words}"


def _summed(snapshot: Answer) -> int:
    return snapshot.one("summary").count("total_bytes_processed")


def _content(snapshot: Answer) -> tuple[str, str]:
    """Return what makes snapshots comparable: their host and their paths."""
    return snapshot.text("hostname"), str(snapshot.fields.get("paths"))


def _others(snapshots: Sequence[Answer]) -> str:
    """Say what else the repository holds: the latest of another host is no backup of this one."""
    if not snapshots:
        return ""
    latest = {one.text("hostname"): one.moment("time") for one in snapshots}
    own = snapshots[-1].text("hostname")
    others = [f"{host} ({at:%Y-%m-%d %H:%M} UTC)" for host, at in latest.items() if host != own]
    note = f"of host {own}"
    return f"{note}; the repository also holds {', '.join(others)}" if others else note


def _stale(lock: Answer) -> str:
    at = lock.moment("time")
    age_s = (clock.now() - at).total_seconds()
    if age_s < _STALE_LOCK_S:
        return ""
    holder = f"{lock.text('username')}@{lock.text('hostname')}"
    return f"a stale lock of {holder}, {format_duration(age_s)} old: restic unlock"


def _unreadable(words: str) -> list[str]:
    """Return what restic passed over: a snapshot that it cannot read is missing in its list."""
    lines = [line.strip() for line in words.splitlines() if "gnoring" in line]
    return [excerpt("a snapshot cannot be read: " + "; ".join(lines))] if lines else []


def _is_gone(words: str) -> bool:
    return "unable to open config file" in words and any(sign in words for sign in _GONE)


def _blind(asking: Asking, command: str, status: int, words: str) -> CannotLookError:
    hint = ""
    if status == _WRONG_PASSWORD_STATUS or "wrong password" in words:
        hint = "put the right one where the key `password` of this backup points to"
    return CannotLookError(f"{asking.where}: {command}: {words}", hint=hint)

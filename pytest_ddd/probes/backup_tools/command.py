"""Command: any command that prints one JSON object about the latest backup."""

from __future__ import annotations

from dataclasses import dataclass

from pytest_ddd.errors import CannotLookError
from pytest_ddd.probes.backup_tools import json_answers
from pytest_ddd.probes.backup_tools.asking import Asking
from pytest_ddd.probes.backup_tools.interface import Copy, Found, Verified

_KEYS = frozenset({"at", "size_bytes"})


@dataclass(frozen=True, slots=True)
class Command:
    """Prints {"at": RFC 3339 or null when there is no backup, "size_bytes": N}."""

    def find(self, asking: Asking) -> Found:
        """Run the command; any other exit status than 0 means that it could not look."""
        command = asking.model.command
        completed = asking.run(command)
        if not completed.ok:
            raise asking.blind(command, completed, hint="run it yourself on that host")
        answer = json_answers.one(completed.text, f"{asking.where}: {command}")
        if set(answer.fields) != _KEYS:
            found = ", ".join(sorted(answer.fields)) or "nothing"
            raise CannotLookError(
                f"{asking.where}: {command}: its object must hold at and size_bytes, not {found}",
                hint='print {"at": "2026-01-31T03:00:00Z", "size_bytes": 1048576}',
            )
        if answer.fields["at"] is None:
            return Found(source=command)
        at, size_bytes = answer.moment("at"), answer.count("size_bytes")
        return Found(copies=(Copy(name="latest", at=at, size_bytes=size_bytes),), source=command)

    def verify(self, _asking: Asking, _latest: Copy, /) -> Verified | None:
        """Return nothing: what the command looked at is its own business."""
        return None

"""Rollback points that restic makes: files and directories of a host."""

from __future__ import annotations

import json
import shlex

from pytest_ddd import clock
from pytest_ddd.actions.patching import shell
from pytest_ddd.baseline import secrets
from pytest_ddd.baseline.sections.rollback import ResticPoint
from pytest_ddd.errors import DddError
from pytest_ddd.probes.rollback import Point, RollbackPoint


class ResticPaths:
    """Files and directories of a host in a restic repository."""

    def __init__(self, entry: RollbackPoint, model: ResticPoint) -> None:
        self._entry, self._model = entry, model
        self._timeout_s = entry.declaration.model.timeout

    def planned(self) -> tuple[str, ...]:
        """Return the paths."""
        return tuple(f"restic backup {path}" for path in self._model.paths)

    def create(self, folder: str) -> Point:
        """Make a snapshot.

        Raises:
            DddError: restic fails, also when it could not read everything.
        """
        at = clock.now()
        paths = " ".join(shlex.quote(path) for path in self._model.paths)
        tag = shlex.quote(f"pytest-ddd,{self._entry.key}")
        script = self._restic(f"backup --json --tag {tag} {paths}")
        done = shell.must(
            self._entry.session,
            script,
            shown="restic backup",
            timeout_s=self._timeout_s,
            stdin=self._password(),
        )
        return Point(at=at, reference=_snapshot_id(done.text))

    def wrong(self, point: Point) -> tuple[str, ...]:
        """Let restic read back all that the snapshot holds."""
        script = self._restic(f"dump --archive tar {shlex.quote(point.reference)} / >/dev/null")
        done = self._entry.session.run(
            script, timeout_s=self._timeout_s, stdin=self._password(), repeatable=True
        )
        return () if done.ok else (f"restic cannot read snapshot {point.reference}: {done.said}",)

    def restore(self, point: Point) -> None:
        """Bring the files back to where they were.

        Raises:
            DddError: restic fails.
        """
        shell.must(
            self._entry.session,
            self._restic(f"restore {shlex.quote(point.reference)} --target /"),
            shown="restic restore",
            timeout_s=self._timeout_s,
            stdin=self._password(),
        )

    def _restic(self, words: str) -> str:
        # The password comes on stdin: an argument or the environment is seen by other users.
        repository = shlex.quote(self._model.repository)
        return f"restic -q -r {repository} --password-file /dev/stdin {words}"

    def _password(self) -> bytes:
        return secrets.text_of(self._model.password).encode() + b"\n"


def _snapshot_id(text: str) -> str:
    for line in reversed(text.splitlines()):
        try:
            said = json.loads(line)
        except ValueError:
            continue
        if isinstance(said, dict) and said.get("message_type") == "summary":
            return str(said["snapshot_id"])
    raise DddError("restic backup named no snapshot", hint="restic 0.12 or newer is needed")

"""Rollback points that commands of the baseline make: a snapshot of a file system, a dump."""

from __future__ import annotations

from pytest_ddd import clock
from pytest_ddd.actions.patching import shell
from pytest_ddd.baseline.sections.rollback import CommandPoint
from pytest_ddd.probes import commands
from pytest_ddd.probes.rollback import Point, RollbackPoint


class OwnCommands:
    """Whatever the commands of the baseline make."""

    def __init__(self, entry: RollbackPoint, model: CommandPoint) -> None:
        self._entry, self._model = entry, model
        self._timeout_s = entry.declaration.model.timeout

    def planned(self) -> tuple[str, ...]:
        """Return the command."""
        return (self._model.create,)

    def create(self, folder: str) -> Point:
        """Run `create`.

        Raises:
            DddError: it fails.
        """
        at = clock.now()
        done = self._must(self._model.create)
        return Point(at=at, reference=done[:200])

    def wrong(self, point: Point) -> tuple[str, ...]:
        """Run `verify`."""
        done = commands.look(
            self._entry.session,
            self._model.verify,
            shown=self._model.verify,
            timeout_s=self._timeout_s,
        )
        return () if done.ok else (f"{self._model.verify}: {shell.said(done)}",)

    def restore(self, point: Point) -> None:
        """Run `restore`.

        Raises:
            DddError: it fails.
        """
        self._must(self._model.restore)

    def _must(self, command: str) -> str:
        done = shell.must(self._entry.session, command, shown=command, timeout_s=self._timeout_s)
        return done.text.strip()

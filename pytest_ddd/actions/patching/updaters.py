"""The kinds of updates: Debian packages, and whatever the commands of the baseline update."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from pytest_ddd.actions.patching import packages, shell
from pytest_ddd.actions.patching.jobs import Job
from pytest_ddd.baseline.sections.patches import Apt, Commands
from pytest_ddd.errors import CannotLookError
from pytest_ddd.probes import commands
from pytest_ddd.probes.patches import Patch
from pytest_ddd.probes.rollback import Point, RollbackPoint, read_point
from pytest_ddd.probes.rollback import entries as rollback_entries
from pytest_ddd.units import format_duration

_LOOK_S = 120.0


class Updater(Protocol):
    """One kind of update of one host; looks, and says what a job has to run."""

    def script(self, points: Sequence[tuple[RollbackPoint, Point]]) -> str:
        """Return what brings the update; nothing when it is in force already."""

    def missing(self, points: Sequence[tuple[RollbackPoint, Point]]) -> list[str]:
        """Return what is not in force."""

    def take_back(self, points: Sequence[tuple[RollbackPoint, Point]]) -> None:
        """Bring back what was there, as far as that is not the job of the rollback points."""

    def unrestored(self, points: Sequence[tuple[RollbackPoint, Point]]) -> list[str]:
        """Return what is not as it was."""


class AptUpdates:
    """Debian packages: what the rollback point has a way back for, and nothing else."""

    def __init__(self, patch: Patch, model: Apt) -> None:
        self._patch, self._model = patch, model

    def script(self, points: Sequence[tuple[RollbackPoint, Point]]) -> str:
        """Return what installs them.

        Raises:
            CannotLookError: an update has come up since the point was made.
        """
        point = _packages_of(self._patch, points)
        covered = {(one.name, one.new) for one in point.updates}
        for one in self._patch.pending().updates:
            if (one.name, one.new) not in covered:
                raise CannotLookError(
                    f"{self._patch.target}: the rollback point has no way back for {one}",
                    hint="run the scenario again: step 2 makes a new point",
                )
        there = packages.missing(self._patch.session, point.updates)
        return packages.script_of(point.updates, self._model) if there else ""

    def missing(self, points: Sequence[tuple[RollbackPoint, Point]]) -> list[str]:
        """Return the packages that have another version, or are installed by half."""
        point = _packages_of(self._patch, points)
        return packages.missing(self._patch.session, point.updates)

    def take_back(self, points: Sequence[tuple[RollbackPoint, Point]]) -> None:
        """Leave it to the rollback point."""

    def unrestored(self, points: Sequence[tuple[RollbackPoint, Point]]) -> list[str]:
        """Return the packages that are not what they were."""
        point = _packages_of(self._patch, points)
        return packages.unrestored(self._patch.session, point.updates)


class CommandUpdates:
    """Whatever the commands of the baseline update; they have a way back of their own."""

    def __init__(self, patch: Patch, model: Commands) -> None:
        self._patch, self._model = patch, model

    def script(self, points: Sequence[tuple[RollbackPoint, Point]]) -> str:
        """Return `apply`."""
        return self._model.apply + "\n"

    def missing(self, points: Sequence[tuple[RollbackPoint, Point]]) -> list[str]:
        """Run `verify`."""
        done = commands.look(
            self._patch.session, self._model.verify, shown=self._model.verify, timeout_s=_LOOK_S
        )
        return [] if done.ok else [f"{self._model.verify}: {shell.said(done)}"]

    def take_back(self, points: Sequence[tuple[RollbackPoint, Point]]) -> None:
        """Run `undo`.

        Raises:
            DddError: it fails.
        """
        seconds = self._patch.declaration.model.rollback_duration
        job = Job(self._patch.session, f"{self._patch.key}-undo")
        job.run(self._model.undo + "\n", within_s=seconds)

    def unrestored(self, points: Sequence[tuple[RollbackPoint, Point]]) -> list[str]:
        """Trust the exit status of `undo`, and the checks."""
        return []


def updater_of(patch: Patch) -> Updater:
    """Return the kind that a patch asks for."""
    model = patch.declaration.model
    if model.commands is not None:
        return CommandUpdates(patch, model.commands)
    assert model.apt is not None
    return AptUpdates(patch, model.apt)


def points_of(patch: Patch) -> list[tuple[RollbackPoint, Point]]:
    """Return the points that lead back from a patch: of apt all that its host has.

    Raises:
        CannotLookError: one is missing or too old, so that there is no way back.
    """
    if patch.declaration.model.apt is None:
        return []
    found = []
    for entry in _points(patch):
        point = read_point(patch.session, entry.key)
        if point is None:
            raise CannotLookError(
                f"{patch.target}: no rollback point {entry.key}", hint="step 2 makes it"
            )
        if not point.in_use:
            _refuse_old(patch, entry, point)
        found.append((entry, point))
    return found


def _points(patch: Patch) -> list[RollbackPoint]:
    entries = [one for one in rollback_entries(patch.scope) if one.host == patch.host]
    if not any(one.declaration.model.packages is not None for one in entries):
        raise CannotLookError(
            f"{patch.target}: nothing keeps its packages, so that there is no way back",
            hint="add to rollback.yaml: rollback: {packages: {packages: {}}}",
        )
    return entries


def _refuse_old(patch: Patch, entry: RollbackPoint, point: Point) -> None:
    from pytest_ddd import clock

    age_s = (clock.now() - point.at).total_seconds()
    limit = patch.declaration.model.point_age
    if age_s > limit:
        raise CannotLookError(
            f"{patch.target}: the rollback point {entry.key} is {format_duration(age_s)} old, "
            f"older than {format_duration(limit)} ({patch.declaration.origin('point_age')})",
            hint="step 2 makes a new one",
        )


def _packages_of(patch: Patch, points: Sequence[tuple[RollbackPoint, Point]]) -> Point:
    for entry, point in points:
        if entry.declaration.model.packages is not None:
            return point
    raise CannotLookError(f"{patch.target}: its packages have no rollback point")

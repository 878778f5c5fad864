"""What a kind of rollback point has to do: make it, look whether it is good, bring it back."""

from __future__ import annotations

from typing import Protocol

from pytest_ddd.actions.patching.own_commands import OwnCommands
from pytest_ddd.actions.patching.packages import KeptPackages
from pytest_ddd.actions.patching.restic_paths import ResticPaths
from pytest_ddd.probes.rollback import Point, RollbackPoint


class Kind(Protocol):
    """One kind of point on one host; a method that fails raises a DddError."""

    def planned(self) -> tuple[str, ...]:
        """Return what would be kept, one line each; touches nothing."""

    def create(self, folder: str) -> Point:
        """Make the point; what belongs to it is put into `folder`."""

    def wrong(self, point: Point) -> tuple[str, ...]:
        """Return why it could not be brought back; looks, and touches nothing."""

    def restore(self, point: Point) -> None:
        """Bring it back; may be called again, also after it has failed half-way."""


def kind_of(entry: RollbackPoint) -> Kind:
    """Return the kind that an entry asks for."""
    model = entry.declaration.model
    if model.restic is not None:
        return ResticPaths(entry, model.restic)
    if model.command is not None:
        return OwnCommands(entry, model.command)
    return KeptPackages(entry)

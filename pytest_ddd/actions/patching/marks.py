"""Marks on the rollback points of a host: what it was like before the update that has begun.

A mark stays until the update has come to its end, so that a run from another machine finds it too.
"""

from __future__ import annotations

import json
import posixpath
import shlex
from collections.abc import Sequence
from dataclasses import dataclass

from pytest_ddd import clock
from pytest_ddd.actions.patching import shell
from pytest_ddd.connections import Session
from pytest_ddd.errors import CannotLookError
from pytest_ddd.probes.patches import Patch
from pytest_ddd.probes.rollback import Point, RollbackPoint, entries, folder_of, read_point

_IN_USE = "in-use"


@dataclass(frozen=True, slots=True, kw_only=True)
class Before:
    """What a host was like before its update."""

    boot: str
    running: tuple[str, ...]
    failed: tuple[str, ...]
    points: tuple[str, ...]
    """Name and time of each rollback point: one that was made since leads elsewhere."""

    def to_json(self) -> bytes:
        """Return it as it is kept."""
        return json.dumps(
            {
                "boot": self.boot,
                "running": self.running,
                "failed": self.failed,
                "points": self.points,
            }
        ).encode()

    @classmethod
    def from_json(cls, data: bytes) -> Before:
        """Read what `to_json` wrote."""
        said = json.loads(data)
        lists = {name: tuple(said[name]) for name in ("running", "failed", "points")}
        return cls(boot=said["boot"], **lists)


def mark(session: Session, points: Sequence[tuple[RollbackPoint, Point]], before: Before) -> None:
    """Mark the points before the host is changed.

    Raises:
        DddError: that cannot be written.
    """
    for entry, _ in points:
        file = _file(entry)
        script = f"cat >{file}.new && mv {file}.new {file} && sync"
        shell.must(session, script, shown="mark the point", stdin=before.to_json())


def unmark(session: Session, points: Sequence[tuple[RollbackPoint, Point]]) -> None:
    """Free the points: the host is well, changed or as before.

    Raises:
        DddError: that cannot be written.
    """
    for entry, _ in points:
        shell.must(session, f"rm -f {_file(entry)}", shown="free the point")


def read(session: Session, entry: RollbackPoint) -> Before:
    """Return what the mark of a point says.

    Raises:
        DddError: it cannot be read.
    """
    return Before.from_json(
        shell.must(session, f"cat {_file(entry)}", shown="read the point").stdout
    )


def kept(patch: Patch, before: Before) -> list[tuple[RollbackPoint, Point]]:
    """Return the points as they were when the update began.

    Raises:
        CannotLookError: one of them is there no more: another one leads elsewhere.
    """
    ours = {one.key: one for one in entries(patch.scope) if one.host == patch.host}
    found = []
    for name in before.points:
        key = name.rpartition("@")[0]
        point = read_point(patch.session, key) if key in ours else None
        if point is None or name_of(ours[key], point) != name:
            raise CannotLookError(
                f"{patch.target}: the rollback point {name} is there no more",
                hint=f"look what is in {folder_of(key)} on the host",
            )
        found.append((ours[key], point))
    return found


def name_of(entry: RollbackPoint, point: Point) -> str:
    """Return name and time of a point."""
    return f"{entry.key}@{clock.stamp(point.at)}"


def _file(entry: RollbackPoint) -> str:
    return shlex.quote(posixpath.join(folder_of(entry.key), _IN_USE))

"""Rollback points: whether a host has one, how old it is, and what it could bring back."""

from __future__ import annotations

import json
import posixpath
import shlex
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, cast

from pytest_ddd import clock
from pytest_ddd.baseline.model import Declaration
from pytest_ddd.baseline.sections import rollback as section
from pytest_ddd.errors import CannotLookError
from pytest_ddd.probes import commands
from pytest_ddd.probes.entry import Entry
from pytest_ddd.probes.updates.apt import Update
from pytest_ddd.results import Problem, Reading

if TYPE_CHECKING:
    from pytest_ddd.connections import Session
    from pytest_ddd.plain import Json
    from pytest_ddd.probes.scope import Scope

__all__ = ["Kept", "Point", "RollbackPoint", "entries", "read_point"]

SECTION = "rollback"
ROOT = "/var/lib/pytest-ddd"
"""Where a host keeps its points, and the jobs that change it; only root may look."""

_TIMEOUT_S = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """A rollback point as the host has it.

    Attributes:
        at: when it was made; it is as old as its oldest part.
        updates: what may be updated with this point as the way back.
        files: name of a package file -> its SHA-256.
        reference: what finds it again: the id of a snapshot.
        in_use: an update has begun since and was not brought to its end.
    """

    at: datetime
    updates: tuple[Update, ...] = ()
    files: tuple[tuple[str, str], ...] = ()
    reference: str = ""
    in_use: bool = False

    def to_json(self) -> bytes:
        """Return it as the host keeps it."""
        said: dict[str, Json] = {
            "v": 1,
            "at": clock.stamp(self.at),
            "updates": [[one.name, one.old, one.new, one.origin] for one in self.updates],
            "files": [list(one) for one in self.files],
            "reference": self.reference,
        }
        return json.dumps(said, indent=1).encode() + b"\n"


def folder_of(key: str) -> str:
    """Return where a host keeps the point of an entry."""
    return posixpath.join(ROOT, "points", key.replace("/", "%2f"))


def read_point(session: Session, key: str) -> Point | None:
    """Return the point that a host has; None when it has none.

    Raises:
        CannotLookError: it cannot be read.
    """
    folder = shlex.quote(folder_of(key))
    script = (
        f"[ -e {folder}/point.json ] || exit 0; cd {folder} || exit 1; "
        "[ ! -e in-use ] || echo in-use; cat point.json"
    )
    done = commands.look(session, script, shown=f"the rollback point {key}", timeout_s=_TIMEOUT_S)
    if not done.ok:
        raise commands.blind(session, f"the rollback point {key}", done)
    text = done.text.removeprefix("in-use\n")
    if not text.strip():
        return None
    try:
        said = json.loads(text)
        return Point(
            at=clock.from_stamp(said["at"]),
            updates=tuple(
                Update(name=name, old=old, new=new, origin=origin)
                for name, old, new, origin in said["updates"]
            ),
            files=tuple((name, sha256) for name, sha256 in said["files"]),
            reference=said["reference"],
            in_use=text != done.text,
        )
    except (ValueError, KeyError, TypeError) as failure:
        raise CannotLookError(
            f"{session.spec.label}: {folder}/point.json is no rollback point ({failure})"
        ) from None


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """Which point there is."""

    point: Point | None
    readings: tuple[Reading, ...]
    problems: tuple[Problem, ...] = ()


class RollbackPoint(Entry[Kept]):
    """One rollback point of one host.

    Attributes:
        declaration: its baseline entry.
        environment: name of the environment.
    """

    def __init__(
        self, declaration: Declaration[section.Rollback], *, scope: Scope, host: str
    ) -> None:
        super().__init__(section=SECTION, key=declaration.key, target=host, host=host)
        self.declaration = declaration
        self.environment = scope.baseline.name
        self.scope = scope

    @property
    def session(self) -> Session:
        """The way to its host."""
        return self.scope.connections.session(self.host)

    def look(self) -> Kept:
        """Ask which point the host has.

        Raises:
            CannotLookError: it cannot say.
        """
        point = read_point(self.session, self.key)
        reading = Reading(
            name=f"{self.key} point",
            value=clock.stamp(point.at) if point else "none",
            source=f"{self.host}: {folder_of(self.key)}",
            at=clock.now(),
            detail="\n".join(str(one) for one in point.updates) if point else "",
            origin=self.declaration.origin(),
        )
        return Kept(point=point, readings=(reading,))


def entries(scope: Scope) -> list[RollbackPoint]:
    """Return the rollback points of the selected hosts."""
    return [
        RollbackPoint(cast("Declaration[section.Rollback]", declaration), scope=scope, host=host)
        for host, declaration in scope.on_hosts(SECTION)
    ]

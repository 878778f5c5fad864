"""Make a rollback point, and prove that it could be brought back, before anything is changed."""

from __future__ import annotations

import posixpath
import shlex

from pytest_ddd import clock
from pytest_ddd.actions.interface import Keep, Plan, Subject
from pytest_ddd.actions.patching import shell
from pytest_ddd.actions.patching.kinds import kind_of
from pytest_ddd.probes.patches import superuser
from pytest_ddd.probes.rollback import RollbackPoint, folder_of, read_point
from pytest_ddd.results import Problem

KIND = "rollback"
_IN_USE = "in-use"


class MakePoint:
    """Makes a rollback point of one host, in place of the one before.

    A point on which an update has begun that was not brought to its end stays: it is the only
    way back to what was there.
    """

    def __init__(self, entry: RollbackPoint) -> None:
        self._entry = entry
        self._kind = kind_of(entry)
        self._folder = folder_of(entry.key)

    @property
    def subject(self) -> Subject:
        """The point and its host."""
        one = self._entry
        return Subject(kind=KIND, environment=one.environment, target=one.target, entry=one.key)

    @property
    def needs_s(self) -> float:
        """A point takes as long as its timeout allows, and needs no way back."""
        return self._entry.declaration.model.timeout

    def plan(self) -> Plan:
        """Say what would be kept."""
        superuser(self._entry.session)
        point = read_point(self._entry.session, self._entry.key)
        if point is not None and point.in_use:
            summary = (
                f"keep the point of {clock.stamp(point.at)}: an update has begun on it that was "
                "not brought to its end"
            )
            return Plan(summary=summary, detail="", is_needed=False)
        lines = self._kind.planned()
        summary = f"make the rollback point {self._entry.key} on {self._entry.target}"
        return Plan(summary=summary, detail="\n".join(lines), is_needed=True)

    def do(self, keep: Keep) -> None:
        """Make it beside the one that is there, then put it in its place."""
        new = f"{self._folder}.new"
        keep.save("before", b"")
        self._must(
            f"rm -rf {shlex.quote(new)} && umask 077 && mkdir -p {shlex.quote(new)}",
            "make a directory",
        )
        point = self._kind.create(new)
        old, data = shlex.quote(self._folder), point.to_json()
        file = shlex.quote(posixpath.join(new, "point.json"))
        self._must(
            f'cat >{file} && [ "$(wc -c <{file})" -eq {len(data)} ] && sync && '
            f"rm -rf {old} && mv {shlex.quote(new)} {old} && sync",
            "keep the point",
            stdin=data,
        )

    def verify(self) -> tuple[Problem, ...]:
        """Look whether it is there, and whether it could be brought back."""
        origin = self._entry.declaration.origin()
        point = read_point(self._entry.session, self._entry.key)
        wrong = ("there is none",) if point is None else self._kind.wrong(point)
        return tuple(Problem(text=f"{self._entry.key}: {one}", origin=origin) for one in wrong)

    def undo(self, keep: Keep) -> tuple[Problem, ...]:
        """Remove it, unless an update has begun on it."""
        if keep.load("before") is None:
            return ()
        folder = shlex.quote(self._folder)
        self._must(
            f"if [ -e {folder}.new ]; then rm -rf {folder}.new; "
            f"elif [ ! -e {folder}/{_IN_USE} ]; then rm -rf {folder}; fi",
            "remove the point",
        )
        return ()

    def _must(self, command: str, shown: str, stdin: bytes = b"") -> None:
        shell.must(self._entry.session, command, shown=shown, stdin=stdin)

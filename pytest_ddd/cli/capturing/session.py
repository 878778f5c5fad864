"""One capture: the hosts that are asked, the way to them, and what becomes of what they say."""

from __future__ import annotations

import importlib
import re
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from pytest_ddd import clock
from pytest_ddd.baseline import inventory, nights, secrets
from pytest_ddd.baseline.model import Baseline
from pytest_ddd.baseline.placing import Asked, Placing, Statement
from pytest_ddd.cli.capturing.faults import faults
from pytest_ddd.cli.capturing.files import Draft, drafts, tried
from pytest_ddd.cli.capturing.looking import Catch, look
from pytest_ddd.cli.capturing.wanted import Wanted
from pytest_ddd.connections import Connections, declared
from pytest_ddd.errors import UsageError
from pytest_ddd.outcomes import Outcome
from pytest_ddd.probes.ahead import ReadAhead
from pytest_ddd.probes.capture.interface import LeftOut
from pytest_ddd.probes.entry import AnyEntry
from pytest_ddd.probes.scope import Scope

_PROBES = {"thresholds": "resources"}
"""Section -> module of its probe, where the two differ."""


_MOMENTARY = ("thresholds", "cpu")
"""A processor that is busy just now says nothing of tomorrow, so it is not read back."""


class Capture:
    """The hosts of one environment, with connections that are closed at the end.

    Args:
        root: the directory of environments.
        names: the values of `--host`.

    Raises:
        UsageError: a name means nothing, or the baseline has mistakes.
    """

    def __init__(self, root: Path, names: Sequence[str]) -> None:
        self._root, self._names = root, list(names)
        selection = inventory.select(root, self._names)
        for host, about in selection.baseline.hosts.items():
            if (origin := about.origin()) is not None and origin.file == "--host":
                raise UsageError(
                    f"{about.model.connection} is in no baseline",
                    hint=f'add to hosts.yaml: {host}: {{connection: "{about.model.connection}"}}',
                )
        self._baseline, self._whole = selection.baseline, selection.whole
        self.hosts = list(selection.hosts)
        self._connections = Connections(
            declared.specs_of(selection.baseline.hosts, secrets.text_of)
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._connections.close()

    def reach(self) -> list[str]:
        """Open all connections; forget hosts that cannot be reached, and return why, with hints."""
        for host in self.hosts:
            self._connections.reaching(host)
        told = []
        for host in [*self.hosts]:
            reached = self._connections.reachable(host)
            if reached.outcome is not Outcome.GREEN:
                self.hosts.remove(host)
                told.append("\n  hint: ".join(filter(None, (reached.reason, reached.hint))))
        return told

    def look(self, wanted: Wanted) -> Catch:
        """Return what there is on the hosts."""
        return look(self._scope(self._baseline), self.hosts, wanted)

    def draft(self, catch: Catch, *, by: str) -> list[Draft]:
        """Return the changed files; what does not hold when it is read back is left out."""
        changes = self._drafted(catch.statements, by)
        bad = self._bad(changes, catch.statements)
        if bad:
            catch.left_out += bad
            names = {(one.host, one.name) for one in bad}
            catch.statements = [
                one for one in catch.statements if (one.host, _name(one)) not in names
            ]
            changes = self._drafted(catch.statements, by)
        return changes

    def _drafted(self, statements: Sequence[Statement], by: str) -> list[Draft]:
        asked = Asked(hosts=self.hosts, names=self._names, whole=self._whole)
        placing = Placing(self._root, self._baseline, asked)
        placing.add(statements)
        return drafts(placing.files, by=by)

    def _bad(self, changes: Sequence[Draft], statements: Sequence[Statement]) -> list[LeftOut]:
        """Read all that would be written, as the checks will, and return what is not green."""
        if not changes:
            return []
        with tried(self._root, changes) as copy:
            names = [*self._names] or [inventory.DEFAULT_ENVIRONMENT]
            scope = self._scope(inventory.select(copy, names).baseline)
        entries = self._entries(scope, statements)
        self._read_ahead(entries)
        origin = re.compile(rf" \({re.escape(str(copy))}[^)]*\)")  # of a text that is not written
        return [
            LeftOut(host=one.host, name=_name(one), why=origin.sub("", "; ".join(found)))
            for entry, one in entries.items()
            if (found := faults(entry))
        ]

    def _entries(self, scope: Scope, said: Sequence[Statement]) -> dict[AnyEntry, Statement]:
        """Return what checks will read of what was said."""
        about = {(one.host, one.path[0], _key(one)): one for one in said if one.path != _MOMENTARY}
        entries: dict[AnyEntry, Statement] = {}
        for section in {one.path[0] for one in said}:
            module = importlib.import_module(f"pytest_ddd.probes.{_PROBES.get(section, section)}")
            for entry in module.entries(scope):
                for key in _keys(entry):
                    if (stated := about.get((entry.target, section, key))) is not None:
                        entries[entry] = stated
        return entries

    def _read_ahead(self, entries: dict[AnyEntry, Statement]) -> None:
        ahead = ReadAhead(self._connections)
        ahead.start(entries, self.hosts)
        for entry in entries:
            ahead.wait(entry, lambda: None)
        ahead.stop()

    def _scope(self, baseline: Baseline) -> Scope:
        now = clock.now()
        return Scope(
            baseline=baseline,
            hosts=tuple(self.hosts),
            whole=False,
            connections=self._connections,
            profile=nights.profile(baseline.environment, now),
            since=nights.last_night(baseline.environment, now),
            started_at=now,
        )


def _keys(entry: AnyEntry) -> tuple[str, ...]:
    """Return the keys that a statement may have had before it was placed."""
    return (entry.key, entry.key.removesuffix(f"-{entry.target}"))


def _key(one: Statement) -> str:
    """Return the key of the entry that reads a statement back: each kind of unlisted things."""
    return f"unlisted:{next(iter(one.values))}" if one.key == "unlisted" else one.key


def _name(one: Statement) -> str:
    return _key(one) if one.key == "unlisted" else one.name

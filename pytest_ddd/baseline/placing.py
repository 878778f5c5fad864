"""Decide where in the files of an environment something is said of its hosts.

What holds on all hosts that were asked stands once, in the file of its section. What others are
expected to be is never changed: a host that differs says so below its own `set:`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeAlias

from pydantic import TypeAdapter

from pytest_ddd.baseline.contents import FILES, IN_ENVIRONMENT, OVERRIDABLE
from pytest_ddd.baseline.fields import Entry
from pytest_ddd.baseline.layers import SUFFIX, read_layers
from pytest_ddd.baseline.model import Baseline, Declaration
from pytest_ddd.baseline.sections.configuration import KINDS
from pytest_ddd.baseline.targets import EVERYBODY
from pytest_ddd.baseline.tree import Mistakes, Plain, plain

Tree: TypeAlias = dict[str, Plain]
"""Data of a file, or of a part of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """An entry that holds on one host: where it stands in a baseline, and what it says."""

    host: str
    path: tuple[str, ...]
    values: Mapping[str, Plain]

    @property
    def name(self) -> str:
        """How people name it: `services:nginx`, `thresholds:cpu`."""
        return ":".join(self.path[1:] if self.path[0] == "configuration" else self.path)

    @property
    def key(self) -> str:
        """The key of its declaration within the section: `service:nginx`."""
        if self.path[0] != "configuration":
            return self.path[1]
        return ":".join((KINDS.get(self.path[1], self.path[1]), *self.path[2:]))


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Which hosts were asked, and by which names: a group that was named is written."""

    hosts: Sequence[str]
    names: Sequence[str]
    whole: bool


class Placing:
    """Collects what each file of one environment shall say besides.

    Args:
        root: the directory of environments.
        baseline: the environment as it is.
        asked: the hosts that are spoken of.
    """

    def __init__(self, root: Path, baseline: Baseline, asked: Asked) -> None:
        self._baseline, self._asked = baseline, asked
        self._folder = root / baseline.name
        self._single = root / f"{baseline.name}{SUFFIX}"
        self._own = read_layers(root, baseline.name, Mistakes())[-1].sections
        self._now: Tree = {name: plain(node) for name, node in self._own.items()}
        self.files: dict[Path, Tree] = {}
        """What each file shall say besides, from its top."""

    def add(self, statements: Iterable[Statement]) -> None:
        """Place what is said, entry by entry, in the order in which it comes."""
        by_path: dict[tuple[str, ...], list[Statement]] = {}
        for one in _united(statements):
            by_path.setdefault(one.path, []).append(one)
        for path, said in by_path.items():
            for alike in sorted(_alike(said), key=len, reverse=True):
                self._place(path, alike)

    def declaration(self, one: Statement) -> Declaration[Entry] | None:
        """Return what the baseline says of that entry on that host now."""
        declared = self._baseline.for_host.get(one.host, {}).get(one.path[0], ())
        return next((each for each in declared if _is(each, one.key)), None)

    def _place(self, path: tuple[str, ...], said: Sequence[Statement]) -> None:
        """Place one entry that some hosts have alike."""
        known = [one for one in said if self.declaration(one) is not None]
        new = [one for one in said if self.declaration(one) is None]
        if known:
            self._update(path, known)
        if not new:
            return
        there = self._written(path)
        if there is None:
            targets = self._targets(path[0], [one.host for one in new])
            applies: Tree = {"applies_to": [*targets]} if targets else {}
            self._say(path, {**new[0].values, **applies})
        elif _says(there, new[0].values):
            hosts = {*self._hosts_of(there.get("applies_to")), *(one.host for one in new)}
            self._say(path, {"applies_to": [*self._targets(path[0], hosts)] or [EVERYBODY]})
        else:
            self._differ(path, new, there)

    def _update(self, path: tuple[str, ...], known: Sequence[Statement]) -> None:
        """Change what is said now; in the section's file if that speaks of these hosts only."""
        declaration = self.declaration(known[0])
        assert declaration is not None
        changed = {
            name: value
            for name, value in known[0].values.items()
            if not _same(declaration.model, name, value)
        }
        if not changed:
            return
        hosts = {one.host for one in known}
        overridden = any(self._written(("hosts", host, "set", *path)) for host in hosts)
        shared = self._written(path) is None or not hosts >= self._users(known[0])
        if path[0] not in OVERRIDABLE or not (overridden or shared):
            self._say(path, changed)
            return
        for host in sorted(hosts):
            self._say(("hosts", host, "set", *path), changed)

    def _differ(self, path: tuple[str, ...], new: Sequence[Statement], there: Tree) -> None:
        """Say of each host by itself what others are not."""
        if path[0] not in OVERRIDABLE:
            for one in new:
                own = (*path[:-1], f"{path[-1]}-{one.host}")
                self._say(own, {**one.values, "applies_to": [one.host]})
            return
        removed: Tree = {name: None for name in there if name not in new[0].values}
        for one in new:
            values: Tree = {**removed, **one.values, "applies_to": [one.host]}
            self._say(("hosts", one.host, "set", *path), values)

    def _users(self, one: Statement) -> set[str]:
        """Return the hosts of which the baseline says something under that key."""
        return {
            host
            for host, sections in self._baseline.for_host.items()
            if any(_is(each, one.key) for each in sections.get(one.path[0], ()))
        }

    def _targets(self, section: str, hosts: Collection[str]) -> list[str]:
        """Return what `applies_to` names; nothing where it holds on every host by itself."""
        if self._asked.whole and set(hosts) == set(self._baseline.hosts):
            return [EVERYBODY] if section in IN_ENVIRONMENT else []
        groups = self._baseline.groups
        alike = [name for name, members in groups.items() if set(members) == set(hosts)]
        named = [name for name in alike if name in self._asked.names]
        if named or (alike and len(hosts) > 1):
            return [(named or alike)[0]]
        return [host for host in self._baseline.hosts if host in hosts]

    def _hosts_of(self, applies_to: Plain) -> Iterator[str]:
        """Yield the hosts that an `applies_to` means."""
        for name in applies_to if isinstance(applies_to, list) else ():
            yield from self._baseline.groups.get(str(name), (str(name),))

    def _written(self, path: Sequence[str]) -> Tree | None:
        """Return what the environment's own files say at a path, with what was placed there."""
        found: Plain = self._now
        for name in path:
            if not isinstance(found, dict) or name not in found:
                return None
            found = found[name]
        return found if isinstance(found, dict) else None

    def _say(self, path: Sequence[str], values: Mapping[str, Plain]) -> None:
        file = self.files.setdefault(self._file_of(path[0]), {})
        for tree in (self._now, file):
            _below(tree, path).update(values)

    def _file_of(self, section: str) -> Path:
        """Return where a section stands, or would stand."""
        if section in self._own:
            return Path(self._own[section].origin.file)
        if self._single.is_file():
            return self._single
        return self._folder / f"{FILES[section][0]}{SUFFIX}"


def _below(tree: Tree, path: Sequence[str]) -> Tree:
    """Return the mapping at a path, made where it is missing."""
    for name in path:
        below = tree.get(name)
        if not isinstance(below, dict):
            below = tree[name] = {}
        tree = below
    return tree


def _united(statements: Iterable[Statement]) -> Iterable[Statement]:
    """Return one statement for each entry of each host."""
    found: dict[tuple[str, tuple[str, ...]], Statement] = {}
    for one in statements:
        before = found.get((one.host, one.path))
        values = {**(before.values if before else {}), **one.values}
        found[one.host, one.path] = replace(one, values=values)
    return found.values()


def _alike(said: Iterable[Statement]) -> Iterator[list[Statement]]:
    """Yield the statements that say the same, together."""
    waiting = list(said)
    while waiting:
        yield [one for one in waiting if one.values == waiting[0].values]
        waiting = [one for one in waiting if one.values != waiting[0].values]


def _is(declaration: Declaration[Entry], key: str) -> bool:
    """Return whether a declaration has a key; all kinds of unlisted things are one entry."""
    return declaration.key == key or (key == "unlisted" and declaration.key.startswith("unlisted:"))


def _says(there: Tree, values: Mapping[str, Plain]) -> bool:
    """Return whether an entry says this, and nothing else of how things should be."""
    of_entry = {name: value for name, value in there.items() if name not in Entry.model_fields}
    return of_entry == values


def _same(model: Entry, name: str, value: Plain) -> bool:
    """Return whether a model says already what a value would say."""
    for field, about in type(model).model_fields.items():
        if name in (field, about.alias):
            wanted = TypeAdapter(about.rebuild_annotation()).validate_python(value)
            return bool(getattr(model, field) == wanted)
    return False

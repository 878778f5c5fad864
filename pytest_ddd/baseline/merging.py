"""Lay one tree over another: mappings merge by name, lists replace, null removes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from pytest_ddd.baseline.tree import Mistakes, Node, Path, plain

KeepsNull = Callable[[Path], bool]


def overlay(
    lower: Node | None,
    upper: Node,
    *,
    path: Path,
    mistakes: Mistakes,
    keeps_null: KeepsNull = lambda _path: False,
) -> Node | None:
    """Return `upper` laid over `lower`; None when nothing is left.

    Entries that `upper` does not mention are the very same objects as in `lower`. A null that
    removes nothing is a mistake: it is a misspelt name, or an entry that lost its content.
    """
    if upper.is_null and not keeps_null(path):
        if lower is None:
            mistakes.add(
                upper.origin, path, "null removes nothing here: no layer below says anything of it"
            )
        return None
    if not isinstance(upper.value, Mapping):
        return upper
    entries = dict(lower.entries) if lower is not None else {}
    for name, node in upper.value.items():
        below = entries.get(name)
        laid = overlay(below, node, path=(*path, name), mistakes=mistakes, keeps_null=keeps_null)
        if laid is None:
            entries.pop(name, None)
        else:
            entries[name] = laid
    return Node(entries, upper.origin)


@dataclass(frozen=True, slots=True, kw_only=True)
class Conflict:
    """One value that two groups of a host set differently."""

    path: Path
    first: Node
    second: Node


def unite(first: Node, second: Node, *, path: Path = (), conflicts: list[Conflict]) -> Node:
    """Return what two groups set together; where they differ, note it in `conflicts`."""
    if isinstance(first.value, Mapping) and isinstance(second.value, Mapping):
        entries = dict(first.value)
        for name, node in second.value.items():
            below = entries.get(name)
            entries[name] = (
                node
                if below is None
                else unite(below, node, path=(*path, name), conflicts=conflicts)
            )
        return Node(entries, first.origin)
    if not (first.broken or second.broken) and _data(first) != _data(second):
        conflicts.append(Conflict(path=path, first=first, second=second))
    return first


def decides(node: Node | None, path: Path) -> bool:
    """Return whether a tree has a value at `path`, or replaces or removes what is above it."""
    for name in path:
        if node is None:
            return False
        if not isinstance(node.value, Mapping):
            return True
        node = node.value.get(str(name))
    return node is not None


def _data(node: Node) -> tuple[str, str]:
    """Return what tells values apart: 1, true and "1" are three values."""
    data = plain(node)
    return type(data).__name__, repr(data)

"""Turn merged trees into declarations, each entry once however many hosts share it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import get_args

from pytest_ddd.baseline.contents import IN_ENVIRONMENT, ON_HOSTS
from pytest_ddd.baseline.fields import Entry
from pytest_ddd.baseline.model import Declaration, M_co
from pytest_ddd.baseline.rules import (
    RULES,
    check_applies_to,
    check_name,
    check_secrets,
    check_tree_hosts,
)
from pytest_ddd.baseline.sections.configuration import KINDS, Configuration, Unlisted
from pytest_ddd.baseline.tree import (
    Mistakes,
    Node,
    Path,
    named_entries,
    nearest,
    path_text,
    shown,
    walk,
)
from pytest_ddd.baseline.wording import checked
from pytest_ddd.results import Origin

_NO_SECRETS = ("logs", "configuration", "security")
"""Sections whose texts are patterns and contents, which may well look like a secret."""

UNLISTED_KINDS = ("listeners", "users", "setuid", "packages", "services")


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where an entry stands: its section, its key within it, and its path in the files."""

    section: str
    key: str
    path: Path


def declared(
    model: type[M_co], node: Node, place: Place, mistakes: Mistakes
) -> Declaration[M_co] | None:
    """Return one entry as a declaration, or None after adding its mistakes."""
    found = checked(model, node, place.path, mistakes)
    if found is None:
        return None
    return Declaration(section=place.section, key=place.key, model=found, origins=origins_of(node))


def origins_of(node: Node) -> Mapping[tuple[str | int, ...], Origin]:
    """Return the origin of every path inside a node."""
    return {path: each.origin for path, each in walk(node)}


class Declarations:
    """Makes declarations out of merged sections.

    Args:
        known: names that `applies_to` may use; None when some files could not be read.
        mistakes: gets everything that is wrong.
    """

    def __init__(self, known: Collection[str] | None, mistakes: Mistakes) -> None:
        self._known = known
        self._mistakes = mistakes
        self._done: dict[tuple[str, int], tuple[Node, tuple[Declaration[Entry], ...]]] = {}

    def of_section(self, section: str, node: Node) -> tuple[Declaration[Entry], ...]:
        """Return the declarations of a section; the same ones for the same node."""
        return self._once(section, node, lambda: self._of_section(section, node))

    def _once(
        self, name: str, node: Node, make: Callable[[], Iterator[Declaration[Entry]]]
    ) -> tuple[Declaration[Entry], ...]:
        cached = self._done.get((name, id(node)))
        if cached is None:  # the node is kept too, so that its id is not given to another one
            cached = self._done[name, id(node)] = (node, tuple(make()))
        return cached[1]

    def _of_section(self, section: str, node: Node) -> Iterator[Declaration[Entry]]:
        if section == "configuration":
            yield from self._configuration(node)
            return
        model = (ON_HOSTS if section in ON_HOSTS else IN_ENVIRONMENT)[section]
        for name, entry in named_entries(node, (section,), self._mistakes):
            place = Place(section=section, key=name, path=(section, name))
            yield from self._entry(model, entry, place)

    def _configuration(self, node: Node) -> Iterator[Declaration[Entry]]:
        for kind, below in named_entries(node, ("configuration",), self._mistakes):
            path = ("configuration", kind)
            if kind == "unlisted":
                yield from self._unlisted(below, path)
                continue
            if kind not in KINDS:
                text = f"unknown key {shown(kind)!r}{nearest(kind, (*KINDS, 'unlisted'))}"
                self._mistakes.add(below.origin, path, text)
                continue
            for name, entry in named_entries(below, path, self._mistakes):
                key = f"{KINDS[kind]}:{name}"
                place = Place(section="configuration", key=key, path=(*path, name))
                yield from self._entry(_MODELS[kind], entry, place)

    def _unlisted(self, node: Node, path: Path) -> Iterator[Declaration[Entry]]:
        """Yield one declaration for each kind of thing that is looked for."""
        self._check_names(node, path)
        place = Place(section="configuration", key="unlisted", path=path)
        found = declared(Unlisted, node, place, self._mistakes)
        if found is not None:
            for kind in UNLISTED_KINDS:
                if getattr(found.model, kind) is not None:
                    yield replace(found, key=f"unlisted:{kind}")

    def _entry(
        self, model: type[Entry], node: Node, place: Place
    ) -> tuple[Declaration[Entry], ...]:
        name = path_text(place.path)
        return self._once(name, node, lambda: self._make(model, node, place))

    def _make(self, model: type[Entry], node: Node, place: Place) -> Iterator[Declaration[Entry]]:
        kind, name = str(place.path[-2]), str(place.path[-1])
        RULES.get(kind, check_name)(name, node, place.path, self._mistakes)
        self._check_names(node, place.path)
        if place.section not in _NO_SECRETS:
            check_secrets(node, place.path, self._mistakes)
        found = declared(model, node, place, self._mistakes)
        if found is not None:
            yield found

    def _check_names(self, node: Node, path: Path) -> None:
        if self._known is not None:
            check_applies_to(node, path, self._known, self._mistakes)
            if path[0] == "sync":
                check_tree_hosts(node, path, self._known, self._mistakes)


def _model_of(kind: str) -> type[Entry]:
    """Return the model of one entry of a kind of configuration."""
    model: type[Entry] = get_args(Configuration.model_fields[kind].annotation)[1]
    return model


_MODELS = {kind: _model_of(kind) for kind in KINDS}

"""Turn merged trees into declarations, each entry once however many hosts share it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from typing import get_args

from pytest_ddd.baseline.contents import IN_ENVIRONMENT, ON_HOSTS
from pytest_ddd.baseline.fields import Entry
from pytest_ddd.baseline.model import Declaration, M
from pytest_ddd.baseline.rules import RULES, check_applies_to, check_name, check_secrets
from pytest_ddd.baseline.sections.configuration import KINDS, Configuration, Unlisted
from pytest_ddd.baseline.tree import Mistakes, Node, Path, named_entries, nearest, shown, walk
from pytest_ddd.baseline.wording import checked
from pytest_ddd.results import Origin

_NO_SECRETS = ("logs", "configuration")
"""Sections whose texts are patterns and contents, which may well look like a secret."""

UNLISTED_KINDS = ("listeners", "users", "setuid", "packages", "services")


def declared(
    section: str, key: str, model: type[M], node: Node, path: Path, mistakes: Mistakes
) -> Declaration[M] | None:
    """Return one entry as a declaration, or None after adding its mistakes."""
    found = checked(model, node, path, mistakes)
    if found is None:
        return None
    return Declaration(section=section, key=key, model=found, origins=origins_of(node))


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
        model = {**ON_HOSTS, **IN_ENVIRONMENT}[section]
        for name, entry in named_entries(node, (section,), self._mistakes):
            yield from self._entry(section, section, name, model, entry, (section, name))

    def _configuration(self, node: Node) -> Iterator[Declaration[Entry]]:
        for kind, below in named_entries(node, ("configuration",), self._mistakes):
            path = ("configuration", kind)
            if kind == "unlisted":
                yield from self._unlisted(below, path)
            elif kind not in KINDS:
                text = f"unknown key {shown(kind)!r}{nearest(kind, (*KINDS, 'unlisted'))}"
                self._mistakes.add(below.origin, path, text)
            else:
                model = _MODELS[kind]
                for name, entry in named_entries(below, path, self._mistakes):
                    yield from self._entry("configuration", kind, name, model, entry, (*path, name))

    def _unlisted(self, node: Node, path: Path) -> Iterator[Declaration[Entry]]:
        """Yield one declaration for each kind of thing that is looked for."""
        self._check_names(node, path)
        found = declared("configuration", "unlisted", Unlisted, node, path, self._mistakes)
        for kind in UNLISTED_KINDS if found is not None else ():
            assert found is not None
            if getattr(found.model, kind) is not None:
                yield Declaration(
                    section="configuration",
                    key=f"unlisted:{kind}",
                    model=found.model,
                    origins=found.origins,
                )

    def _entry(
        self, section: str, kind: str, name: str, model: type[Entry], node: Node, path: Path
    ) -> tuple[Declaration[Entry], ...]:
        return self._once(
            f"{kind} {name}", node, lambda: self._make(section, kind, name, model, node, path)
        )

    def _make(
        self, section: str, kind: str, name: str, model: type[Entry], node: Node, path: Path
    ) -> Iterator[Declaration[Entry]]:
        RULES.get(kind, check_name)(name, node, path, self._mistakes)
        self._check_names(node, path)
        if section not in _NO_SECRETS:
            check_secrets(node, path, self._mistakes)
        key = f"{KINDS[kind]}:{name}" if section == "configuration" else name
        found = declared(section, key, model, node, path, self._mistakes)
        if found is not None:
            yield found

    def _check_names(self, node: Node, path: Path) -> None:
        if self._known is not None:
            check_applies_to(node, path, self._known, self._mistakes)


def _model_of(kind: str) -> type[Entry]:
    """Return the model of one entry of a kind of configuration."""
    model: type[Entry] = get_args(Configuration.model_fields[kind].annotation)[1]
    return model


_MODELS = {kind: _model_of(kind) for kind in KINDS}

"""The sections of each host: environment, then its groups' `set:`, then its own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from pytest_ddd.baseline.contents import OVERRIDABLE
from pytest_ddd.baseline.merging import Conflict, decides, overlay, unite
from pytest_ddd.baseline.targets import Targets
from pytest_ddd.baseline.tree import Mistakes, Node, plain, shown

Variant = tuple[tuple[str, ...], str]
"""Groups with a `set:`, and the host's own name if it has one: hosts of one variant are alike."""


class Overrides:
    """Lays the `set:` of groups and hosts over the sections of the environment."""

    def __init__(self, sections: Mapping[str, Node], targets: Targets, mistakes: Mistakes) -> None:
        self._base = {name: sections[name] for name in OVERRIDABLE if name in sections}
        self._targets = targets
        self._mistakes = mistakes
        self._united: dict[tuple[str, ...], tuple[Node | None, list[Conflict]]] = {}
        self._sections: dict[Variant, dict[str, Node]] = {}

    def variant(self, host: str) -> Variant:
        """Return what tells the overrides of this host from those of others."""
        groups = self._targets.groups_of(host)
        own = host if host in self._targets.host_sets else ""
        return self._with_sets(groups), own

    def sections_of(self, variant: Variant) -> Mapping[str, Node]:
        """Return the sections of all hosts of a variant; the same object for the same variant."""
        if variant not in self._sections:
            self._sections[variant] = self._laid(variant)
        return self._sections[variant]

    def _with_sets(self, groups: Iterable[str]) -> tuple[str, ...]:
        everybody = ("all",) if "all" in self._targets.group_sets else ()
        others = sorted(name for name in groups if name in self._targets.group_sets)
        return (*everybody, *(name for name in others if name != "all"))

    def _laid(self, variant: Variant) -> dict[str, Node]:
        groups, host = variant
        united, conflicts = self._unite(groups)
        own = self._targets.host_sets.get(host)
        for conflict in conflicts:
            if not decides(own, conflict.path):
                self._report(conflict, groups, host)
        sections: dict[str, Node] = dict(self._base)
        for changes in (united, own):
            for section, node in changes.entries.items() if changes is not None else ():
                if section not in OVERRIDABLE or node.broken:
                    continue
                laid = overlay(
                    sections.get(section), node, path=(section,), mistakes=self._mistakes
                )
                if laid is not None:
                    sections[section] = laid
                else:
                    sections.pop(section, None)
        return sections

    def _unite(self, groups: tuple[str, ...]) -> tuple[Node | None, list[Conflict]]:
        if groups not in self._united:
            conflicts: list[Conflict] = []
            united: Node | None = None
            for name in groups:
                node = self._targets.group_sets[name]
                united = node if united is None else unite(united, node, conflicts=conflicts)
            self._united[groups] = (united, conflicts)
        return self._united[groups]

    def _report(self, conflict: Conflict, groups: tuple[str, ...], host: str) -> None:
        first, second = conflict.first, conflict.second
        who = f"a host of the groups {' and '.join(groups)}"
        text = (
            f"{shown(str(plain(second)))} here, but {shown(str(plain(first)))} in {first.origin}: "
            f"{host or who} gets both; say it once, or in `set:` of the host"
        )
        self._mistakes.add(second.origin, conflict.path, text)

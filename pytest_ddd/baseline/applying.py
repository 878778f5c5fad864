"""Which declarations hold for which host; hosts that are alike share the same objects."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

from pytest_ddd.baseline.declarations import Declarations
from pytest_ddd.baseline.fields import Entry
from pytest_ddd.baseline.model import Declaration
from pytest_ddd.baseline.overrides import Overrides, Variant
from pytest_ddd.baseline.targets import EVERYBODY, Targets

Declared: TypeAlias = Mapping[str, tuple[Declaration[Entry], ...]]
"""Section -> its declarations."""


class Applied:
    """Says what applies to a host.

    Args:
        overrides: the sections of each host.
        targets: hosts and groups.
        declarations: makes declarations of sections.
        in_environment: sections that live in the environment; entries of theirs with
            `applies_to` are looked at on those hosts.
    """

    def __init__(
        self,
        overrides: Overrides,
        targets: Targets,
        declarations: Declarations,
        in_environment: Declared,
    ) -> None:
        self._overrides = overrides
        self._targets = targets
        self._declarations = declarations
        self._environment = {
            section: tuple(each for each in found if each.model.applies_to)
            for section, found in in_environment.items()
        }
        self._all: dict[Variant, tuple[Declared, frozenset[str]]] = {}
        self._narrowed: dict[tuple[Variant, frozenset[str]], Declared] = {}

    def of(self, host: str) -> Declared:
        """Return the declarations that apply to a host."""
        variant = self._overrides.variant(host)
        found, mentioned = self._of_variant(variant)
        matching = mentioned & {host, EVERYBODY, *self._targets.groups_of(host)}
        if (variant, matching) not in self._narrowed:
            self._narrowed[variant, matching] = {
                section: tuple(each for each in entries if _applies(each, matching))
                for section, entries in found.items()
            }
        return self._narrowed[variant, matching]

    def unused(self) -> tuple[Declaration[Entry], ...]:
        """Return what applies to no host, though hosts are there; ask after all hosts."""
        used = {
            (section, each.key)
            for found in self._narrowed.values()
            for section, entries in found.items()
            for each in entries
        }
        every = {
            (section, each.key): each
            for found, _ in self._all.values()
            for section, entries in found.items()
            for each in entries
        }
        return tuple(each for name, each in every.items() if name not in used)

    def check_unused(self) -> None:
        """Check what no host has: the sections of a mere base, the `set:` of empty groups."""
        if not self._targets.hosts:
            self._of_variant(((), ""))
        for group in self._targets.group_sets:
            if not self._targets.groups.get(group):
                self._of_variant(((group,), ""))

    def _of_variant(self, variant: Variant) -> tuple[Declared, frozenset[str]]:
        """Return all that hosts of a variant may have, and the names that narrow it."""
        if variant not in self._all:
            sections = self._overrides.sections_of(variant)
            found = {
                **{name: self._declarations.of_section(name, sections[name]) for name in sections},
                **self._environment,
            }
            names = (each.model.applies_to for entries in found.values() for each in entries)
            self._all[variant] = (found, frozenset(name for some in names for name in some))
        return self._all[variant]


def _applies(declaration: Declaration[Entry], names: frozenset[str]) -> bool:
    wanted = declaration.model.applies_to
    return not wanted or not names.isdisjoint(wanted)

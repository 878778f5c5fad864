"""The hosts and groups of all environments, read only as far as a question needs."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from pytest_ddd.baseline.contents import TARGET_FILES
from pytest_ddd.baseline.layers import environment_names, read_layers
from pytest_ddd.baseline.loader import merge_layers, raise_mistakes
from pytest_ddd.baseline.targets import read_targets
from pytest_ddd.baseline.tree import Mistakes, nearest, shown
from pytest_ddd.errors import BaselineError, UnknownTargetError

_GLOB = re.compile(r"[*?\[]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Inventory:
    """What one environment offers: hosts with their hostspecs, groups with their hosts."""

    environment: str
    connections: Mapping[str, str]
    groups: Mapping[str, tuple[str, ...]]

    def members(self, name: str) -> tuple[str, ...] | None:
        """Return the hosts that a name means here; None when it means nothing.

        A name is the environment, a group, a host, a hostspec or a glob over host names.
        """
        if not self.connections:  # only a base for `extends`: its groups have no hosts
            return None
        if name == self.environment:
            return tuple(self.connections)
        if name in self.groups:
            return self.groups[name]
        if name in self.connections:
            return (name,)
        if "://" in name:
            found = tuple(host for host, spec in self.connections.items() if spec == name)
        elif _GLOB.search(name):
            found = tuple(host for host in self.connections if fnmatchcase(host, name))
        else:
            found = ()
        return found or None

    @property
    def names(self) -> tuple[str, ...]:
        """Every name that can be selected here."""
        if not self.connections:
            return ()
        return (self.environment, *self.groups, *self.connections)


class Catalogue:
    """Knows which environment a name belongs to.

    Args:
        root: the directory of environments.

    Raises:
        UnknownTargetError: there is no such directory.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._inventories: dict[str, Inventory] = {}
        self.environments = environment_names(root)

    def inventory(self, environment: str) -> Inventory:
        """Return the hosts and groups of one environment.

        Raises:
            BaselineError: its hosts cannot be read.
        """
        if environment not in self._inventories:
            mistakes = Mistakes()
            layers = read_layers(self._root, environment, mistakes, only=TARGET_FILES)
            sections = merge_layers(layers, mistakes, only=("hosts", "groups"))
            targets = read_targets(sections, mistakes)
            raise_mistakes(mistakes, environment)
            self._inventories[environment] = Inventory(
                environment=environment,
                connections={name: host.model.connection for name, host in targets.hosts.items()},
                groups=targets.groups,
            )
        return self._inventories[environment]

    def owners(self, name: str) -> list[str]:
        """Return the environments in which a name means something.

        Raises:
            UnknownTargetError: `web1@prod`, and there is no such environment.
            BaselineError: an environment cannot be read, so that nobody knows.
        """
        if name in self.environments:
            return [name]
        bare, environment = split_name(name)
        if environment:
            if environment not in self.environments:
                near = nearest(environment, self.environments)
                raise UnknownTargetError(f"no environment {shown(environment)!r}{near}")
            found = self.inventory(environment).members(bare)
            return [environment] if found is not None else []
        return [each for each in self.environments if self._offers(each, name)]

    def names(self) -> list[str]:
        """Return every name of every environment that can be read."""
        found: dict[str, None] = {}
        for environment in self.environments:
            try:
                found |= dict.fromkeys(self.inventory(environment).names)
            except BaselineError:
                continue
        return list(found)

    def _offers(self, environment: str, name: str) -> bool:
        try:
            return self.inventory(environment).members(name) is not None
        except BaselineError as mistake:
            raise BaselineError(
                [f"cannot say whether {shown(name)!r} is in {environment}:", *mistake.mistakes],
                hint=f"change these lines, or say where it is: --host={shown(name)}@ENVIRONMENT",
            ) from None


def split_name(name: str) -> tuple[str, str]:
    """Return name and environment of `web1@prod`; no environment for all other names."""
    if "://" in name or "@" not in name:
        return name, ""
    bare, _, environment = name.rpartition("@")
    return bare, environment

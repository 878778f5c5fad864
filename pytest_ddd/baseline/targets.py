"""The hosts and groups of one environment, and what their `set:` change."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from pytest_ddd.baseline.contents import OVERRIDABLE
from pytest_ddd.baseline.declarations import Place, declared
from pytest_ddd.baseline.layers import NAME
from pytest_ddd.baseline.model import Declaration
from pytest_ddd.baseline.rules import check_secrets
from pytest_ddd.baseline.sections.hosts import Group, Host
from pytest_ddd.baseline.tree import Mistakes, Node, Path, nearest, shown
from pytest_ddd.baseline.wording import checked
from pytest_ddd.results import Origin

EVERYBODY = "all"
"""The group that every host is in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Targets:
    """Hosts, groups with their hosts, and the `set:` of each by the path that it stands at."""

    hosts: Mapping[str, Declaration[Host]] = field(default_factory=dict)
    groups: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    host_sets: Mapping[str, Node] = field(default_factory=dict)
    group_sets: Mapping[str, Node] = field(default_factory=dict)

    @property
    def names(self) -> frozenset[str]:
        """What `applies_to` may name."""
        return frozenset(self.hosts) | frozenset(self.groups)

    def groups_of(self, host: str) -> tuple[str, ...]:
        """The groups that a host names, in its order."""
        return tuple(dict.fromkeys(self.hosts[host].model.groups))


def read_targets(sections: Mapping[str, Node], mistakes: Mistakes) -> Targets:
    """Read the merged `hosts` and `groups` of one environment."""
    hosts: dict[str, Declaration[Host]] = {}
    host_sets: dict[str, Node] = {}
    group_sets: dict[str, Node] = {}
    for name, node, path in _named(sections.get("hosts"), "hosts", mistakes):
        bare = _without_set(name, node, path, host_sets, mistakes)
        check_secrets(bare, path, mistakes)
        place = Place(section="hosts", key=name, path=path)
        if (host := declared(Host, bare, place, mistakes)) is not None:
            hosts[name] = host
    groups: dict[str, list[str]] = {EVERYBODY: list(hosts)}
    for name, node, path in _named(sections.get("groups"), "groups", mistakes):
        bare = _without_set(name, node, path, group_sets, mistakes)
        checked(Group, bare, path, mistakes)
        _check_is_no_host(name, node.origin, path, hosts, mistakes)
        groups.setdefault(name, [])
    _add_members(groups, hosts, mistakes, is_declared="groups" in sections)
    return Targets(
        hosts=hosts,
        groups={name: tuple(members) for name, members in groups.items()},
        host_sets=host_sets,
        group_sets=group_sets,
    )


def _add_members(
    groups: dict[str, list[str]],
    hosts: Mapping[str, Declaration[Host]],
    mistakes: Mistakes,
    *,
    is_declared: bool,
) -> None:
    """Put each host into its groups; where groups are declared, only into those."""
    for name, host in hosts.items():
        for group in dict.fromkeys(host.model.groups):
            path = ("hosts", name, "groups")
            if group not in groups and is_declared:
                _unknown_group(group, host, groups, mistakes)
                continue
            if not is_declared:
                _check_is_no_host(group, host.origin("groups"), path, hosts, mistakes)
            if group != EVERYBODY:
                groups.setdefault(group, []).append(name)


def _named(
    section: Node | None, title: str, mistakes: Mistakes
) -> Iterator[tuple[str, Node, Path]]:
    if section is None:
        return
    if not isinstance(section.value, Mapping) and not section.broken:
        mistakes.add(section.origin, (title,), "must be a mapping: `name:` with lines below it")
    for name, node in section.entries.items():
        path = (title, name)
        if not NAME.fullmatch(name):
            text = "not a name: use letters, digits, . _ and -, at most 64"
            mistakes.add(node.origin, path, text)
        if title == "hosts" and name == EVERYBODY:
            mistakes.add(node.origin, path, "stands for every host: choose another name")
        if not node.broken:
            yield name, node, path


def _without_set(
    name: str, node: Node, path: Path, sets: dict[str, Node], mistakes: Mistakes
) -> Node:
    """Move `set` of a host or group into `sets`, and return the rest."""
    if "set" not in node.entries:
        return node
    found = node.entries["set"]
    place = (*path, "set")
    if not isinstance(found.value, Mapping) and not found.broken:
        mistakes.add(
            found.origin, place, "must be a mapping of sections: write set: {thresholds: …}"
        )
    for section, below in found.entries.items():
        if section not in OVERRIDABLE:
            text = f"can change {', '.join(OVERRIDABLE)} only{nearest(section, OVERRIDABLE)}"
            mistakes.add(below.origin, (*place, section), text)
    if found.entries:
        sets[name] = found
    return Node({key: value for key, value in node.entries.items() if key != "set"}, node.origin)


def _check_is_no_host(
    name: str,
    origin: Origin | None,
    path: Path,
    hosts: Mapping[str, Declaration[Host]],
    mistakes: Mistakes,
) -> None:
    if name in hosts and origin is not None:
        where = hosts[name].origin()
        mistakes.add(origin, path, f"{shown(name)} is a host already ({where}): names are unique")


def _unknown_group(
    group: str, host: Declaration[Host], groups: Mapping[str, list[str]], mistakes: Mistakes
) -> None:
    origin = host.origin("groups", host.model.groups.index(group))
    if origin is not None:
        text = f"no group {shown(group)!r} below `groups:`{nearest(group, groups)}"
        mistakes.add(origin, ("hosts", host.key, "groups"), text)

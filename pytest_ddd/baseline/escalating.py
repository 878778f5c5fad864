"""Read the escalation section, and hold all names in it against each other."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pytest_ddd.baseline.rules import check_commands, check_name, check_scenario, check_secrets
from pytest_ddd.baseline.sections.escalation import Escalation
from pytest_ddd.baseline.tree import Mistakes, Node, Path, nearest, shown
from pytest_ddd.baseline.wording import checked

_SECTION: Path = ("escalation",)
_NAMED = ("channels", "rules", "windows", "proposals")


def read_escalation(
    section: Node | None, mistakes: Mistakes, *, targets: Collection[str] | None
) -> Escalation:
    """Return the section's model; an empty one when it is absent or wrong.

    Args:
        section: the merged section.
        mistakes: gets everything that is wrong.
        targets: hosts and `endpoint:NAME`, as far as `parents` may name them; None when files
            that say which there are cannot be read.
    """
    if section is None:
        return Escalation()
    check_secrets(section, _SECTION, mistakes)
    check_commands(section, _SECTION, mistakes)
    for kind in _NAMED:
        for name, node in _named(section, kind).items():
            check_name(name, node, (*_SECTION, kind, name), mistakes)
    _check_rules(section, mistakes)
    _check_notify(section, _SECTION, _named(section, "channels"), mistakes)
    for name, window in _named(section, "windows").items():
        _check_zone(window, (*_SECTION, "windows", name), mistakes)
    _check_parents(section, targets, mistakes)
    _check_announcements(section, mistakes)
    return checked(Escalation, section, _SECTION, mistakes) or Escalation()


def _check_rules(section: Node, mistakes: Mistakes) -> None:
    channels, proposals = _named(section, "channels"), _named(section, "proposals")
    for name, rule in _named(section, "rules").items():
        path = (*_SECTION, "rules", name)
        for number, item in enumerate(_items(rule, "notify")):
            _must_exist(item, (*path, "notify", number), "channel", channels, mistakes)
        _check_notify(rule, path, channels, mistakes)
        propose = rule.entries.get("propose")
        if propose is not None and propose.value:
            _must_exist(propose, (*path, "propose"), "proposal", proposals, mistakes)
        scenario = rule.entries.get("scenario")
        if scenario is not None and scenario.value:
            check_scenario(str(scenario.value), scenario, (*path, "scenario"), mistakes)
        _check_grouping(rule, path, channels, mistakes)


def _check_announcements(section: Node, mistakes: Mistakes) -> None:
    for name, node in _named(section, "announcements").items():
        path = (*_SECTION, "announcements", name)
        check_scenario(name, node, path, mistakes)
        for number, item in enumerate(node.items):
            known = _named(section, "channels")
            _must_exist(item, (*path, number), "channel", known, mistakes)


def _check_notify(node: Node, path: Path, channels: dict[str, Node], mistakes: Mistakes) -> None:
    """Hold the fallback of a rule, or of the section, against the channels."""
    fallback = node.entries.get("fallback")
    for number, item in enumerate(_items(fallback, "notify")):
        _must_exist(item, (*path, "fallback", "notify", number), "channel", channels, mistakes)


def _check_grouping(rule: Node, path: Path, channels: dict[str, Node], mistakes: Mistakes) -> None:
    """Leave grouping to Alertmanager where it is told: it takes alerts one by one."""
    group = rule.entries.get("group_above")
    kinds = [
        channels[item.value].entries.get("kind")
        for item in _items(rule, "notify")
        if isinstance(item.value, str) and item.value in channels
    ]
    if group is not None and any(kind and kind.value == "alertmanager" for kind in kinds):
        text = "has no meaning with a channel of kind alertmanager: it groups by itself"
        mistakes.add(group.origin, (*path, "group_above"), text)


def _check_zone(window: Node, path: Path, mistakes: Mistakes) -> None:
    zone = window.entries.get("timezone")
    if zone is None or not isinstance(zone.value, str) or not zone.value:
        return
    try:
        ZoneInfo(zone.value)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        text = f"unknown time zone {shown(zone.value)!r} (write an IANA name: Europe/Berlin)"
        mistakes.add(zone.origin, (*path, "timezone"), text)


def _check_parents(section: Node, targets: Collection[str] | None, mistakes: Mistakes) -> None:
    """Refuse targets that do not exist, and targets that are their own ancestor."""
    parents = _named(section, "parents")
    edges = {
        child: [item.value for item in node.items if isinstance(item.value, str)]
        for child, node in parents.items()
    }
    for child, node in parents.items():
        path = (*_SECTION, "parents", child)
        if targets is not None and child not in targets:
            text = f"no host or endpoint {shown(child)!r}{nearest(child, targets)}"
            mistakes.add(node.origin, path, text)
        for number, item in enumerate(node.items):
            if targets is not None:
                _must_exist(item, (*path, number), "host or endpoint", targets, mistakes)
        if child in _ancestors(child, edges):
            mistakes.add(node.origin, path, f"{shown(child)!r} is its own ancestor")


def _ancestors(child: str, edges: dict[str, list[str]]) -> set[str]:
    found: set[str] = set()
    waiting = list(edges.get(child, ()))
    while waiting:
        parent = waiting.pop()
        if parent not in found:
            found.add(parent)
            waiting += edges.get(parent, ())
    return found


def _must_exist(
    item: Node, path: Path, what: str, known: Collection[str], mistakes: Mistakes
) -> None:
    if isinstance(item.value, str) and item.value not in known:
        text = f"no {what} {shown(item.value)!r}{nearest(item.value, known)}"
        mistakes.add(item.origin, path, text)


def _named(section: Node, key: str) -> dict[str, Node]:
    found = section.entries.get(key)
    return dict(found.entries) if found is not None else {}


def _items(node: Node | None, key: str) -> Sequence[Node]:
    found = node.entries.get(key) if node is not None else None
    return found.items if found is not None else ()


def targets_of(hosts: Collection[str], endpoints: Node | None) -> Iterator[str]:
    """Yield what `parents` may name: hosts, and endpoints as `endpoint:NAME`."""
    yield from hosts
    for name in endpoints.entries if endpoints is not None else ():
        yield f"endpoint:{name}"

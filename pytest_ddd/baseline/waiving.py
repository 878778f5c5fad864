"""Read the section waivers, and hold its names against scenarios, hosts and groups."""

from __future__ import annotations

import re
from collections.abc import Collection

from pytest_ddd.baseline.declarations import Place, declared
from pytest_ddd.baseline.model import Declaration
from pytest_ddd.baseline.rules import check_name, check_scenario, check_secrets
from pytest_ddd.baseline.sections.waivers import Waiver
from pytest_ddd.baseline.tree import Mistakes, Node, Path, named_entries, nearest, shown

_GLOB = re.compile(r"[*?\[]")


def read_waivers(
    section: Node | None, known: Collection[str] | None, mistakes: Mistakes
) -> dict[str, Declaration[Waiver]]:
    """Return the waivers by their id.

    Args:
        section: the merged section.
        known: hosts and groups; None when some files could not be read.
        mistakes: gets everything that is wrong.
    """
    found: dict[str, Declaration[Waiver]] = {}
    for name, node in named_entries(section, ("waivers",), mistakes):
        path = ("waivers", name)
        check_name(name, node, path, mistakes)
        check_secrets(node, path, mistakes)
        place = Place(section="waivers", key=name, path=path)
        waiver = declared(Waiver, node, place, mistakes)
        if waiver is not None:
            found[name] = waiver
            _check_checks(node, path, mistakes)
            _check_targets(node, path, known, mistakes)
    return found


def _check_checks(node: Node, path: Path, mistakes: Mistakes) -> None:
    for item in node.entries["checks"].items:
        scenario = str(item.value).partition("/")[0]
        if not _GLOB.search(scenario):
            check_scenario(scenario, item, (*path, "checks"), mistakes)


def _check_targets(
    node: Node, path: Path, known: Collection[str] | None, mistakes: Mistakes
) -> None:
    """Refuse a target that can be nobody; `endpoint:shop` and globs are seen while checks run."""
    for item in node.entries["targets"].items if known is not None else ():
        name = str(item.value)
        if not _GLOB.search(name) and ":" not in name and name not in (known or ()):
            text = f"no host or group {shown(name)!r}{nearest(name, known or ())}"
            mistakes.add(item.origin, (*path, "targets"), text)

"""Knows whether only a part of a scenario was asked for: then a run is no occurrence."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Protocol

import pytest

from pytest_ddd.plugin import gating, markers
from pytest_ddd.plugin.site import SITE_KEY

if TYPE_CHECKING:
    from pytest_ddd.occurrences import Kind

NARROWED_KEY = pytest.StashKey[set[str]]()
"""Scenarios of which a check was deselected."""

_OUTPUT = "ddd_narrowed"


class _Node(Protocol):
    """An xdist worker as the controller sees it."""

    config: pytest.Config
    workeroutput: dict[str, object]


def pytest_deselected(items: Sequence[pytest.Item]) -> None:
    """Note of which scenarios checks were left out, by -k, -m, --deselect or a plugin."""
    for item in items:
        with suppress(pytest.UsageError):  # wrong markers are told of where they matter
            if markers.is_check(item):
                _note(item.config, markers.place(item).scenario.name)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: _Node) -> None:
    """Hear from an xdist worker: workers collect, and the controller writes."""
    told = getattr(node, "workeroutput", {}).get(_OUTPUT, ())
    if isinstance(told, list):
        node.config.stash.setdefault(NARROWED_KEY, set()).update(map(str, told))


def is_narrowed(config: pytest.Config, scenario: str) -> bool:
    """Whether this run was asked for only a part of a scenario."""
    site = config.stash.get(SITE_KEY, None)
    return (
        scenario in config.stash.get(NARROWED_KEY, set())
        or bool(config.getoption("lf", default=False))
        or any("::" in argument for argument in config.args)
        or (site is not None and not site.scope.whole)
    )


def kind(config: pytest.Config, *, is_scheduled: bool) -> Kind:
    """Return what asked for this run."""
    if is_scheduled:
        return "scheduled"
    return "gate" if gating.mode(config) else "ad-hoc"


def _note(config: pytest.Config, scenario: str) -> None:
    found = config.stash.setdefault(NARROWED_KEY, set())
    found.add(scenario)
    output = getattr(config, "workeroutput", None)
    if output is not None:
        output[_OUTPUT] = sorted(found)

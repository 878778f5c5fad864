"""Notes which checks a run set out to do, where they are collected, for the controller."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from pytest_ddd.plugin import markers
from pytest_ddd.plugin.reachable import is_recorded, place_of

if TYPE_CHECKING:
    from pytest_ddd.evidence.facts import Plan

PLAN = "ddd_plan"
"""Name of the user property in which a worker's first result carries the plan."""


@dataclass(kw_only=True)
class Planned:
    """Nodeids by scenario: what is to be done, and what was collected and left out.

    `unreadable` are files that cannot be collected; nobody knows to which scenario they belong.
    """

    checks: dict[str, list[str]] = field(default_factory=dict)
    left_out: dict[str, list[str]] = field(default_factory=dict)
    unreadable: list[str] = field(default_factory=list)
    was_sent: bool = False


PLANNED_KEY = pytest.StashKey[Planned]()


def pytest_configure(config: pytest.Config) -> None:
    """Begin with nothing planned."""
    config.stash[PLANNED_KEY] = Planned()


def pytest_deselected(items: Sequence[pytest.Item]) -> None:
    """Note the checks that were collected and not chosen."""
    for item in items:
        if markers.is_check(item):
            left_out = item.config.stash[PLANNED_KEY].left_out
            left_out.setdefault(_scenario(item), []).append(item.nodeid)


@pytest.hookimpl(trylast=True)
def pytest_collection_finish(session: pytest.Session) -> None:
    """Note the checks that are to be done."""
    planned = session.config.stash[PLANNED_KEY]
    planned.checks.clear()
    for item in session.items:
        if is_recorded(item):
            scenario = place_of(item).scenario.name
            planned.checks.setdefault(scenario, []).append(item.nodeid)


def plans(config: pytest.Config, hosts: Sequence[str], inventory: int) -> dict[str, Plan]:
    """Return the plan of each scenario, on the controller."""
    from pytest_ddd.evidence.facts import Plan

    planned = config.stash[PLANNED_KEY]
    return {
        scenario: Plan(
            checks=tuple(checks),
            left_out=tuple(planned.left_out.get(scenario, ())),
            unreadable=tuple(planned.unreadable),
            hosts=tuple(hosts),
            inventory=inventory,
        )
        for scenario, checks in planned.checks.items()
    }


def unsent(config: pytest.Config) -> list[tuple[str, object]]:
    """Return the plan as a user property, once, on an xdist worker; nothing elsewhere."""
    planned = config.stash[PLANNED_KEY]
    if planned.was_sent or not hasattr(config, "workerinput"):
        return []
    planned.was_sent = True
    return [(PLAN, {"checks": planned.checks, "left_out": planned.left_out})]


def receive(config: pytest.Config, report: pytest.TestReport) -> None:
    """Take the plan off a worker's report."""
    for name, value in report.user_properties:
        if name == PLAN and isinstance(value, dict):
            report.user_properties.remove((name, value))
            planned = config.stash[PLANNED_KEY]
            planned.checks, planned.left_out = value["checks"], value["left_out"]
            return


def _scenario(item: pytest.Item) -> str:
    try:
        return place_of(item).scenario.name
    except pytest.UsageError:  # told where the check is chosen; here it is not
        return ""

"""Keeps the steps of a scenario together and in order, and selects scenarios."""

from __future__ import annotations

import pytest

from pytest_ddd.plugin import markers
from pytest_ddd.plugin.options import SETTINGS_KEY
from pytest_ddd.plugin.site import MISTAKE_KEY


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Drop other scenarios, put checks in order, and put each host's `reachable` in front."""
    checks = [item for item in items if markers.is_check(item)]
    if not checks:
        return
    _tell_mistake(config, items)
    places = {item: markers.place(item) for item in checks}
    wanted = config.stash[SETTINGS_KEY].scenario
    if wanted:
        checks = _only(config, checks, wanted)
    others = [item for item in items if not markers.is_check(item)]
    ordered = sorted(checks, key=lambda item: places[item].order)
    from pytest_ddd.plugin.reachable import with_reachable

    items[:] = [*others, *with_reachable(config, ordered, places)]


def _tell_mistake(config: pytest.Config, items: list[pytest.Item]) -> None:
    mistake = config.stash.get(MISTAKE_KEY, None)
    if mistake is None:
        return
    if hasattr(config, "workerinput"):  # a worker cannot end the run: the controller tells it
        config.workeroutput["ddd_mistake"] = mistake  # type: ignore[attr-defined]
        items.clear()
        return
    raise pytest.UsageError(mistake)


def _only(config: pytest.Config, checks: list[pytest.Item], wanted: str) -> list[pytest.Item]:
    names = sorted({markers.place(item).scenario.name for item in checks})
    if wanted not in names:
        raise pytest.UsageError(
            f"--ddd-scenario {wanted}: no check of that scenario was collected; "
            f"there are: {', '.join(names)}"
        )
    kept = [item for item in checks if markers.place(item).scenario.name == wanted]
    dropped = [item for item in checks if item not in set(kept)]
    config.hook.pytest_deselected(items=dropped)
    return kept

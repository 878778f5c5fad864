"""Keeps the steps of a scenario together and in order, and selects scenarios."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from pytest_ddd import redaction
from pytest_ddd.plugin import evidencing, gating, locating, markers
from pytest_ddd.plugin.changing import refuse_misuse
from pytest_ddd.plugin.markers import Place
from pytest_ddd.plugin.options import SETTINGS_KEY
from pytest_ddd.plugin.reachable import with_reachable
from pytest_ddd.plugin.site import MISTAKE_KEY, site_of


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Drop other scenarios, put checks in order, and put each host's `reachable` in front."""
    checks = [item for item in items if markers.is_check(item)]
    if not checks:
        return
    try:
        items[:] = [item for item in items if not markers.is_check(item)] + _arranged(
            config, checks
        )
    except pytest.UsageError as mistake:
        if not hasattr(config, "workerinput"):
            raise
        # A worker cannot end the run: it leaves nothing to do, and the controller tells why.
        config.workeroutput["ddd_mistake"] = str(mistake)  # type: ignore[attr-defined]  # xdist adds it to a worker's config
        items.clear()


def _arranged(config: pytest.Config, checks: list[pytest.Item]) -> list[pytest.Item]:
    """Return the checks that are wanted, in order, with `reachable` of their hosts in front."""
    site_of(config)  # checks in a unittest.TestCase are not parametrized, so it may be new
    mistake = config.stash.get(MISTAKE_KEY, None)
    if mistake is not None:
        raise pytest.UsageError(mistake)
    locating.share(checks)
    for item in checks:
        _refuse_secret(item)
        refuse_misuse(item)
    places = {item: markers.place(item) for item in checks}
    for item in checks:
        evidencing.refuse_unknown(item, places[item].controls)
    wanted = config.stash[SETTINGS_KEY].scenario
    if wanted:
        checks = _only(config, checks, wanted)
    checks = gating.chosen(config, checks)
    orders = _orders(places)
    checks = sorted(checks, key=lambda item: orders[id(places[item])])
    return list(with_reachable(config, checks, places))


def _refuse_secret(item: pytest.Item) -> None:
    """Refuse a check whose id holds a secret: pytest shows ids in more places than we can reach."""
    shown = redaction.DEFAULT.scrub(item.nodeid)
    if shown != item.nodeid:
        raise pytest.UsageError(
            f"{shown}: the id of this check holds a secret; "
            "give the parameter another id: pytest.param(value, id='name')"
        )


def _orders(places: Mapping[pytest.Item, Place]) -> dict[int, tuple[object, ...]]:
    """Return what to sort by, for each place once; at a step, what changes things comes last."""
    distinct = {id(one): one for one in places.values()}
    return {number: (one.order, one.acts) for number, one in distinct.items()}


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

"""One result `reachable` for each selected host, and the blocking of its checks when it is not."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from pytest_ddd.outcomes import Outcome
from pytest_ddd.plugin import markers
from pytest_ddd.plugin.markers import Place
from pytest_ddd.plugin.parametrize import subject
from pytest_ddd.plugin.site import SITE_KEY
from pytest_ddd.plugin.verdict import VERDICT_KEY
from pytest_ddd.scenarios.model import REACHING

if TYPE_CHECKING:
    from pytest_ddd.plugin.site import Site

_IN_ID = "::reachable["


class BlockedError(Exception):
    """The check was not done, because its host is not reachable."""


class Reachable(pytest.Item):
    """Opens the connection to one host, once for the run."""

    def __init__(self, *, host: str, place: Place, **kwargs: object) -> None:
        super().__init__(**kwargs)  # type: ignore[arg-type]  # pytest's own arguments, handed on
        self.host = host
        self.place = replace(place, step=REACHING.number, acts=False)

    def runtest(self) -> None:
        """Try the host and judge what came of it."""
        site = self.config.stash[SITE_KEY]
        hostspec = site.connections.spec(self.host).hostspec
        where = site.baseline.hosts[self.host].origin("connection")
        self.stash[VERDICT_KEY].reached(
            site.connections.reachable(self.host), hostspec, f" ({where})" if where else ""
        )

    def reportinfo(self) -> tuple[str, int | None, str]:
        """Say where this check comes from: the plugin itself."""
        return inspect.getfile(type(self)), None, self.name


def is_recorded(item: pytest.Item) -> bool:
    """Whether an item leaves a result: a check, or `reachable` of a host."""
    return isinstance(item, Reachable) or markers.is_check(item)


def place_of(item: pytest.Item) -> Place:
    """Return where an item that leaves a result belongs."""
    return item.place if isinstance(item, Reachable) else markers.place(item)


def host_of_id(nodeid: str) -> str:
    """Return the host that a `reachable` is about; nothing for the id of any other item."""
    scenario, found, host = nodeid.partition(_IN_ID)
    return host.removesuffix("]") if found and "::" not in scenario and "/" not in scenario else ""


def with_reachable(
    config: pytest.Config, checks: Sequence[pytest.Item], places: dict[pytest.Item, Place]
) -> Iterator[pytest.Item]:
    """Yield the checks in order, each scenario preceded by `reachable` of the hosts it needs."""
    site = config.stash[SITE_KEY]
    seen: set[str] = set()
    for item in checks:
        place = places[item]
        if place.scenario.name not in seen:
            seen.add(place.scenario.name)
            same = [one for one in checks if places[one].scenario.name == place.scenario.name]
            yield from _reachables(site, same, place)
        yield item


def _reachables(site: Site, checks: Sequence[pytest.Item], place: Place) -> Iterator[pytest.Item]:
    session = checks[0].session
    needed = {subject(item, site.baseline.name).host for item in checks}
    for host in site.scope.hosts:
        if host in needed:
            nodeid = f"{place.scenario.name}{_IN_ID}{host}]"
            name = f"reachable[{host}]"
            yield Reachable.from_parent(session, name=name, nodeid=nodeid, host=host, place=place)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Block a check whose host is not reachable; costs nothing after the first try."""
    site = item.config.stash.get(SITE_KEY, None)
    if site is None or VERDICT_KEY not in item.stash or isinstance(item, Reachable):
        return
    host = subject(item, site.baseline.name).host
    if not host:
        return
    reached = site.connections.reachable(host)
    if reached.outcome is not Outcome.GREEN:
        item.stash[VERDICT_KEY].block(f"reachable:{host}", reached.reason)
        raise BlockedError(reached.reason)

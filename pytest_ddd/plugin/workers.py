"""Deals checks out to xdist workers: all checks of a host to one, in the order of their steps."""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

import pytest

from pytest_ddd.plugin.options import SETTINGS_KEY
from pytest_ddd.plugin.reachable import host_of_id

if TYPE_CHECKING:
    from xdist.remote import Producer
    from xdist.scheduler import Scheduling
    from xdist.workermanage import WorkerController

_PLACE = "ddd_place"
"""Number of a worker, from 0, among those that the run began with."""


_DEALT = pytest.StashKey[int]()


@pytest.hookimpl(optionalhook=True, tryfirst=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Scheduling | None:
    """Take over from xdist's plain `load`, in a site only; any other choice is the user's."""
    return _scheduling(config, log) if _is_ours(config) else None


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: WorkerController) -> None:
    """Number the workers, so that each knows its hosts before it is told."""
    config = node.config
    if _is_ours(config):
        config.stash[_DEALT] = node.workerinput[_PLACE] = config.stash.get(_DEALT, -1) + 1


def _is_ours(config: pytest.Config) -> bool:
    return config.getvalue("dist") == "load" and config.stash[SETTINGS_KEY].baselines.is_dir()


def own_scopes(config: pytest.Config, nodeids: Sequence[str]) -> Container[str] | None:
    """Return what this xdist worker has to do, as far as it can know; None for everything."""
    given = getattr(config, "workerinput", None)
    if given is None:
        return None
    hosts = hosts_of(nodeids)
    if _PLACE not in given or not hosts:
        return ()
    dealt = deal((scope_of(nodeid, hosts) for nodeid in nodeids), given["workercount"])
    return {scope for scope, place in dealt.items() if place == given[_PLACE]}


def deal(scopes: Iterable[str], count: int) -> dict[str, int]:
    """Deal hosts out to workers: each to the one that has least to do so far.

    Args:
        scopes: of every check, in their order.
        count: how many workers there are.

    Returns:
        Scope -> number of its worker, from 0.
    """
    loads = [0] * count
    dealt: dict[str, int] = {}
    for scope, checks in Counter(scopes).items():
        dealt[scope] = loads.index(min(loads))
        loads[dealt[scope]] += checks
    return dealt


def hosts_of(nodeids: Iterable[str]) -> tuple[str, ...]:
    """Return the hosts of a run, as their `reachable` names them; longest first."""
    found = {host_of_id(nodeid) for nodeid in nodeids} - {""}
    return tuple(sorted(found, key=len, reverse=True))


def _scheduling(config: pytest.Config, log: Producer) -> Scheduling:
    from xdist.scheduler import LoadScopeScheduling

    class HostScheduling(LoadScopeScheduling):  # type: ignore[misc]  # xdist is not typed
        """Keeps a host on one worker; `--dist loadgroup` would lose the group with pytest 9.2.

        Each worker gets all its hosts at once, as it reads them ahead at once.
        """

        @cached_property
        def hosts(self) -> tuple[str, ...]:
            """The hosts of the run."""
            return hosts_of(self.collection or ())

        @cached_property
        def dealt(self) -> dict[str, int]:
            """Scope -> number of its worker."""
            count = int(self.nodes[0].workerinput["workercount"])
            return deal(map(self._split_scope, self.collection or ()), count)

        def _split_scope(self, nodeid: str) -> str:
            return scope_of(nodeid, self.hosts)

        def _assign_work_unit(self, node: WorkerController) -> None:
            place = node.workerinput[_PLACE]
            mine = [one for one in self.workqueue if self.dealt.get(one) == place]
            if not self.hosts or not mine:
                super()._assign_work_unit(node)
                return
            units = {scope: self.workqueue.pop(scope) for scope in mine}
            self.assigned_work.setdefault(node, {}).update(units)
            left = {one for unit in units.values() for one, done in unit.items() if not done}
            collected = enumerate(self.registered_collections[node])
            node.send_runtest_some([index for index, nodeid in collected if nodeid in left])

    return HostScheduling(config, log)


def scope_of(nodeid: str, hosts: tuple[str, ...]) -> str:
    """Return what must stay on one worker: a host, or everything that belongs to none.

    A run without hosts is one of ordinary tests: each stands for itself.
    """
    if not hosts:
        return nodeid
    if (reached := host_of_id(nodeid)) != "":
        return reached
    parameters = nodeid.partition("[")[2].removesuffix("]")
    named = (host for host in hosts if f"{parameters}-".startswith(f"{host}-"))
    return next(named, "")

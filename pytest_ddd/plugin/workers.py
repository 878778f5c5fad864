"""Deals checks out to xdist workers: all checks of a host to one, in the order of their steps."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import pytest

from pytest_ddd.plugin.options import SETTINGS_KEY
from pytest_ddd.plugin.reachable import host_of_id

if TYPE_CHECKING:
    from xdist.remote import Producer
    from xdist.scheduler import Scheduling


@pytest.hookimpl(optionalhook=True, tryfirst=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Scheduling | None:
    """Take over from xdist's plain `load`, in a site only; any other choice is the user's."""
    if config.getvalue("dist") != "load" or not config.stash[SETTINGS_KEY].baselines.is_dir():
        return None
    return _scheduling(config, log)


def _scheduling(config: pytest.Config, log: Producer) -> Scheduling:
    from xdist.scheduler import LoadScopeScheduling

    class HostScheduling(LoadScopeScheduling):  # type: ignore[misc]  # xdist is not typed
        """Keeps a host on one worker; `--dist loadgroup` would lose the group with pytest 9.2."""

        @cached_property
        def hosts(self) -> tuple[str, ...]:
            """The hosts of the run, as their `reachable` names them; longest first."""
            found = {host_of_id(nodeid) for nodeid in self.collection or ()} - {""}
            return tuple(sorted(found, key=len, reverse=True))

        def _split_scope(self, nodeid: str) -> str:
            return scope_of(nodeid, self.hosts)

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

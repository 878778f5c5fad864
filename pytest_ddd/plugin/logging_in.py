"""Begins to log in to hosts while pytest still collects: a login mostly waits, or runs elsewhere.

Nothing is read yet, and only what the run is certain to look at is logged in to: the hosts of a
check that `pytest -m FREQUENCY` selects. Where anything else narrows the selection, and where
pytest only shows what it has collected, hosts are reached when their checks begin.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable

import pytest

from pytest_ddd.plugin import gating
from pytest_ddd.plugin.options import SETTINGS_KEY
from pytest_ddd.plugin.site import Site

_IS_CERTAIN = pytest.StashKey[bool]()

_NARROWING = ("keyword", "deselect", "lf", "stepwise", "collectonly")
"""Options of pytest, by their dest, that leave out checks or all of them."""


@pytest.hookimpl(wrapper=True)
def pytest_collection(session: pytest.Session) -> Generator[None, object, object]:
    """Note that items are collected to be run: --fixtures and the like come another way."""
    config = session.config
    narrowed = any(config.getoption(name, default=None) for name in _NARROWING)
    apart = hasattr(config, "workerinput") or config.stash[SETTINGS_KEY].scenario
    in_part = gating.mode(config) or any("::" in argument for argument in config.args)
    config.stash[_IS_CERTAIN] = not (narrowed or apart or in_part)
    try:
        return (yield)
    finally:
        config.stash[_IS_CERTAIN] = False


def begin(metafunc: pytest.Metafunc, site: Site, hosts: Iterable[str]) -> None:
    """Log in to the hosts of a check, unless it may be left out; returns at once."""
    config = metafunc.config
    wanted = config.getoption("markexpr")
    marks = {mark.name for mark in metafunc.definition.iter_markers()}
    if not config.stash.get(_IS_CERTAIN, False) or wanted not in marks:
        return
    for host in dict.fromkeys(hosts):
        spec = site.connections.spec(host)
        if spec.has_session and not spec.sudo:  # a secret for sudo may take its time
            site.connections.reaching(host)

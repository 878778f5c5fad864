"""Looks at all yellows again after the last step, until they are green or time is up."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from dataclasses import dataclass

import pytest
from _pytest.runner import runtestprotocol

from pytest_ddd import clock
from pytest_ddd.outcomes import Outcome
from pytest_ddd.plugin.options import SETTINGS_KEY
from pytest_ddd.plugin.parametrize import subject
from pytest_ddd.plugin.site import SITE_KEY
from pytest_ddd.plugin.verdict import LOOK_KEY, VERDICT_KEY, Look, Verdict

_PAUSE_S = 5.0
"""How long is waited between two looks at the same yellow."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Yellow:
    """A check that was yellow, where it stands in the session and since when it is yellow."""

    item: pytest.Item
    index: int
    since_s: float


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> Generator[None, object, object]:
    """Recheck after the loop; an xdist controller has no items and leaves it to its workers."""
    result = yield
    settings = session.config.stash[SETTINGS_KEY]
    if settings.recheck_s and SITE_KEY in session.config.stash and not session.shouldstop:
        yellows = [
            _Yellow(item=item, index=index, since_s=item.stash[VERDICT_KEY].started)
            for index, item in enumerate(session.items)
            if VERDICT_KEY in item.stash and _is_yellow(item.stash[VERDICT_KEY])
        ]
        _recheck(session, yellows, clock.monotonic() + settings.recheck_s)
    return result


def _recheck(session: pytest.Session, yellows: list[_Yellow], deadline_s: float) -> None:
    while yellows:
        last_look = clock.monotonic() + _PAUSE_S >= deadline_s
        yellows = [one for one in yellows if not _look_again(session, one, last_look=last_look)]
        if yellows:
            clock.wait(max(0.0, min(_PAUSE_S, deadline_s - clock.monotonic())))


def _look_again(session: pytest.Session, yellow: _Yellow, *, last_look: bool) -> bool:
    """Look once more; log the look that decides, and say whether it did."""
    item = yellow.item
    entry = subject(item, item.config.stash[SITE_KEY].baseline.name).entry
    if entry is not None:
        entry.forget()
    item.stash[LOOK_KEY] = Look(number=2, yellow_since=yellow.since_s)
    item._initrequest()  # type: ignore[attr-defined]  # noqa: SLF001 - as pytest does for a retry
    reports = runtestprotocol(item, log=False, nextitem=None)
    decided = last_look or not _is_yellow(item.stash[VERDICT_KEY])
    if decided:
        _log(session, yellow, reports)
    return decided


def _is_yellow(verdict: Verdict) -> bool:
    """Whether waiting may help; what a waiver accepts is not waited for."""
    return verdict.outcome is Outcome.YELLOW and not verdict.waiver


def _log(session: pytest.Session, yellow: _Yellow, reports: Iterable[pytest.TestReport]) -> None:
    hook = yellow.item.ihook
    _tell_xdist(session.config, yellow.index)
    hook.pytest_runtest_logstart(nodeid=yellow.item.nodeid, location=yellow.item.location)
    for report in reports:
        hook.pytest_runtest_logreport(report=report)
    hook.pytest_runtest_logfinish(nodeid=yellow.item.nodeid, location=yellow.item.location)


def _tell_xdist(config: pytest.Config, index: int) -> None:
    """Tell an xdist worker which of its items the next reports are about."""
    for plugin in config.pluginmanager.get_plugins():
        if type(plugin).__name__ == "WorkerInteractor":
            plugin.item_index = index

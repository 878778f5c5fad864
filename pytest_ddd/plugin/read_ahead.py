"""Lets the entries of the checks to come be read ahead, and each check wait for its own."""

from __future__ import annotations

import importlib
from collections.abc import Container, Generator, Iterator, Sequence
from dataclasses import dataclass

import pytest

from pytest_ddd.plugin import loading, progress
from pytest_ddd.plugin.parametrize import Subject, is_missing, subject
from pytest_ddd.plugin.progress import Waiting
from pytest_ddd.plugin.reachable import Reachable, is_recorded, place_of
from pytest_ddd.plugin.site import SITE_KEY, Site
from pytest_ddd.plugin.turns import Turn, Turns
from pytest_ddd.plugin.verdict import AHEAD_KEY
from pytest_ddd.plugin.workers import hosts_of, own_scopes, scope_of
from pytest_ddd.probes.entry import AnyEntry, Looked

WALK_KEY = pytest.StashKey["Walk"]()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Stop:
    """One item that leaves a result, and what it looks at."""

    item: pytest.Item
    phase: int
    scope: str
    subject: Subject


class Walk:
    """Pytest's way through its items, in phases whose entries are read ahead together.

    A phase is a scenario, or what follows an action in it: what was read before an action says
    nothing about what comes after it. So an action is a phase of its own, and nothing is read
    ahead of it.
    """

    def __init__(self, session: pytest.Session, site: Site, mine: Container[str] | None):
        from pytest_ddd.probes.ahead import ReadAhead

        self.ahead = ReadAhead(site.connections)
        self._session, self._site, self._mine = session, site, mine
        self._stops = {one.item: one for one in _stops(session.items, site)}
        self._waiting = Waiting(session.config, lambda: self.ahead.far)
        self._turns = None if self._must_stay() else self._turns_of(session.items)
        self._place = 0
        self._phase, self._is_prepared = -1, False
        self._asked: set[str] = set()
        """Scopes that are read ahead in this phase."""
        self._seen: set[AnyEntry] = set()

    def arrive(self, item: pytest.Item) -> None:
        """Begin to read ahead when an item begins a phase, or a host that nobody foresaw."""
        stop = self._stops.get(item)
        if stop is None:
            return
        if stop.phase != self._phase:
            self._phase, self._asked = stop.phase, set()
        elif stop.scope in self._asked:
            return
        wanted = [one for one in self._stops.values() if self._is_wanted(one, stop)]
        self._asked.update(one.scope for one in wanted)
        entries = dict.fromkeys(one.subject.entry for one in wanted if one.subject.entry)
        self.ahead.forget(entry for entry in entries if entry in self._seen)
        self._seen.update(entries)
        if place_of(item).acts:
            return
        hosts = dict.fromkeys(one.subject.host for one in wanted if one.subject.host)
        self.ahead.start(entries, hosts)
        self._prepare()

    def begin(self, item: pytest.Item) -> None:
        """Decide which two items come first, once something of them has been read ahead."""
        if self._turns is not None:
            self.arrive(item)
            self._turns.settle(0)
            self._turns.settle(1)

    def leave(self) -> None:
        """Decide what comes after the next item: pytest wants to know that when it begins."""
        if self._turns is not None and not (self._session.shouldfail or self._session.shouldstop):
            self._place += 1
            self._turns.settle(self._place + 1)

    def wait(self, item: pytest.Item) -> Looked | None:
        """Wait for what is read ahead for an item; return when that was and how long it took."""
        stop = self._stops.get(item)
        if stop is None:
            return None
        about = stop.subject
        with self._waiting as tick:
            if self.ahead.wait_for_host(about.host, tick) and isinstance(item, Reachable):
                return self._reached(about.host)
            if about.entry is not None and self.ahead.wait(about.entry, tick):
                return about.entry.looked
        return None

    def _must_stay(self) -> bool:
        """Whether all items must run as they stand.

        xdist tells a worker its items by number, who reads -v expects the order of the steps, -x
        asks for the first failure in it, and --stepwise leaves out next time whatever stands
        before that one.
        """
        config = self._session.config
        first = config.getoption("maxfail") or config.getoption("stepwise", default=False)
        return self._mine is not None or config.get_verbosity() > 0 or bool(first)

    def _turns_of(self, items: list[pytest.Item]) -> Turns:
        return Turns(
            items, [self._turn(item) for item in items], is_ready=self._is_there, wait=self._news
        )

    def _turn(self, item: pytest.Item) -> Turn:
        """Let a check that looks at nothing in particular stay where it is, after all before it."""
        stop = self._stops.get(item)
        if stop is None or not (stop.subject.host or stop.subject.entry or is_missing(item)):
            return Turn(leg=None, target="")
        return Turn(leg=stop.phase, target=stop.subject.target)

    def _is_there(self, item: pytest.Item) -> bool:
        about = self._stops[item].subject
        return self.ahead.is_there(about.entry, about.host)

    def _news(self) -> None:
        with self._waiting as tick:
            self.ahead.wait_for_news(tick)

    def _prepare(self) -> None:
        """Load what the first result needs, while the hosts are being reached."""
        if self._is_prepared:
            return
        self._is_prepared = True
        with loading.for_good():
            if self._mine is None:
                importlib.import_module("pytest_ddd.run")

    def _reached(self, host: str) -> Looked | None:
        future = self._site.connections.reaching(host)
        reached = future.result() if future.done() else None  # else we were told to stop
        if reached is None or reached.started_at is None:
            return None
        return Looked(started_at=reached.started_at, took_s=reached.took_s)

    def _is_wanted(self, one: _Stop, stop: _Stop) -> bool:
        mine = self._mine is None or one.scope in self._mine or one.scope == stop.scope
        return one.phase == stop.phase and mine


def _stops(items: Sequence[pytest.Item], site: Site) -> Iterator[_Stop]:
    hosts = hosts_of(item.nodeid for item in items)
    phase, before = -1, ("", False)
    for item in items:
        if not is_recorded(item):
            continue
        place = place_of(item)
        now = (place.scenario.name, place.acts)
        if now != before or place.acts:
            phase, before = phase + 1, now
        yield _Stop(
            item=item,
            phase=phase,
            scope=scope_of(item.nodeid, hosts),
            subject=_subject(item, site),
        )


def _subject(item: pytest.Item, site: Site) -> Subject:
    if isinstance(item, Reachable):
        return Subject(target=item.host, key="", host=item.host, entry=None)
    return subject(item, site.baseline.name)


@pytest.hookimpl(wrapper=True)
def pytest_runtestloop(session: pytest.Session) -> Generator[None, object, object]:
    """Know the way before the first item, and stop reading whatever ends the loop."""
    config = session.config
    site = config.stash.get(SITE_KEY, None)
    if site is None or config.option.collectonly or not any(map(is_recorded, session.items)):
        return (yield)
    mine = own_scopes(config, [item.nodeid for item in session.items])
    progress.begin(session, site)
    config.stash[WALK_KEY] = walk = Walk(session, site, mine)
    try:
        with loading.seldom():
            walk.begin(session.items[0])
            return (yield)
    finally:
        walk.ahead.stop()
        progress.end(config)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Read ahead of the items that begin here, and wait for what this one needs.

    Not in its setup: there pytest would take what is shown of the wait for the item's output.
    """
    walk = item.config.stash.get(WALK_KEY, None)
    if walk is None:
        return (yield)
    walk.arrive(item)
    item.stash[AHEAD_KEY] = walk.wait(item)
    done = yield
    walk.leave()
    return done

"""Reads entries ahead of their checks: all hosts and services at once, on a bounded pool.

Each host is a lane: it is reached first, what its entries can fetch together is fetched, and then
a few of them are read at the same time. So a host that is slow or dead holds up nobody else. An
entry without a host is a lane of its own.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial

from pytest_ddd import clock
from pytest_ddd.connections import Completed, Connections, Reachability
from pytest_ddd.connections.together import TIMEOUT_S, holding, together
from pytest_ddd.errors import DddError
from pytest_ddd.outcomes import Outcome
from pytest_ddd.probes.entry import AnyEntry, Looked

THREADS = 256
"""How much is read at the same time; each thread waits far more than it works."""

A_HOST = 16
"""How much of that one host may take: 16 hosts have to hang before anybody waits for them."""

_TICK_S = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class HowFar:
    """How far reading ahead has come."""

    hosts: int
    hosts_done: int
    reads: int
    reads_done: int


@dataclass(kw_only=True, eq=False)
class _Lane:
    """What is read of one host, or one entry that needs none."""

    host: str
    share: int
    waiting: deque[AnyEntry] = field(default_factory=deque)
    answers: dict[str, Completed] = field(default_factory=dict)
    foreseen: Looked | None = None
    """When the answers were got, to what the entries foresaw."""
    left: int = 0
    """Entries that are not done."""


class ReadAhead:
    """Reads entries on threads of its own; `start` and `wait` belong to one thread, pytest's.

    Args:
        connections: the way to the hosts.
        threads: how many entries are read at the same time.
    """

    def __init__(self, connections: Connections, *, threads: int = THREADS) -> None:
        self._connections = connections
        self._pool = _Pool(threads)
        self._lock = threading.Lock()
        self._done: dict[AnyEntry, threading.Event] = {}
        self._reached: dict[str, threading.Event] = {}
        self._news = threading.Event()
        self._lanes: list[_Lane] = []

    def start(self, entries: Iterable[AnyEntry], hosts: Iterable[str]) -> None:
        """Begin to read entries, in this order, and to reach hosts; returns at once."""
        lanes = {host: self._lane(host) for host in hosts}
        free = []
        for entry in entries:
            if entry in self._done:
                continue
            self._done[entry] = threading.Event()
            if entry.host in lanes:
                lanes[entry.host].waiting.append(entry)
            else:
                free.append(_Lane(host="", share=1, waiting=deque([entry])))
        for lane in (*lanes.values(), *free):
            lane.left = len(lane.waiting)
            self._lanes.append(lane)
            task = self._reach if lane.host else self._feed
            self._pool.submit(partial(task, lane))

    def forget(self, entries: Iterable[AnyEntry]) -> None:
        """Let entries be read again."""
        for entry in entries:
            self._done.pop(entry, None)
            entry.forget()

    def wait(self, entry: AnyEntry, tick: Callable[[], None]) -> bool:
        """Wait until an entry has been read ahead; False when that is not asked for."""
        return _wait(self._done.get(entry), tick)

    def wait_for_host(self, host: str, tick: Callable[[], None]) -> bool:
        """Wait until a host has been reached, or cannot be."""
        return _wait(self._reached.get(host), tick)

    def is_there(self, entry: AnyEntry | None, host: str) -> bool:
        """Whether nobody would have to wait for an entry, or none, and for a host, or none."""
        events = (self._reached.get(host), self._done.get(entry) if entry is not None else None)
        return all(event is None or event.is_set() for event in events)

    def wait_for_news(self, tick: Callable[[], None]) -> None:
        """Wait until anything has arrived since the last call."""
        _wait(self._news, tick)
        self._news.clear()

    def stop(self) -> None:
        """Start nothing more; what is under way ends with its connection or its time limit."""
        self._pool.stop()
        for event in (*self._done.values(), *self._reached.values(), self._news):
            event.set()

    @property
    def far(self) -> HowFar:
        """How far it has come."""
        hosts = [lane for lane in self._lanes if lane.host]
        return HowFar(
            hosts=len(hosts),
            hosts_done=sum(not lane.left and self._reached[lane.host].is_set() for lane in hosts),
            reads=len(self._done),
            reads_done=sum(event.is_set() for event in self._done.values()),
        )

    def _lane(self, host: str) -> _Lane:
        self._reached.setdefault(host, threading.Event())
        # A backend of testinfra's own keeps state between two commands.
        own = self._connections.spec(host).has_session
        return _Lane(host=host, share=A_HOST if own else 1)

    # From here on everything runs in the threads of the pool.

    def _reach(self, lane: _Lane) -> None:
        future = self._connections.reaching(lane.host)
        future.add_done_callback(lambda done: self._pool.submit(partial(self._open, lane, done)))

    def _open(self, lane: _Lane, reached: Future[Reachability]) -> None:
        self._reached[lane.host].set()
        self._news.set()
        if reached.result().outcome is not Outcome.GREEN:
            self._finish(lane, tuple(lane.waiting))
            return
        try:
            with suppress(DddError):  # each look tries again, and tells
                self._foresee(lane)
        finally:
            for _ in range(min(lane.share, len(lane.waiting))):
                self._pool.submit(partial(self._feed, lane))

    def _foresee(self, lane: _Lane) -> None:
        """Ask the host at once what its entries foresee, then what follows from that."""
        if len(lane.waiting) < 2 or not self._connections.spec(lane.host).has_session:
            return
        started_at, started = clock.now(), clock.monotonic()
        session = self._connections.session(lane.host)
        timeout_s = min(TIMEOUT_S, session.spec.command_timeout_s)
        for _ in range(2):
            named = (one for entry in lane.waiting for one in entry.foresee(lane.answers))
            commands = [one for one in dict.fromkeys(named) if one not in lane.answers]
            if commands:
                lane.answers |= together(session, commands, timeout_s=timeout_s)
        if lane.answers:
            took_s = clock.monotonic() - started
            lane.foreseen = Looked(started_at=started_at, took_s=took_s)

    def _feed(self, lane: _Lane) -> None:
        """Read what waits in a lane, one after the other."""
        with self._lock:
            if lane.share == 0 or not lane.waiting:
                return
            lane.share -= 1
        while (entry := self._next(lane)) is not None:
            try:
                self._look(lane, entry)
            finally:
                self._finish(lane, (entry,))

    def _look(self, lane: _Lane, entry: AnyEntry) -> None:
        if lane.foreseen is None or not any(entry.foresee({})):
            entry.look_ahead()
        else:
            with holding(self._connections.session(lane.host), lane.answers):
                entry.look_ahead(lane.foreseen)

    def _next(self, lane: _Lane) -> AnyEntry | None:
        with self._lock:
            if lane.waiting and not self._pool.stopped:
                return lane.waiting.popleft()
            lane.share += 1
            return None

    def _finish(self, lane: _Lane, entries: Sequence[AnyEntry]) -> None:
        with self._lock:
            lane.left -= len(entries)
        for entry in entries:
            done = self._done.get(entry)
            if done is not None:  # else it has been forgotten meanwhile
                done.set()
        self._news.set()


class _Pool:
    """Threads that are started when needed, and that no end of the process waits for."""

    def __init__(self, most: int) -> None:
        self.stopped = False
        self._most = most
        self._tasks: deque[Callable[[], None]] = deque()
        self._changed = threading.Condition()
        self._threads = self._idle = 0

    def submit(self, task: Callable[[], None]) -> None:
        """Run a task soon; not at all once the pool has stopped."""
        with self._changed:
            if self.stopped:
                return
            self._tasks.append(task)
            if self._idle >= len(self._tasks) or self._threads >= self._most:
                self._changed.notify()
                return
            self._threads += 1
        threading.Thread(target=self._work, name="ddd-ahead", daemon=True).start()

    def stop(self) -> None:
        """Start no task any more."""
        with self._changed:
            self.stopped = True
            self._tasks.clear()
            self._changed.notify_all()

    def _work(self) -> None:
        while (task := self._take()) is not None:
            task()

    def _take(self) -> Callable[[], None] | None:
        with self._changed:
            self._idle += 1
            while not self._tasks and not self.stopped:
                self._changed.wait()
            self._idle -= 1
            return self._tasks.popleft() if self._tasks else None


def _wait(event: threading.Event | None, tick: Callable[[], None]) -> bool:
    """Wait for an event, calling `tick` now and then."""
    while event is not None and not event.wait(_TICK_S):
        tick()
    return event is not None

"""Let only so many connections open at the same time, and fewer while all processors are busy."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable
from pathlib import Path

from pytest_ddd import clock
from pytest_ddd.connections.loop import IoLoop

OPEN_AT_ONCE = 32
"""Logins in flight; more would trip sshd's MaxStartups on a shared jump host all the sooner."""

_CORES = os.cpu_count() or 1

UNQUESTIONED = 2 * _CORES
"""So many may be in flight however busy the machine is."""

LOADAVG = Path("/proc/loadavg")

LOOK_AGAIN_S = 0.01
PACE_S = 0.1
"""One more opening starts after this time, also on a machine that never has time."""


class OpeningGate:
    """Counts openings and spreads their starts; lives in the loop's thread.

    A login is mostly key exchange: 55 ms of a processor (OpenSSH 9.2). Logins that begin faster
    than the processors can serve them all end late, at the same moment; and what could be read
    and judged of the first hosts waits with them.

    Args:
        loop: calls again later.
        at_once: how many may be in flight.
        is_busy: whether the processors have enough to do.
    """

    def __init__(
        self,
        loop: IoLoop,
        at_once: int = OPEN_AT_ONCE,
        *,
        is_busy: Callable[[], bool] | None = None,
    ) -> None:
        self._loop = loop
        self._at_once = at_once
        self._is_busy = is_busy or _is_busy
        self._in_flight = 0
        self._last_s = float("-inf")
        self._waiting: deque[Callable[[], None]] = deque()
        self._is_timed = False

    def enter(self, start: Callable[[], None]) -> None:
        """Call `start` now, or once its turn has come."""
        self._waiting.append(start)
        self._let_in()

    def leave(self) -> None:
        """Say that an opening has ended, well or badly."""
        self._in_flight -= 1
        self._let_in()

    def _let_in(self) -> None:
        while self._waiting and self._in_flight < self._at_once:
            now_s = clock.monotonic()
            is_due = self._in_flight < UNQUESTIONED or now_s >= self._last_s + PACE_S
            if not is_due and self._is_busy():
                self._look_again(now_s + LOOK_AGAIN_S)
                return
            self._last_s = now_s
            self._in_flight += 1
            self._waiting.popleft()()

    def _look_again(self, when_s: float) -> None:
        if not self._is_timed:
            self._is_timed = True
            self._loop.call_at(when_s, self._time_has_come)

    def _time_has_come(self) -> None:
        self._is_timed = False
        self._let_in()


def _is_busy() -> bool:
    """Whether more than two are ready to run for each processor, as far as this system tells."""
    try:
        file = os.open(LOADAVG, os.O_RDONLY | os.O_CLOEXEC)  # asked so often that layers count
    except OSError:
        return False
    try:
        ready = os.read(file, 100).split()[3].partition(b"/")[0]
    finally:
        os.close(file)
    return int(ready) > 2 * _CORES

"""Let only so many connections open at the same time."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

OPEN_AT_ONCE = 32
"""Logins in flight; more would trip sshd's MaxStartups on a shared jump host all the sooner."""


class OpeningGate:
    """Counts openings; lives in the loop's thread."""

    def __init__(self, at_once: int = OPEN_AT_ONCE) -> None:
        self._free = at_once
        self._waiting: deque[Callable[[], None]] = deque()

    def enter(self, start: Callable[[], None]) -> None:
        """Call `start` now, or once another opening has left."""
        if self._free > 0:
            self._free -= 1
            start()
        else:
            self._waiting.append(start)

    def leave(self) -> None:
        """Say that an opening has ended, well or badly."""
        if self._waiting:
            self._waiting.popleft()()
        else:
            self._free += 1

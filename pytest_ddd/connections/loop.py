"""One thread that moves the bytes of all sessions of the process."""

from __future__ import annotations

import heapq
import itertools
import logging
import os
import selectors
import threading
from collections import deque
from collections.abc import Callable

from pytest_ddd import clock

_LOG = logging.getLogger("pytest_ddd.connections")

Callback = Callable[[], None]


class Timer:
    """A callback that is due later and can be cancelled."""

    __slots__ = ("callback",)

    def __init__(self, callback: Callback) -> None:
        self.callback: Callback | None = callback

    def cancel(self) -> None:
        """Let it never run."""
        self.callback = None


class IoLoop:
    """Runs callbacks when a file descriptor is ready, when a time has come, or when asked to.

    `call` and `stop` may be used by any thread; everything else only inside the loop's thread.
    The thread starts with the first `call`.
    """

    def __init__(self) -> None:
        self._selector = selectors.DefaultSelector()
        self._asked: deque[Callback] = deque()
        self._timers: list[tuple[float, int, Timer]] = []
        self._order = itertools.count()
        self._wake_read, self._wake_write = os.pipe()
        for end in (self._wake_read, self._wake_write):
            os.set_blocking(end, False)
        self._selector.register(self._wake_read, selectors.EVENT_READ, self._drain_wake)
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._stopping = False

    def call(self, callback: Callback) -> bool:
        """Run `callback` in the loop's thread soon; False when the loop has been stopped."""
        with self._lock:
            if self._stopping:
                return False
            self._asked.append(callback)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="ddd-io", daemon=True)
                self._thread.start()
            self._wake()
        return True

    def call_at(self, when: float, callback: Callback) -> Timer:
        """Run `callback` once `clock.monotonic()` has reached `when`."""
        timer = Timer(callback)
        heapq.heappush(self._timers, (when, next(self._order), timer))
        return timer

    def watch(self, fd: int, *, writing: bool, callback: Callback) -> None:
        """Run `callback` whenever `fd` can be read, or written."""
        event = selectors.EVENT_WRITE if writing else selectors.EVENT_READ
        self._selector.register(fd, event, callback)

    def unwatch(self, fd: int) -> None:
        """Forget `fd`."""
        self._selector.unregister(fd)

    def stop(self) -> None:
        """End the thread and free its descriptors; a second call does nothing."""
        with self._lock:
            if self._stopping:
                return
            self._stopping = True
            thread = self._thread
            self._wake()
        if thread is not None:
            thread.join()
        self._selector.close()
        os.close(self._wake_read)
        os.close(self._wake_write)

    def _wake(self) -> None:
        try:
            os.write(self._wake_write, b"\0")
        except BlockingIOError:
            return  # full: the thread has been told already

    def _drain_wake(self) -> None:
        try:
            os.read(self._wake_read, 65536)
        except BlockingIOError:
            return

    def _run(self) -> None:
        while not self._stopping:
            for key, _ in self._selector.select(self._patience_s()):
                self._guarded(key.data)
            while self._asked:
                self._guarded(self._asked.popleft())
            self._run_due()

    def _patience_s(self) -> float | None:
        while self._timers and self._timers[0][2].callback is None:
            heapq.heappop(self._timers)
        if self._asked:
            return 0
        return max(0.0, self._timers[0][0] - clock.monotonic()) if self._timers else None

    def _run_due(self) -> None:
        now = clock.monotonic()
        while self._timers and self._timers[0][0] <= now:
            callback = heapq.heappop(self._timers)[2].callback
            if callback is not None:
                self._guarded(callback)

    @staticmethod
    def _guarded(callback: Callback) -> None:
        """One session's defect must not stop the others; the session's own deadlines end it."""
        try:
            callback()
        except Exception:  # noqa: BLE001  # logged, and the thread serves all hosts
            _LOG.exception("a connection's callback failed")

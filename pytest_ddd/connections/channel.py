"""One process on the controller (ssh, sh, docker ...) with its three pipes, without blocking."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable

from pytest_ddd import clock
from pytest_ddd.connections.loop import IoLoop

_READ_BYTES = 1 << 16
"""What a pipe holds: a larger buffer would be mapped, zeroed and given back for each read."""
_STDERR_KEPT_BYTES = 1 << 16
_REAP_INTERVAL_S = 0.01
_LINGER_S = 1.0
"""How long a process whose stdout ended may take to end, before it is killed."""
_LAST_WORDS_S = 3.0
"""How long the pipes of a process that ended may stay open: a dispatcher's warden holds them
while it kills what runs."""


class Channel:
    """A running process; lives in the loop's thread.

    Args:
        on_output: called with the bytes of stdout.
        on_error_output: called after each read of stderr; `stderr` holds the last of it.
        on_end: called once, with the exit status, when the process is gone.

    Raises:
        OSError: the program cannot be started.
    """

    def __init__(
        self,
        loop: IoLoop,
        argv: tuple[str, ...],
        *,
        on_output: Callable[[bytes], None],
        on_error_output: Callable[[], None],
        on_end: Callable[[int], None],
    ) -> None:
        self._loop = loop
        self._on_output, self._on_error_output, self._on_end = on_output, on_error_output, on_end
        self._process = subprocess.Popen(
            argv,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
            start_new_session=True,  # Ctrl-C in the terminal is for pytest, not for ssh
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        assert self._process.stderr is not None
        self._stdin: int | None = self._process.stdin.fileno()
        self._stdout = self._process.stdout.fileno()
        self._stderr = self._process.stderr.fileno()
        self._open = {self._stdout, self._stderr}
        self._unsent: list[memoryview] = []
        self._writing = self._closing = self._ended = False
        self._deadline = self._pipes_deadline = float("inf")
        self._reaping = False
        self.stderr = b""
        self.last_read = clock.monotonic()
        for fd in (self._stdin, self._stdout, self._stderr):
            os.set_blocking(fd, False)
        loop.watch(self._stdout, writing=False, callback=self._read_output)
        loop.watch(self._stderr, writing=False, callback=self._read_error_output)
        self._pidfd: int | None = os.pidfd_open(self._process.pid)
        loop.watch(self._pidfd, writing=False, callback=self._exited)

    @property
    def pid(self) -> int:
        """Process id of the local program."""
        return self._process.pid

    def send(self, data: bytes) -> None:
        """Write to the process's stdin, as fast as it reads."""
        if self._stdin is None or self._closing:
            return
        self._unsent.append(memoryview(data))
        if not self._writing:
            self._write()

    def close(self, *, within_s: float) -> None:
        """End stdin, once all is sent; kill the process if it still lives after `within_s`."""
        self._closing = True
        self._deadline = min(self._deadline, clock.monotonic() + within_s)
        self._loop.call_at(self._deadline, self._kill_if_alive)
        if not self._unsent:
            self._end_stdin()

    def kill(self) -> None:
        """Kill the process; a dispatcher's warden outlives it and tidies up."""
        self._end_stdin()
        self._process.kill()

    def _kill_if_alive(self) -> None:
        if not self._ended:
            self.kill()

    def _write(self) -> None:
        try:
            while self._unsent and self._stdin is not None:
                sent = os.write(self._stdin, self._unsent[0])
                self._unsent[0] = self._unsent[0][sent:]
                if not self._unsent[0]:
                    del self._unsent[0]
        except BlockingIOError:
            if not self._writing and self._stdin is not None:
                self._loop.watch(self._stdin, writing=True, callback=self._write)
                self._writing = True
            return
        except OSError:
            self._end_stdin()  # it reads no more; the end of its stdout tells the rest
            return
        self._stop_writing()
        if self._closing:
            self._end_stdin()

    def _stop_writing(self) -> None:
        if self._writing and self._stdin is not None:
            self._loop.unwatch(self._stdin)
        self._writing = False

    def _end_stdin(self) -> None:
        self._stop_writing()
        self._unsent.clear()
        if self._stdin is not None and self._process.stdin is not None:
            self._stdin = None
            self._process.stdin.close()

    def _read_output(self) -> None:
        data = self._read(self._stdout)
        if data:
            self.last_read = clock.monotonic()
            self._on_output(data)

    def _read_error_output(self) -> None:
        data = self._read(self._stderr)
        if data:
            self.stderr = (self.stderr + data)[-_STDERR_KEPT_BYTES:]
            self._on_error_output()

    def _read(self, fd: int) -> bytes:
        try:
            data = os.read(fd, _READ_BYTES)
        except BlockingIOError:
            return b""
        except OSError:
            data = b""
        if not data:
            self._loop.unwatch(fd)
            self._open.discard(fd)
            if fd == self._stdout:
                self._end_stdin()
                self._deadline = min(self._deadline, clock.monotonic() + _LINGER_S)
                self._start_reaping()
        return data

    def _exited(self) -> None:
        """The process has ended; what it wrote may still be on its way."""
        self._forget_pidfd()
        self._end_stdin()
        self._start_reaping()

    def _forget_pidfd(self) -> None:
        if self._pidfd is not None:
            self._loop.unwatch(self._pidfd)
            os.close(self._pidfd)
            self._pidfd = None

    def _start_reaping(self) -> None:
        if not self._reaping:
            self._reaping = True
            self._reap()

    def _reap(self) -> None:
        """Wait, without blocking, for the end of the process and of its two pipes."""
        now = clock.monotonic()
        status = self._process.poll()
        if status is None:
            if now >= self._deadline:
                self.kill()
        else:
            self._pipes_deadline = min(self._pipes_deadline, now + _LAST_WORDS_S)
        if status is None or (self._open and now < self._pipes_deadline):
            self._loop.call_at(now + _REAP_INTERVAL_S, self._reap)
            return
        self._finish(status)

    def _finish(self, status: int) -> None:
        if self._ended:
            return
        self._ended = True
        self._forget_pidfd()
        for fd in tuple(self._open):
            self._loop.unwatch(fd)
        for pipe in (self._process.stdout, self._process.stderr):
            if pipe is not None:
                pipe.close()
        self._on_end(status)

"""Run one server or command in its own session, with a log file, and stop it by pid."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Self

from tests.lab.reap import Ledger, descendants, parent, start_ticks

POLL_S = 0.02
LOG_TAIL_BYTES = 4000


class NotReadyError(AssertionError):
    """A server did not come up; the message ends with the tail of its log."""


def wait_for(probe: Callable[[], bool], deadline_s: float = 60.0) -> bool:
    """Call the probe until it says True or the time is up."""
    end = time.monotonic() + deadline_s
    while True:
        if probe():
            return True
        if time.monotonic() >= end:
            return False
        time.sleep(POLL_S)


class Proc:
    """One process of the lab."""

    def __init__(
        self,
        ledger: Ledger,
        name: str,
        argv: Sequence[str],
        *,
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
        prefix: Sequence[str] = (),
    ) -> None:
        """Start `prefix + argv` (the prefix puts it into a network namespace), stdin empty, output to `log`."""
        self.name = name
        self.ledger = ledger
        self.argv = [*prefix, *argv]
        self.log = _free_log(ledger.dir, name)
        with self.log.open("ab") as sink:
            self.popen = subprocess.Popen(
                self.argv, stdin=subprocess.DEVNULL, stdout=sink, stderr=subprocess.STDOUT, cwd=cwd or ledger.dir,
                env={**ledger.environ(), **(env or {})}, start_new_session=True,
            )  # fmt: skip
        ledger.note_pid(self.popen.pid)

    @property
    def pid(self) -> int:
        """Process id; stays the same over the life of this object."""
        return self.popen.pid

    @property
    def running(self) -> bool:
        """Whether it has not ended yet."""
        return self.popen.poll() is None

    def tail(self) -> str:
        """The last 4 kB of its log."""
        return self.log.read_bytes()[-LOG_TAIL_BYTES:].decode(errors="replace")

    def ready(self, probe: Callable[[], bool], deadline_s: float = 60.0) -> Proc:
        """Wait until the probe says True; an early end or a time-out raises NotReadyError with the log."""
        if wait_for(lambda: not self.running or probe(), deadline_s) and self.running:
            return self
        what = "still not ready" if self.running else f"ended with {self.popen.returncode}"
        self.stop()
        raise NotReadyError(f"{self.name}: {what} after {deadline_s} s: {self.argv}\n{self.tail()}")

    def tree(self) -> set[int]:
        """Its pid and those of everything below it."""
        return descendants([self.pid]) if self.running else set()

    def stop(self, number: int = signal.SIGTERM, deadline_s: float = 5.0) -> int:
        """Send the signal, wait, then kill what is left of its tree; give the exit status."""
        below = {pid: start_ticks(pid) for pid in self.tree() - {self.pid}}
        if self.running:
            signal_pid(self.pid, signal.SIGCONT)
            for pid in self._targets(below):
                signal_pid(pid, signal.SIGCONT)
                signal_pid(pid, number)
        try:
            self.popen.wait(deadline_s)
        except subprocess.TimeoutExpired:
            self.popen.kill()
        for pid, start in below.items():
            if start is not None and start_ticks(pid) == start:
                signal_pid(pid, signal.SIGKILL)
        return self.popen.wait()

    def _targets(self, below: Iterable[int]) -> list[int]:
        # nsenter waits for what it started inside a host and ends with it. Signalled itself, it would leave
        # a zombie there that only this machine's process 1 can collect, and the host could not halt.
        inner = (
            [pid for pid in below if parent(pid) == self.pid]
            if self.argv[:2] == ["nsenter", "-t"]
            else []
        )
        return inner or [self.pid]

    def kill(self) -> None:
        """SIGKILL, for tests of what survives it."""
        self.popen.kill()
        self.popen.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def signal_pid(pid: int, number: int) -> None:
    """Send a signal; a process that is gone is fine."""
    with suppress(ProcessLookupError):
        os.kill(pid, number)


def run_to_end(
    popen: subprocess.Popen[str], text_in: str | None, timeout_s: float
) -> tuple[str, str]:
    """Give stdout and stderr; at the time-out kill everything below the process and raise TimeoutExpired."""
    with popen:
        try:
            return popen.communicate(text_in, timeout=timeout_s)
        except BaseException:
            end = time.monotonic() + 1.0
            while popen.poll() is None and time.monotonic() < end:  # what is being forked, too
                for pid in descendants([popen.pid]) - {popen.pid}:
                    signal_pid(pid, signal.SIGKILL)
                time.sleep(POLL_S)
            popen.kill()
            raise


def _free_log(directory: Path, name: str) -> Path:
    path = directory / f"{name}.log"
    number = 1
    while path.exists():
        number += 1
        path = directory / f"{name}.{number}.log"
    return path

"""One host's open way for commands: queue, pipeline, deadlines, one reopening, one verdict."""

from __future__ import annotations

import threading
from collections import deque
from concurrent.futures import Future

from pytest_ddd import clock
from pytest_ddd.connections.answers import Completed
from pytest_ddd.connections.dispatcher import Order
from pytest_ddd.connections.frames import LOST, Answer
from pytest_ddd.connections.gate import OpeningGate
from pytest_ddd.connections.jobs import Job
from pytest_ddd.connections.link import Events, Link
from pytest_ddd.connections.loop import IoLoop
from pytest_ddd.connections.specs import ConnectionSpec
from pytest_ddd.connections.together import held
from pytest_ddd.connections.volume import Volume
from pytest_ddd.errors import (
    CannotLookError,
    DddError,
    OutputLimitError,
    UnreachableError,
    UsageError,
)

MAX_OUTPUT_BYTES = 256 << 20
"""What one command may print on stdout, and on stderr, unless it says otherwise."""

READ_OUTPUT_BYTES = 16 << 20
"""The same for a command that only reads: many of them run at the same time."""

_AT_ONCE = 64
"""Commands that one host runs at the same time; the others wait in the queue."""

_GRACE_S = 6.0
"""The far side kills up to 2 s after the limit; then the answer has to travel."""

_CLOSE_WITHIN_S = 4.0


class Session:
    """Runs commands on one host over one connection, which the first command opens.

    All methods may be called by any thread. A host that could not be reached is tried once:
    every later command fails at once, with the same error, until `retry`.
    """

    def __init__(
        self, spec: ConnectionSpec, loop: IoLoop, gate: OpeningGate, volume: Volume
    ) -> None:
        self.spec = spec
        self._loop, self._gate, self._volume = loop, gate, volume
        self._password: str | None = None
        self._password_lock = threading.Lock()
        self._queue: deque[Job] = deque()
        self._running: dict[int, Job] = {}
        self._last_id = 0
        self._link: Link | None = None
        self._opening = False
        self._may_reopen = True
        self._verdict: CannotLookError | None = None
        self._waiting: list[Future[str]] = []
        self._closing: list[Future[None]] = []
        self._closed = False

    def run(
        self,
        command: str,
        *,
        timeout_s: float | None = None,
        stdin: bytes = b"",
        max_output_bytes: int | None = None,
        repeatable: bool = False,
    ) -> Completed:
        """Run `command` with the host's `/bin/sh`, and return its answer.

        Args:
            command: shell text; LC_ALL is C unless it sets another.
            timeout_s: after this, and at most two seconds more, its whole process group is
                killed; the connection's own limit when None.
            stdin: what the command reads.
            max_output_bytes: what stdout and stderr may each hold; when None, 256 MiB, and 16 MiB
                for a command that only reads.
            repeatable: it only reads. So it may be sent again once when the connection is lost,
                and the kernel stops it at a file larger than its output may be.

        Raises:
            CommandTimeoutError: it was killed, or the connection is stuck.
            OutputLimitError: it printed too much.
            UnreachableError: the host cannot be reached, or the connection was lost meanwhile.
            CannotLookError: its answer could not be kept on the host.
        """
        return self.submit(
            command,
            timeout_s=timeout_s,
            stdin=stdin,
            max_output_bytes=max_output_bytes,
            repeatable=repeatable,
        ).result()

    def submit(
        self,
        command: str,
        *,
        timeout_s: float | None = None,
        stdin: bytes = b"",
        max_output_bytes: int | None = None,
        repeatable: bool = False,
    ) -> Future[Completed]:
        """Start a command as `run` does, and return at once."""
        if repeatable and (known := held(self, command)) is not None:
            return _settled(known)
        if "\0" in command:
            raise UsageError(f"{self.spec.label}: a command cannot hold a NUL byte")
        if max_output_bytes is None:
            max_output_bytes = READ_OUTPUT_BYTES if repeatable else MAX_OUTPUT_BYTES
        order = Order(
            command=command,
            timeout_s=self.spec.command_timeout_s if timeout_s is None else timeout_s,
            max_output_bytes=max_output_bytes,
            stdin=stdin,
            repeatable=repeatable,
        )
        job = Job(order=order, where=self.spec.label)
        try:
            self._resolve_password()
        except DddError as error:
            job.future.set_exception(error)
            return job.future
        if not self._loop.call(lambda: self._accept(job)):
            job.fail(self._closed_error())
        return job.future

    def open(self) -> Future[str]:
        """Open the connection; the result is what the user should know about it, or empty.

        The future raises what `run` would raise.
        """
        future: Future[str] = Future()
        try:
            self._resolve_password()
        except DddError as error:
            future.set_exception(error)
            return future
        if not self._loop.call(lambda: self._accept_opening(future)):
            future.set_exception(self._closed_error())
        return future

    def retry(self) -> None:
        """Forget that the host could not be reached: the next command tries again."""
        self._loop.call(self._forget_verdict)

    def close(self) -> Future[None]:
        """End what still runs on the host, and the connection; done within some seconds."""
        future: Future[None] = Future()
        if not self._loop.call(lambda: self._close(future)):
            future.set_result(None)
        return future

    def _resolve_password(self) -> None:
        """Ask for the secret in the caller's thread: it may take its time."""
        source = self.spec.sudo_password
        if not self.spec.sudo or source is None:
            return
        with self._password_lock:
            if self._password is None:
                self._password = source()

    # From here on everything runs in the loop's thread.

    def _accept(self, job: Job) -> None:
        if self._closed:
            job.fail(self._closed_error())
        elif self._verdict is not None:
            job.fail(self._verdict)
        else:
            self._queue.append(job)
            self._want_link()
            self._pump()

    def _accept_opening(self, future: Future[str]) -> None:
        if self._closed:
            future.set_exception(self._closed_error())
        elif self._verdict is not None:
            future.set_exception(self._verdict)
        elif self._link is not None and self._link.ready:
            future.set_result(self._link.notice)
        else:
            self._waiting.append(future)
            self._want_link()

    def _forget_verdict(self) -> None:
        self._verdict = None
        self._may_reopen = True

    def _want_link(self) -> None:
        if self._link is None and not self._opening:
            self._opening = True
            self._gate.enter(self._start_link)

    def _start_link(self) -> None:
        if self._closed:
            self._leave_gate()
            return
        try:
            self._link = Link(
                self._loop,
                self.spec,
                password=self._password,
                events=Events(ready=self._ready, answered=self._answered, ended=self._ended),
                volume=self._volume,
            )
        except CannotLookError as error:
            self._leave_gate()
            self._give_up(error)

    def _leave_gate(self) -> None:
        if self._opening:
            self._opening = False
            self._gate.leave()

    def _ready(self) -> None:
        self._leave_gate()
        assert self._link is not None
        for future in self._waiting:
            future.set_result(self._link.notice)
        self._waiting.clear()
        self._pump()

    def _pump(self) -> None:
        link = self._link
        if link is None or not link.ready:
            return
        while self._queue and len(self._running) < _AT_ONCE:
            job = self._queue.popleft()
            self._last_id += 1
            job_id = self._last_id
            self._running[job_id] = job
            link.allow(job.order.max_output_bytes + (1 << 20))
            link.send(job.lines(job_id))
            self._arm(job_id, job, job.sent_at + job.order.timeout_s + _GRACE_S)

    def _arm(self, job_id: int, job: Job, when: float) -> None:
        job.deadline = self._loop.call_at(when, lambda: self._overdue(job_id))

    def _overdue(self, job_id: int) -> None:
        """No answer though the far side should have killed it: wait only while data flows."""
        job, link = self._running.get(job_id), self._link
        if job is None or link is None:
            return
        if clock.monotonic() - link.last_read < _GRACE_S:
            self._arm(job_id, job, link.last_read + _GRACE_S)
            return
        del self._running[job_id]
        job.fail(job.no_answer())
        link.end(UnreachableError(f"{self.spec.label}: the connection is stuck"))

    def _answered(self, answer: Answer) -> None:
        if answer.flag == LOST:
            return  # the end of the link follows, and decides whether to send it again
        job = self._running.pop(answer.job_id, None)
        self._may_reopen = True
        if job is not None:
            job.finish(answer)
        self._pump()

    def _ended(self, reason: CannotLookError) -> None:
        was_ready = self._link is not None and self._link.ready
        self._link = None
        self._leave_gate()
        if self._closed:
            self._give_up(self._closed_error())
        elif isinstance(reason, OutputLimitError):
            self._drop_running(reason)
        elif not (was_ready and self._may_reopen):
            self._give_up(reason)
        else:
            self._may_reopen = False
            self._carry_over(reason)
        for future in self._closing:
            future.set_result(None)
        self._closing.clear()

    def _drop_running(self, reason: OutputLimitError) -> None:
        """Let what ran fail, as it would print as much again; the others get a new connection."""
        for job in self._running.values():
            job.fail(reason)
        self._running.clear()
        if self._queue or self._waiting:
            self._want_link()

    def _carry_over(self, reason: CannotLookError) -> None:
        """Take commands that only read over to a new connection; the others have failed."""
        again = []
        for job in self._running.values():
            if job.order.repeatable and not job.repeated:
                job.repeated = True
                again.append(job)
            else:
                job.fail(self._lost_error(reason, job))
        self._running.clear()
        self._queue.extendleft(reversed(again))
        if self._queue or self._waiting:
            self._want_link()

    def _give_up(self, error: CannotLookError) -> None:
        if not self._closed:
            self._verdict = error
        for job in (*self._running.values(), *self._queue):
            job.fail(error)
        self._running.clear()
        self._queue.clear()
        for future in self._waiting:
            future.set_exception(error)
        self._waiting.clear()

    def _close(self, future: Future[None]) -> None:
        self._closed = True
        self._give_up(self._closed_error())
        if self._link is None:
            future.set_result(None)
            return
        self._closing.append(future)
        within_s = _CLOSE_WITHIN_S if self._link.ready else 0.5
        self._link.end(self._closed_error(), within_s=within_s)

    def _closed_error(self) -> CannotLookError:
        return CannotLookError(f"{self.spec.label}: the connection has been closed")

    def _lost_error(self, reason: CannotLookError, job: Job) -> UnreachableError:
        return UnreachableError(f"{reason.message}, while {job.shown} ran", hint=reason.hint)


def _settled(answer: Completed) -> Future[Completed]:
    future: Future[Completed] = Future()
    future.set_result(answer)
    return future

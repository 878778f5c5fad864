"""A command on its way: what was asked for, and where its answer goes."""

from __future__ import annotations

from concurrent.futures import Future
from dataclasses import dataclass, field

from pytest_ddd import clock
from pytest_ddd.connections.answers import Completed
from pytest_ddd.connections.dispatcher import Order, command_lines
from pytest_ddd.connections.frames import Answer
from pytest_ddd.connections.loop import Timer
from pytest_ddd.errors import CannotLookError, CommandTimeoutError, OutputLimitError
from pytest_ddd.units import format_duration, format_size

_SHOWN_CHARACTERS = 200


@dataclass(slots=True, kw_only=True, eq=False)
class Job:
    """One command that waits or runs; lives in the loop's thread once it is handed over."""

    order: Order
    where: str
    future: Future[Completed] = field(default_factory=Future)
    repeated: bool = False
    sent_at: float = 0.0
    deadline: Timer | None = None

    @property
    def shown(self) -> str:
        """The command for messages, cut where it is long."""
        command = self.order.command
        if len(command) <= _SHOWN_CHARACTERS:
            return repr(command)
        return f"{command[:_SHOWN_CHARACTERS]!r}..."

    def lines(self, job_id: int) -> bytes:
        """Return what the dispatcher reads; starts the clock of `took_s`."""
        self.sent_at = clock.monotonic()
        return command_lines(job_id, self.order)

    def fail(self, error: CannotLookError) -> None:
        """Hand an error to who waits."""
        self._disarm()
        if not self.future.done():
            self.future.set_exception(error)

    def finish(self, answer: Answer) -> None:
        """Hand the answer to who waits, or say why it is none."""
        error = self._defect(answer)
        if error is not None:
            self.fail(error)
            return
        self._disarm()
        if self.future.done():
            return
        completed = Completed(
            command=self.order.command,
            exit_status=answer.exit_status,
            stdout=answer.stdout,
            stderr=answer.stderr,
            took_s=clock.monotonic() - self.sent_at,
        )
        self.future.set_result(completed)

    def no_answer(self) -> CommandTimeoutError:
        """Return the error for a command whose end was never told."""
        return CommandTimeoutError(
            f"{self.where}: no answer to {self.shown} within its {self._limit} and some more; "
            "the connection is stuck",
        )

    @property
    def _limit(self) -> str:
        return format_duration(self.order.timeout_s)

    def _defect(self, answer: Answer) -> CannotLookError | None:
        limit_bytes = self.order.max_output_bytes
        too_long = max(len(answer.stdout), len(answer.stderr)) > limit_bytes
        if answer.flag == "O" or too_long:
            return OutputLimitError(
                f"{self.where}: {self.shown} printed more than {format_size(limit_bytes)}",
                hint="let the command itself print less (head, grep, awk)",
            )
        if answer.flag == "T":
            return CommandTimeoutError(
                f"{self.where}: {self.shown} did not end within {self._limit} and was killed",
                hint="give the host or the entry a longer command_timeout",
            )
        if answer.flag == "U":
            return CommandTimeoutError(
                f"{self.where}: {self.shown} did not end within {self._limit} and cannot be killed",
                hint="a dead mount, or a process of another account: ps -eo pid,stat,wchan,args",
            )
        if answer.flag == "F":
            return CannotLookError(
                f"{self.where}: the answer to {self.shown} is cut short: the directory it was "
                "kept in is full or gone",
                hint="df -h $XDG_RUNTIME_DIR /dev/shm /tmp   # on that host",
            )
        if answer.flag != "0":
            return CannotLookError(f"{self.where}: {self.shown} could not be given its stdin")
        return None

    def _disarm(self) -> None:
        if self.deadline is not None:
            self.deadline.cancel()
            self.deadline = None

"""A program of the user's own, with the message as JSON on its standard input."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import tempfile
from contextlib import suppress
from typing import TYPE_CHECKING

from pytest_ddd import redaction
from pytest_ddd.escalation.channels.letter import as_json
from pytest_ddd.messages import DeliveryError, Message, NotNowError
from pytest_ddd.units import format_duration

if TYPE_CHECKING:
    from pytest_ddd.baseline.sections import escalation as section

EXIT_NOT_NOW = 75
"""EX_TEMPFAIL of sysexits.h: try again."""

_EXCERPT_BYTES = 300


class Exec:
    """Runs a command without a shell. Exit status 0: accepted; 75: not now; any other: never."""

    def __init__(self, name: str, settings: section.Channel) -> None:
        self._who = f"channel {name}"
        self._command = settings.command

    def send(self, message: Message, *, timeout_s: float) -> None:
        """Return when the program has ended with 0; it and its children are killed after the time.

        Input and output are files, so that a child that stays behind cannot hold us up.
        """
        with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as said:
            given.write(json.dumps(as_json(message), ensure_ascii=False).encode())
            given.seek(0)
            try:
                process = subprocess.Popen(
                    self._command,
                    stdin=given,
                    stdout=subprocess.DEVNULL,
                    stderr=said,
                    start_new_session=True,
                )
            except OSError as failure:
                raise DeliveryError(
                    f"{self._who}: {self._command[0]} cannot run: {failure.strerror}"
                ) from None
            status = self._wait(process, timeout_s)
            said.seek(0)
            self._judge(status, said.read(_EXCERPT_BYTES))

    def _wait(self, process: subprocess.Popen[bytes], timeout_s: float) -> int:
        try:
            return process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            raise NotNowError(
                f"{self._who}: {self._command[0]} did not end within {format_duration(timeout_s)}"
            ) from None
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    def _judge(self, status: int, said: bytes) -> None:
        if status == 0:
            return
        excerpt = redaction.DEFAULT.clean(said.decode(errors="replace")).strip()
        text = f"{self._who}: {self._command[0]} ended with {status}"
        text = f"{text}: {excerpt}" if excerpt else text
        raise NotNowError(text) if status == EXIT_NOT_NOW else DeliveryError(text)


channel = Exec

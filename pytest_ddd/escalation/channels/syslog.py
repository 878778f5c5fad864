"""The system log of this machine: the last resort, which needs no network."""

from __future__ import annotations

import os
import socket
from logging.handlers import SysLogHandler
from typing import TYPE_CHECKING

from pytest_ddd.escalation.channels.letter import title
from pytest_ddd.messages import Kind, Message, NotNowError, Severity

if TYPE_CHECKING:
    from pytest_ddd.baseline.sections import escalation as section

DEFAULT_SOCKET = "/dev/log"

_LEVELS = {
    Severity.CRITICAL: SysLogHandler.LOG_CRIT,
    Severity.ERROR: SysLogHandler.LOG_ERR,
    Severity.WARNING: SysLogHandler.LOG_WARNING,
    Severity.INFO: SysLogHandler.LOG_INFO,
}
_LONGEST_BYTES = 900
"""A line of the old protocol has at most 1,024 bytes (RFC 3164), its header included."""


class Syslog:
    """Writes one line; `url` is the path of another socket than /dev/log.

    The functions of C and Python that write to the log say nothing when there is none, so this
    one talks to the socket itself.
    """

    def __init__(self, name: str, settings: section.Channel) -> None:
        self._path = str(settings.url) if settings.url else DEFAULT_SOCKET

    def send(self, message: Message, *, timeout_s: float) -> None:
        """Return when the log has taken the line."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as log:
            log.settimeout(timeout_s)
            try:
                log.connect(self._path)
                log.send(line(message, os.getpid()))
            except OSError as failure:
                reason = failure.strerror or "it takes nothing"
                raise NotNowError(
                    f"system log: {self._path}: {reason}", hint=f"ls -l {self._path}"
                ) from None


channel = Syslog


def line(message: Message, pid: int) -> bytes:
    """Return the line with its priority: facility daemon, level by severity."""
    level = SysLogHandler.LOG_NOTICE if message.kind is Kind.RESOLVE else _LEVELS[message.severity]
    priority = SysLogHandler.LOG_DAEMON << 3 | level
    parts = [title(message), f"key={message.dedup_key}", f"message={message.message_id}"]
    said = " ".join(parts).encode()[:_LONGEST_BYTES].decode(errors="ignore")
    return f"<{priority}>pytest-ddd[{pid}]: {said}".encode()

"""Look up host names before a deadline, and tell "no such name" from "the resolver is dead"."""

from __future__ import annotations

import errno
import os
import socket
import threading
from collections.abc import Sequence
from dataclasses import dataclass

from pytest_ddd.errors import CannotLookError
from pytest_ddd.probes.web.attempt import Deadline, NoAnswerError
from pytest_ddd.units import format_duration

_NO_SUCH_NAME = (socket.EAI_NONAME, socket.EAI_NODATA, socket.EAI_ADDRFAMILY)
"""What getaddrinfo says after the resolver answered that there is no name, or no address."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """One address that a connection can be opened to."""

    family: int
    sockaddr: tuple[str | int, ...]

    def __str__(self) -> str:
        name, port = self.sockaddr[:2]
        return f"[{name}]:{port}" if ":" in str(name) else f"{name}:{port}"


def look_up(host: str, port: int, deadline: Deadline) -> Sequence[Address]:
    """Return the addresses of a host, in the order in which the system prefers them.

    getaddrinfo has no timeout and hangs for 20 s and more when a name server is silent. So it
    runs in a thread of its own, which is left behind when the deadline comes first.

    Raises:
        NoAnswerError: there is no such name.
        CannotLookError: our resolver did not answer, or answered that it cannot.
    """
    found: list[Address] = []
    failures: list[Exception] = []

    def ask() -> None:
        try:
            found.extend(_ask(host, port))
        except Exception as failure:  # noqa: BLE001 - it is raised again by the waiting thread
            failures.append(failure)

    thread = threading.Thread(target=ask, name=f"look up {host}", daemon=True)
    thread.start()
    thread.join(deadline.left_s())
    if failures:
        raise _explained(host, failures[0])
    if thread.is_alive():
        raise _cannot_look_up(host, f"no answer within {format_duration(deadline.total_s)}")
    return found


def _ask(host: str, port: int) -> Sequence[Address]:
    entries = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [
        Address(
            family=family, sockaddr=tuple(part for part in address if isinstance(part, str | int))
        )
        for family, *_, address in entries
    ]


def _explained(host: str, failure: Exception) -> Exception:
    if isinstance(failure, UnicodeError):
        return NoAnswerError(f"not a host name: {host!r}")
    if isinstance(failure, socket.gaierror):
        if failure.errno in _NO_SUCH_NAME:
            return NoAnswerError(f"no such name: {host}")
        return _cannot_look_up(host, failure.strerror or str(failure))
    if isinstance(failure, OSError):
        number = failure.errno or errno.EIO
        return _cannot_look_up(host, os.strerror(number))
    return failure


def _cannot_look_up(host: str, reason: str) -> CannotLookError:
    return CannotLookError(
        f"cannot look up {host}: {reason}",
        hint=f"ask the resolver yourself: getent hosts {host}; it stands in /etc/resolv.conf",
    )

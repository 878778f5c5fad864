"""Open TCP connections before a deadline."""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Sequence

from pytest_ddd.errors import CannotLookError
from pytest_ddd.probes.web.attempt import Deadline, NoAnswerError, Seen
from pytest_ddd.probes.web.names import Address, look_up
from pytest_ddd.units import format_duration

_WORDS = {
    errno.ECONNREFUSED: "connection refused",
    errno.ECONNRESET: "connection reset",
    errno.ENETUNREACH: "network is unreachable",
    errno.EHOSTUNREACH: "no route to host",
}

_OUR_FAULT = {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM, errno.EADDRNOTAVAIL}
"""Errors that tell about this machine (no files, memory or ports left), not about the endpoint."""


def connect(host: str, port: int, deadline: Deadline, seen: Seen) -> tuple[socket.socket, Address]:
    """Return an open connection and the address that took it.

    Every address of the name is tried in turn, each with its share of the time that is left, so
    that a silent one does not use up the turn of the next.

    Raises:
        NoAnswerError: no such name, or no address took the connection.
        CannotLookError: the resolver is dead, or this machine cannot open connections.
    """
    addresses = look_up(host, port, deadline)
    failures: list[OSError] = []
    for tried, address in enumerate(addresses):
        seen.addresses.append(str(address))
        try:
            share_s = deadline.left_s() / (len(addresses) - tried)
            return open_connection(address, share_s), address
        except OSError as failure:
            failures.append(failure)
    raise _explained(failures, deadline)


def open_connection(address: Address, timeout_s: float) -> socket.socket:
    """Return a connection to one address.

    Raises:
        OSError: as connect(2) says; TimeoutError when the time was up.
        CannotLookError: this machine cannot open connections.
    """
    try:
        connection = socket.socket(address.family, socket.SOCK_STREAM)
        try:
            connection.settimeout(timeout_s)
            connection.connect(address.sockaddr)
        except BaseException:
            connection.close()
            raise
    except OSError as failure:
        if failure.errno in _OUR_FAULT:
            message = f"this machine cannot open a connection to {address}: {failure.strerror}"
            raise CannotLookError(message, hint="look at: ulimit -n; ss -s") from failure
        raise
    return connection


def words(failure: OSError) -> str:
    """Say what an error of the operating system means."""
    number = failure.errno or errno.EIO
    return _WORDS.get(number) or os.strerror(number)


def _explained(failures: Sequence[OSError], deadline: Deadline) -> NoAnswerError:
    if all(isinstance(failure, TimeoutError) for failure in failures):
        total = format_duration(deadline.total_s)
        return NoAnswerError(f"no connection within {total}", key="deadline")
    spoken = [failure for failure in failures if not isinstance(failure, TimeoutError)]
    return NoAnswerError(words(spoken[-1]))

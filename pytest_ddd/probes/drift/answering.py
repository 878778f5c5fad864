"""Tells from /proc/net whether a program takes what is sent to its port."""

from __future__ import annotations

import re
from typing import Literal

ESTABLISHED, SYN_SENT, SYN_RECEIVED, CLOSED_BY_PEER = "01", "02", "03", "08"
_IPV4_IN_IPV6 = "0000000000000000FFFF0000"

State = Literal["taken", "waiting", "deferred", "dropped"]
_FIRST: tuple[State, ...] = ("waiting", "deferred", "taken", "dropped")
"""Which state counts when connections are in several: a program that hangs takes none."""


def looks(text: str) -> list[str]:
    """Split what a probe printed into its looks at /proc/net."""
    return re.split(r"^LOOK$|^END$", text, flags=re.MULTILINE)[1:-1]


def connection_state(look: str, port: int) -> State:
    """Say what became of the connections from this host to one of its own ports.

    The kernel completes a connection although the program hangs. Until the program accepts it,
    the server's end has no inode; with TCP_DEFER_ACCEPT it stays SYN_RECV until data comes.
    """
    rows = _rows(look)
    servers = {(row[1], row[2]): (row[3], row[9]) for row in rows}
    ours = [row for row in rows if row[2].endswith(f":{port:04X}")]
    states: set[State] = set()
    for row in ours:
        state, inode = servers.get((row[2], row[1]), (SYN_RECEIVED, "0"))
        if row[3] == CLOSED_BY_PEER or (row[3] == ESTABLISHED and inode != "0"):
            states.add("taken")
        elif row[3] == SYN_SENT:  # so many wait already that the kernel takes no more
            states.add("waiting")
        elif row[3] == ESTABLISHED:
            states.add("deferred" if state == SYN_RECEIVED else "waiting")
    return min(states, key=_FIRST.index, default="dropped")


def unread_bytes(look: str, port: int) -> int | None:
    """Return how much waits in the queues of a UDP port; None when nobody has it."""
    rows = [row for row in _rows(look) if row[1].endswith(f":{port:04X}")]
    if not rows:
        return None
    return sum(int(row[4].partition(":")[2], 16) for row in rows)


def _rows(text: str) -> list[list[str]]:
    """Return the rows of /proc/net/{tcp,udp}{,6}, IPv4 addresses written in one way."""
    rows = (line.replace(_IPV4_IN_IPV6, "").split() for line in text.splitlines())
    return [row for row in rows if len(row) > 9 and row[0].endswith(":")]

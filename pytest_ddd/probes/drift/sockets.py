"""Listening sockets of a host, as testinfra or /proc/net tells them."""

from __future__ import annotations

import socket
import struct
from dataclasses import dataclass

from pytest_ddd.errors import CannotLookError
from pytest_ddd.probes.drift.comparison import Comparison

WILDCARDS = frozenset({"0.0.0.0", "::"})  # noqa: S104  (what is compared, not what is bound)

_PROC_SCRIPT = """
LC_ALL=C; export LC_ALL
cat /proc/net/tcp || exit 1
for file in /proc/net/tcp6 /proc/net/udp /proc/net/udp6; do
  [ ! -e "$file" ] || { echo "$file"; cat "$file"; } || exit 1
done
"""
_LISTENING = {"tcp": "0A", "udp": "07"}
"""TCP_LISTEN, and TCP_CLOSE, which an unconnected UDP socket is in."""


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Listener:
    """One listening socket."""

    protocol: str
    address: str
    port: int

    def __str__(self) -> str:
        address = f"[{self.address}]" if ":" in self.address else self.address
        return f"{self.protocol}:{address}:{self.port}"


def listeners(comparison: Comparison) -> tuple[set[Listener], str]:
    """Return all listening TCP and UDP sockets, and how they were found.

    testinfra needs ss or netstat and does not look at their exit status: an empty answer is
    therefore checked against /proc/net, which every Linux has.
    """
    try:
        specs = comparison.host.socket.get_listening_sockets()
        found = {_from_spec(spec) for spec in specs if not spec.startswith("unix:")}
    except (RuntimeError, AssertionError, ValueError, LookupError):
        found = set()
    if found:
        return found, "host.socket.get_listening_sockets()"
    answer = comparison.script(_PROC_SCRIPT)
    if not answer.ok:
        raise CannotLookError(answer.error_text.strip() or "/proc/net/tcp cannot be read")
    return from_proc_net(answer.text), "/proc/net/{tcp,tcp6,udp,udp6}"


def from_proc_net(text: str) -> set[Listener]:
    """Read /proc/net/{tcp,tcp6,udp,udp6}, each after the first behind a line with its path."""
    found = set()
    protocol = "tcp"
    for line in text.splitlines():
        fields = line.split()
        if line.startswith("/proc/net/"):
            protocol = line.removeprefix("/proc/net/")[:3]
        elif len(fields) > 9 and fields[3] == _LISTENING[protocol]:
            address, _, port = fields[1].partition(":")
            found.add(Listener(protocol=protocol, address=_from_hex(address), port=int(port, 16)))
    return found


def _from_hex(text: str) -> str:
    """Read an address as the kernel writes it: words of 32 bits in the host's own order.

    All Linux hosts in common use are little-endian; s390x would read mirrored.
    """
    words = [int(text[start : start + 8], 16) for start in range(0, len(text), 8)]
    packed = struct.pack(f"<{len(words)}I", *words)
    return socket.inet_ntop(socket.AF_INET if len(words) == 1 else socket.AF_INET6, packed)


def _from_spec(spec: str) -> Listener:
    protocol, _, rest = spec.partition("://")
    address, _, port = rest.rpartition(":")
    return Listener(protocol=protocol, address=address.partition("%")[0], port=int(port))


def parse_key(key: str) -> Listener:
    """Read `tcp:443`, `tcp:127.0.0.1:5432` or `tcp:[::1]:80`; no address is an empty one.

    Raises:
        ValueError: the key is none of these.
    """
    protocol, _, rest = key.partition(":")
    address, _, port = rest.rpartition(":")
    if protocol not in _LISTENING or not port.isdigit():
        raise ValueError(f"not a listener: {key!r} (write tcp:443 or tcp:127.0.0.1:5432)")
    return Listener(protocol=protocol, address=address.strip("[]"), port=int(port))


def covers(wanted: Listener, found: Listener) -> bool:
    """Return whether a key of the baseline speaks of a socket; without address, of any."""
    same = (wanted.protocol, wanted.port) == (found.protocol, found.port)
    return same and wanted.address in ("", found.address)

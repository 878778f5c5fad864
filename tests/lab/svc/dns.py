"""A name server with the records a test wants; everything else does not exist."""

from __future__ import annotations

import os
import signal
import socket
import struct
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Self

from tests.lab.demand import which
from tests.lab.net import free_port, socket_in
from tests.lab.proc import Proc
from tests.lab.reap import Ledger

_QUERY_IDS = count(1)
NO_ERROR, NX_DOMAIN = 0, 3


def _query(name: str) -> bytes:
    labels = b"".join(bytes([len(part)]) + part.encode() for part in name.split("."))
    # Header: id, "recursion desired", one question; then type A, class IN (RFC 1035, 4.1).
    top = struct.pack(">6H", next(_QUERY_IDS) & 0xFFFF, 0x0100, 1, 0, 0, 0)
    return top + labels + b"\0" + struct.pack(">2H", 1, 1)


class Dns:
    """A running dnsmasq on `address`:`port`."""

    def __init__(
        self,
        ledger: Ledger,
        records: Mapping[str, str],
        *,
        address: str = "127.0.0.1",
        port: int | None = None,
        netns: str | None = None,
        prefix: Sequence[str] = (),
    ) -> None:
        """Start it; for the lab's hosts: the control namespace, its gateway address and port 53."""
        self.ledger, self.records, self.address = ledger, dict(records), address
        self.port = port or free_port(netns, socket.SOCK_DGRAM)
        self._netns, self._prefix = netns, prefix
        self.proc = self.start()

    def start(self) -> Proc:
        """Start (again, on the same port)."""
        argv = [
            which("dnsmasq") or "/usr/sbin/dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--no-resolv",
            "--no-hosts", "--pid-file=", f"--listen-address={self.address}", "--bind-interfaces",
            f"--port={self.port}", "--local=//", "--local=/test/", "--address=/#/", "--log-queries",
            "--log-facility=-", *(["--user=root"] if os.geteuid() == 0 else []),
            *(f"--host-record={name},{address}" for name, address in self.records.items()),
        ]  # fmt: skip
        proc = Proc(self.ledger, f"dns-{self.port}", argv, prefix=self._prefix)
        self.proc = proc.ready(lambda: self.ask("ready.test") is not None)
        return self.proc

    def ask(self, name: str, timeout_s: float = 1.0) -> int | None:
        """The response code for a name (0 found, 3 no such name), None for no answer in time."""
        with socket_in(self._netns, socket.SOCK_DGRAM) as client:
            client.settimeout(timeout_s)
            try:
                client.sendto(_query(name), (self.address, self.port))
                return client.recv(512)[3] & 0xF
            except OSError:
                return None

    def resolv_conf(self, path: Path) -> Path:
        """Write a resolv.conf for a server on port 53; gives up after a second."""
        path.write_text(f"nameserver {self.address}\noptions timeout:1 attempts:1\n")
        return path

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """It takes queries and answers none: clients hang until their own time-out."""
        os.kill(self.proc.pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(self.proc.pid, signal.SIGCONT)

    def stop(self) -> None:
        """Stop it; queries are then refused by the kernel."""
        self.proc.stop()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

"""Build the lab's own network: one control namespace with a bridge, one namespace a host, no way out."""

from __future__ import annotations

import ctypes
import os
import random
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, field
from itertools import count

from tests.lab.proc import wait_for
from tests.lab.reap import NETNS_DIR, Ledger

CLONE_NEWNET = 0x40000000
COMMAND_TIMEOUT_S = 120
FIRST_HOST = 11
_PORTS = range(15_000, 32_000)
"""Below those that Linux gives to outgoing connections, from 32768 on."""
_CHANCE = random.SystemRandom()  # the same seed in several runs would be the same ports


def run(*argv: str, text: str | None = None) -> str:
    """Run one short command, give its output; a failure raises with what it said."""
    done = subprocess.run(
        argv, input=text, stdin=None if text is not None else subprocess.DEVNULL, capture_output=True, text=True,
        timeout=COMMAND_TIMEOUT_S, check=False,
    )  # fmt: skip
    if done.returncode:
        raise RuntimeError(f"{' '.join(argv)}: exit {done.returncode}: {done.stderr.strip()}")
    return done.stdout


def enter(netns: str) -> list[str]:
    """Command prefix that runs in a network namespace and leaves everything else (also /sys) as it is."""
    return ["nsenter", f"--net={NETNS_DIR / netns}", "--"]


def socket_in(netns: str | None, kind: int = socket.SOCK_STREAM) -> socket.socket:
    """A socket that lives in a network namespace, for use from this process; None is the own namespace."""
    if netns is None:
        return socket.socket(socket.AF_INET, kind)
    made: list[socket.socket] = []

    def make() -> None:
        handle = os.open(NETNS_DIR / netns, os.O_RDONLY)
        try:
            # os.setns is there from Python 3.12 on; a namespace is per thread, so this thread ends after it.
            if ctypes.CDLL(None, use_errno=True).setns(handle, CLONE_NEWNET) == 0:
                made.append(socket.socket(socket.AF_INET, kind))
        finally:
            os.close(handle)

    thread = threading.Thread(target=make)
    thread.start()
    thread.join()
    if not made:
        raise RuntimeError(f"cannot enter network namespace {netns}")
    return made[0]


def free_port(netns: str | None = None, kind: int = socket.SOCK_STREAM) -> int:
    """A port on 127.0.0.1 that nobody listens on just now, and that no outgoing connection gets."""
    while True:
        port = _CHANCE.choice(_PORTS)
        with socket_in(netns, kind) as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


def answers(address: str, port: int, netns: str | None = None, greeting: bytes = b"") -> bool:
    """Whether a TCP connect works and (if asked for) the server's first bytes are the greeting."""
    with socket_in(netns) as probe:
        probe.settimeout(1.0)
        try:
            probe.connect((address, port))
            return probe.recv(len(greeting)) == greeting if greeting else True
        except OSError:
            return False


@dataclass(frozen=True, slots=True, kw_only=True)
class Port:
    """Where a host is plugged in: its namespace, its end of the cable on the bridge, its address."""

    netns: str
    ifname: str
    address: str


@dataclass(slots=True)
class Net:
    """The lab's network."""

    ledger: Ledger
    _numbers: count[int] = field(default_factory=lambda: count(FIRST_HOST))
    _tables: count[int] = field(default_factory=count)

    def __post_init__(self) -> None:
        """Make the control namespace with its bridge."""
        self._add_netns(self.ctl)
        self.ip("link", "set", "lo", "up")
        self.ip("link", "add", "br0", "type", "bridge")
        self.ip("addr", "add", f"{self.gateway}/24", "dev", "br0")
        self.ip("link", "set", "br0", "up")

    @property
    def ctl(self) -> str:
        """Name of the control namespace: tests that talk to hosts run there."""
        return f"{self.ledger.lab}-ctl"

    @property
    def subnet(self) -> str:
        """First three numbers of all addresses; the slot makes them differ between labs."""
        return f"10.77.{self.ledger.slot}"

    @property
    def gateway(self) -> str:
        """The control namespace's own address on the bridge."""
        return f"{self.subnet}.1"

    def ip(self, *arguments: str, netns: str | None = None) -> str:
        """Run `ip` in the control namespace or another one."""
        return run("ip", "-n", netns or self.ctl, *arguments)

    def _add_netns(self, name: str) -> None:
        self.ledger.note("netns", name)
        run("ip", "netns", "add", name)

    def attach(self, name: str) -> Port:
        """Make a namespace with a cable to the bridge and an address, no default route."""
        number = next(self._numbers)
        port = Port(
            netns=f"{self.ledger.lab}-{name}",
            ifname=f"v{number}",
            address=f"{self.subnet}.{number}",
        )
        self._add_netns(port.netns)
        self.ip(
            "link", "add", port.ifname, "type", "veth", "peer", "name", "host0", "netns", port.netns
        )
        self.ip("link", "set", port.ifname, "master", "br0", "up")
        self.ip("addr", "add", f"{port.address}/24", "dev", "host0", netns=port.netns)
        self.ip("link", "set", "host0", "up", netns=port.netns)
        self.ip("link", "set", "lo", "up", netns=port.netns)
        return port

    def detach(self, port: Port) -> None:
        """Take a host's cable and namespace away."""
        self.ip("link", "del", port.ifname)
        run("ip", "netns", "del", port.netns)

    def close(self) -> None:
        """Remove the control namespace; hosts must be gone before."""
        run("ip", "netns", "del", self.ctl)

    @contextmanager
    def _rules(self, chain: str, rule: str) -> Iterator[None]:
        table = f"fault{next(self._tables)}"
        hook = f"type filter hook {chain} priority 0;"
        nft = [*enter(self.ctl), "nft"]
        run(*nft, "-f", "-", text=f"table inet {table} {{ chain c {{ {hook} {rule}; }}; }}\n")
        try:
            yield
        finally:
            run(*nft, "delete", "table", "inet", table)

    @contextmanager
    def partition(self, port: Port) -> Iterator[None]:
        """Packets from and to the host vanish on the way; its link stays up."""
        bridge = [*enter(self.ctl), "bridge", "link", "set", "dev", port.ifname, "state"]
        run(*bridge, "0")  # 0 = disabled, 3 = forwarding (<linux/if_bridge.h>)
        try:
            yield
        finally:
            run(*bridge, "3")
            self._forget_neighbours(port)

    @contextmanager
    def link_down(self, port: Port) -> Iterator[None]:
        """The cable is pulled: the host sees its link go down."""
        self.ip("link", "set", port.ifname, "down")
        try:
            yield
        finally:
            self.ip("link", "set", port.ifname, "up")
            # The kernel tells a new link state at most once a second, and holds packets back until then.
            wait_for(lambda: all(self._is_up(port)), 5.0)
            self._forget_neighbours(port)

    def _is_up(self, port: Port) -> Iterator[bool]:
        for name, netns in ((port.ifname, self.ctl), ("host0", port.netns)):
            yield " UP " in self.ip("-br", "link", "show", "dev", name, netns=netns)

    def _forget_neighbours(self, port: Port) -> None:
        # A failed look-up is only repeated after a second; forget it.
        self.ip("neigh", "flush", "dev", "br0")
        self.ip("neigh", "flush", "dev", "host0", netns=port.netns)

    def refuse(self, address: str, tcp_port: int) -> AbstractContextManager[None]:
        """New connections are refused at once (a TCP reset)."""
        # In the output hook: a reset made in the input hook would never reach the client.
        return self._rules(
            "output", f"ip daddr {address} tcp dport {tcp_port} reject with tcp reset"
        )

    def drop(self, address: str, tcp_port: int) -> AbstractContextManager[None]:
        """Packets to one port vanish, as behind a silent firewall."""
        return self._rules("output", f"ip daddr {address} tcp dport {tcp_port} drop")

    def loss(self, address: str, percent: int) -> AbstractContextManager[None]:
        """A random share of the packets from the address is lost; there is no seed."""
        return self._rules("input", f"ip saddr {address} numgen random mod 100 < {percent} drop")

    @contextmanager
    def rate(self, port: Port, rate: str) -> Iterator[None]:
        """Limit what goes to the host, for example "1mbit"."""
        tc = ["tc", "-n", self.ctl, "qdisc"]
        run(
            *tc,
            "add",
            "dev",
            port.ifname,
            "root",
            "tbf",
            "rate",
            rate,
            "burst",
            "2kb",
            "latency",
            "400ms",
        )
        try:
            yield
        finally:
            run(*tc, "del", "dev", port.ifname, "root")

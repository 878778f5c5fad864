"""Connections from this process to a host in the lab's network."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from pytest_ddd.connections import Connections, ConnectionSpec
from tests.lab.host import LabHost
from tests.lab.lab import Lab

_HAND_OVER = """
import socket, sys
found = socket.create_connection((sys.argv[1], 22), 5)
socket.send_fds(socket.socket(fileno=1), [b"x"], [found.fileno()])
"""
"""Connects inside the lab's network, and gives the socket to the ssh outside."""


@contextmanager
def reaching(lab: Lab, host: LabHost, *, name: str, sudo: bool) -> Iterator[Connections]:
    """Yield connections in which `name` is the host, with or without sudo."""
    script = lab.ssh_config.with_name("hand_over.py")
    script.write_text(_HAND_OVER)
    proxy = f"ip netns exec {lab.net.ctl} {sys.executable} {script} %h"
    config = lab.ssh_config.with_name(f"ssh_config-reaching-{sudo}")
    config.write_text(
        f"{lab.ssh_config.read_text()}\nHost *\n  ProxyUseFdpass yes\n  ProxyCommand {proxy}\n"
    )
    spec = ConnectionSpec(
        name=name, kind="ssh", hostspec=f"ssh://ops@{host.name}", address=host.name,
        user="ops", ssh_config=str(config), sudo=sudo,
    )  # fmt: skip
    connections = Connections({name: spec})
    try:
        yield connections
    finally:
        connections.close()

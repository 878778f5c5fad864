"""Listening sockets: testinfra reads the same of fewer kinds."""

from __future__ import annotations

import shutil
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from pytest_ddd.connections import Connections
from pytest_ddd.connections.together import holding, together
from tests.support.sshd import needs
from tests.unit.connections.alone import Root, same


@pytest.fixture
def listening(tmp_path: Path) -> Iterator[set[str]]:
    """One socket of each kind that can listen; what testinfra calls them."""
    made: list[tuple[int, int, Any]] = [
        (socket.AF_INET, socket.SOCK_STREAM, ("127.0.0.1", 0)),
        (socket.AF_INET6, socket.SOCK_STREAM, ("::1", 0)),
        (socket.AF_INET, socket.SOCK_DGRAM, ("127.0.0.1", 0)),
        (socket.AF_UNIX, socket.SOCK_STREAM, str(tmp_path / "stream")),
        (socket.AF_UNIX, socket.SOCK_DGRAM, str(tmp_path / "datagram")),
    ]
    names = set()
    with ExitStack() as stack:
        for family, kind, address in made:
            one = stack.enter_context(socket.socket(family, kind))
            one.bind(address)
            if kind == socket.SOCK_STREAM:
                one.listen()
            protocol = "tcp" if kind == socket.SOCK_STREAM else "udp"
            host, port = one.getsockname()[:2] if family != socket.AF_UNIX else ("", 0)
            names.add(f"{protocol}://{host}:{port}" if host else f"unix://{address}")
        yield names - {f"unix://{tmp_path}/datagram"}


@needs("ip")
def test_testinfra_reads_the_same_sockets(here: Connections, listening: set[str]) -> None:
    """Kinds that testinfra skips are not asked for; what it reads is told as it is."""
    command = f"{shutil.which('ss')} --numeric --listening"
    answers = together(here.session("here"), [command, "command -v ss"])
    sockets = here.reading_host("here").socket

    with holding(here.session("here"), answers):
        held_ones = set(sockets.get_listening_sockets())

    kinds = {line.split()[0] for line in answers[command].text.splitlines()}
    assert kinds <= {"Netid", "tcp", "udp", "u_str", "u_dgr", "u_seq"}
    assert listening <= held_ones
    assert listening <= set(sockets.get_listening_sockets())


def test_an_ss_that_fails_is_not_believed(tmp_path: Path) -> None:
    """Nor one that does not print what ss prints."""
    for name, script in (("fails", "echo Netid State; exit 1"), ("other", "echo hello")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "ss").write_text(f"#!/bin/sh\n{script}\n")
        (tmp_path / name / "ss").chmod(0o755)

        assert same(Root(), [f"{tmp_path}/{name}/ss --numeric --listening"]) == set()

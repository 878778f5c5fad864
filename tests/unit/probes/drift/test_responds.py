"""A service that is active and answers nobody is found out."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from shutil import which

import pytest

from pytest_ddd.errors import CannotLookError
from pytest_ddd.probes.drift.comparison import Comparison
from pytest_ddd.probes.drift.responds import compare_answer
from pytest_ddd.probes.drift.ways import Ways
from tests.unit.probes.drift.sandbox import BASELINE, NAME, Way, declared

pytestmark = pytest.mark.needs("unshare")

_SERVE = """
import socket, sys
kind = socket.SOCK_STREAM if sys.argv[1] == "tcp" else socket.SOCK_DGRAM
one = socket.socket(socket.AF_INET, kind)
one.bind(("127.0.0.1", 0))
if kind == socket.SOCK_STREAM:
    if sys.argv[2] == "deferred": one.setsockopt(socket.IPPROTO_TCP, socket.TCP_DEFER_ACCEPT, 30)
    one.listen(8)
print(one.getsockname()[1], flush=True)
held = []
while True:
    held.append(one.accept()) if kind == socket.SOCK_STREAM else one.recv(99)
"""


@contextmanager
def serving(protocol: str, *, manner: str = "plain") -> Iterator[tuple[int, int]]:
    """A real server; yields its pid and port."""
    words = [sys.executable, "-c", _SERVE, protocol, manner]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    port = int(process.stdout.readline())
    try:
        yield process.pid, port
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def answer(way: Ways, spec: str) -> list[str]:
    """What the probe finds wrong."""
    comparison = Comparison(
        declaration=declared("service:app", responds=spec),
        host=way.reading_host(NAME),
        shell=way.session(NAME),
    )
    with comparison.looking("responds"):
        compare_answer(comparison, spec)
    return [str(problem) for problem in comparison.finish().problems]


def test_tcp_service_that_takes_connections(here: Ways) -> None:
    with serving("tcp") as (_, port):
        assert answer(here, f"tcp:{port}") == []


def test_stopped_tcp_service_although_the_kernel_connects(here: Ways) -> None:
    with serving("tcp") as (pid, port):
        os.kill(pid, signal.SIGSTOP)
        socket.create_connection(("127.0.0.1", port), 1).close()
        [found] = answer(here, f"tcp:{port}")
    assert found.startswith(f"tcp port {port} is open, but nobody takes the connection")


def test_tcp_service_that_defers_accept_is_not_called_hung(here: Ways) -> None:
    with serving("tcp", manner="deferred") as (_, port):
        assert answer(here, f"tcp:{port}") == []


def test_stopped_tcp_service_that_defers_accept(here: Ways) -> None:
    with serving("tcp", manner="deferred") as (pid, port):
        os.kill(pid, signal.SIGSTOP)
        [found] = answer(here, f"tcp:{port}")
    assert found.startswith(f"tcp port {port} is open, but nobody takes the connection")


@pytest.mark.parametrize("tools", [("perl",), ("bash", "timeout")])
def test_every_tool_tells_a_live_service_from_a_stopped_one(
    tmp_path: Path, tools: tuple[str, ...]
) -> None:
    for tool in ("sh", "sleep", "cat", *tools):
        (tmp_path / tool).symlink_to(which(tool) or "missing")
    way = Way("env", f"PATH={tmp_path}")
    with serving("tcp") as (pid, port):
        assert answer(way, f"tcp:{port}") == []
        os.kill(pid, signal.SIGSTOP)
        assert "the program hangs" in answer(way, f"tcp:{port}")[0]


def test_closed_tcp_port(here: Ways) -> None:
    with serving("tcp") as (_, port):
        pass
    [found] = answer(here, f"tcp:127.0.0.1:{port}")
    assert found.startswith(f"does not answer on tcp port {port}: ")
    assert found.endswith(f"refused ({BASELINE}:2)")


def test_udp_service_that_reads(here: Ways) -> None:
    with serving("udp") as (_, port):
        assert answer(here, f"udp:{port}") == []


def test_stopped_udp_service(here: Ways) -> None:
    with serving("udp") as (pid, port):
        os.kill(pid, signal.SIGSTOP)
        [found] = answer(here, f"udp:{port}")
    assert found.startswith(f"udp port {port} is open, but nobody reads")


def test_closed_udp_port(here: Ways) -> None:
    with serving("udp") as (_, port):
        pass
    assert answer(here, f"udp:{port}") == [
        f"does not answer on udp port {port}: nothing listens ({BASELINE}:2)"
    ]


def test_command_that_succeeds(here: Ways) -> None:
    assert answer(here, "true") == []


def test_command_that_fails(here: Ways) -> None:
    assert answer(here, "echo no >&2; exit 3") == [
        f"does not answer: `echo no >&2; exit 3` ended with 3: no ({BASELINE}:2)"
    ]


def test_command_that_is_not_there_is_unknown(here: Ways) -> None:
    with pytest.raises(CannotLookError, match="cannot be run"):
        answer(here, "no-such-command-anywhere")


def test_host_with_nothing_to_probe_with_is_unknown(tmp_path: object) -> None:
    way = Way("env", "PATH=/nowhere", "/bin/sh", "-c", 'exec /bin/"$0" "$@"')
    with pytest.raises(CannotLookError, match="no python3, perl, bash or nc"):
        answer(way, "tcp:1")

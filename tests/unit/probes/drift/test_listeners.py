"""Sockets that listen, on the wrong address, or although nobody listed them."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pytest_ddd import results
from pytest_ddd.outcomes import Outcome
from pytest_ddd.probes.drift.sockets import Listener, from_proc_net, parse_key
from tests.unit.probes.drift.sandbox import BASELINE, Sandbox, Way, beside, declared, item, problems

pytestmark = pytest.mark.needs("unshare")

_LISTEN = """
import socket, sys, time
family = socket.AF_INET6 if ":" in sys.argv[2] else socket.AF_INET
kind = socket.SOCK_STREAM if sys.argv[1] == "tcp" else socket.SOCK_DGRAM
one = socket.socket(family, kind)
if family == socket.AF_INET6: one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, int(sys.argv[4]))
one.bind((sys.argv[2], int(sys.argv[3])))
if sys.argv[1] == "tcp": one.listen()
print("ready", flush=True)
time.sleep(600)
"""


@contextmanager
def listening(
    sandbox: Sandbox, address: str, port: int, *, protocol: str = "tcp", v6only: int = 0
) -> Iterator[int]:
    """A socket of a real process; yields its pid."""
    words = [sys.executable, "-c", _LISTEN, protocol, address, str(port), str(v6only)]
    process = subprocess.Popen([*sandbox.enter, *words], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    try:
        yield process.pid
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


@pytest.fixture(params=["ss", "proc"])
def way(request: pytest.FixtureRequest, sandbox: Sandbox, tmp_path: Path) -> Way:
    """The sandbox with ss, and without ss or netstat as on a BusyBox host."""
    if request.param == "ss":
        return sandbox.way
    tools = tmp_path / "bin"
    tools.mkdir()
    for tool in ("cat", "uname", "sh", "env"):
        (tools / tool).symlink_to(f"/bin/{tool}")
    # testinfra also looks into /sbin and /usr/sbin
    script = 'mount -t tmpfs t /usr/sbin && exec env "PATH=$0" "$@"'
    return Way(*sandbox.enter, "unshare", "-m", "sh", "-c", script, str(tools))


@pytest.mark.parametrize("address", ["0.0.0.0", "::"])
def test_wildcard_satisfies_a_port(sandbox: Sandbox, way: Way, address: str) -> None:
    with listening(sandbox, address, 443):
        assert problems(way, "listener:tcp:443") == []


def test_nothing_listens(way: Way) -> None:
    assert problems(way, "listener:tcp:443") == [
        f"nothing listens, expected listening on every address ({BASELINE}:1)"
    ]


@pytest.mark.parametrize(("address", "shown"), [("127.0.0.1", "127.0.0.1"), ("::1", "[::1]")])
def test_loopback_alone_does_not_satisfy_a_port(
    sandbox: Sandbox, way: Way, address: str, shown: str
) -> None:
    with listening(sandbox, address, 443):
        assert problems(way, "listener:tcp:443") == [
            f"listens on tcp:{shown}:443 only, expected every address ({BASELINE}:1)"
        ]


def test_address_of_its_own(sandbox: Sandbox, way: Way) -> None:
    with listening(sandbox, "127.0.0.1", 5432):
        assert problems(way, "listener:tcp:127.0.0.1:5432") == []


def test_socket_opened_to_the_world(sandbox: Sandbox, way: Way) -> None:
    with listening(sandbox, "0.0.0.0", 5432):
        assert problems(way, "listener:tcp:127.0.0.1:5432") == [
            f"listens on tcp:0.0.0.0:5432, expected 127.0.0.1 ({BASELINE}:1)"
        ]


def test_udp(sandbox: Sandbox, way: Way) -> None:
    with listening(sandbox, "0.0.0.0", 53, protocol="udp"):
        assert problems(way, "listener:udp:53") == []
        assert problems(way, "listener:tcp:53") != []


def test_port_that_should_be_closed(sandbox: Sandbox, way: Way) -> None:
    with listening(sandbox, "0.0.0.0", 23):
        assert problems(way, "listener:tcp:23", listening=False) == [
            f"listens on tcp:0.0.0.0:23, expected not listening ({BASELINE}:2)"
        ]


def test_unlisted_listener_is_judged_red(sandbox: Sandbox, way: Way) -> None:
    with listening(sandbox, "0.0.0.0", 443), listening(sandbox, "0.0.0.0", 4444):
        look = beside([declared("listener:tcp:443")], way, "unlisted:listeners", listeners="red")
        drift = look.read()
        assert drift.problems == ()
        assert drift.extra is not None
        judged = results.judge(drift.extra, look.extra)
    assert results.explain(judged) == f"unlisted listeners 1 >= crit 1 ({BASELINE}:2)"
    assert judged.detail.startswith("tcp:0.0.0.0:4444")


def test_unlisted_listener_is_judged_yellow(sandbox: Sandbox, way: Way) -> None:
    with listening(sandbox, "0.0.0.0", 4444):
        look = item(way, "unlisted:listeners", listeners="yellow")
        drift = look.read()
        assert drift.extra is not None
        assert results.judge(drift.extra, look.extra).outcome is Outcome.YELLOW


def test_no_unlisted_listener_is_judged_green(sandbox: Sandbox, way: Way) -> None:
    look = item(way, "unlisted:listeners", listeners="red")
    drift = look.read()
    assert drift.extra is not None
    assert results.judge(drift.extra, look.extra).outcome is Outcome.GREEN


def test_program_of_an_unlisted_listener_is_named(sandbox: Sandbox) -> None:
    with listening(sandbox, "127.0.0.1", 4444) as pid:
        drift = item(sandbox.way, "unlisted:listeners", listeners="red").read()
        assert drift.extra is not None
        program = Path(sys.executable).name
        assert drift.extra.detail == f"tcp:127.0.0.1:4444 ({program}, pid {pid})"


def test_address_of_the_baseline_does_not_list_the_whole_port(sandbox: Sandbox, way: Way) -> None:
    with listening(sandbox, "0.0.0.0", 5432):
        listed = [declared("listener:tcp:127.0.0.1:5432")]
        drift = beside(listed, way, "unlisted:listeners", listeners="red").read()
        assert drift.extra is not None
        assert drift.extra.value == 1


def test_proc_net_of_ipv6_is_read_in_the_order_of_the_kernel() -> None:
    text = (
        "  sl  local_address rem_address st\n/proc/net/tcp6\n"
        "   0: 00000000000000000000000001000000:0050 "
        "00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000 0 0 1\n"
    )
    assert from_proc_net(text) == {Listener(protocol="tcp", address="::1", port=80)}


@pytest.mark.parametrize(
    ("key", "address", "port"),
    [("tcp:443", "", 443), ("tcp:[::1]:80", "::1", 80), ("udp:127.0.0.1:53", "127.0.0.1", 53)],
)
def test_keys(key: str, address: str, port: int) -> None:
    assert parse_key(key) == Listener(protocol=key[:3], address=address, port=port)

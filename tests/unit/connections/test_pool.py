"""The pool: sessions by name, reachability that never raises, bounded openings, closing."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from pytest_ddd.connections import Connections, Reachability, parse_hostspec
from pytest_ddd.errors import UnknownTargetError, UsageError
from pytest_ddd.outcomes import Outcome
from tests.unit.connections.conftest import Connect

HERE = parse_hostspec("local://", name="here")


def test_session_is_the_same_each_time(connect: Connect) -> None:
    pool = connect(HERE)
    assert pool.session("here") is pool.session("here")


def test_unknown_name_is_told(connect: Connect) -> None:
    with pytest.raises(UnknownTargetError, match="no host 'web9'"):
        connect(HERE).session("web9")


def test_controller_needs_no_host() -> None:
    pool = Connections({})
    try:
        assert pool.controller.run("echo here").stdout == b"here\n"
    finally:
        pool.close()


def test_unused_pool_closes_without_a_thread() -> None:
    before = set(threading.enumerate())
    Connections({"here": HERE}).close()
    assert set(threading.enumerate()) <= before


def test_close_may_be_called_again(connect: Connect) -> None:
    pool = connect(HERE)
    pool.session("here").run("true")
    pool.close()
    pool.close()


def test_foreign_kind_has_no_session(connect: Connect) -> None:
    pool = connect(parse_hostspec("winrm://win1", name="win1"))
    with pytest.raises(UsageError, match="winrm connections have no session"):
        pool.session("win1")


def test_living_host_is_green(connect: Connect) -> None:
    assert connect(HERE).reachable("here").outcome is Outcome.GREEN


@pytest.mark.parametrize(
    ("said", "outcome"),
    [
        ("Error: No such container: box", Outcome.RED),
        ("Cannot connect to the Docker daemon", Outcome.UNKNOWN),
        ("exec: /bin/sh: no such file", Outcome.UNKNOWN),
    ],
)
def test_reachability_has_its_outcome(
    connect: Connect, stub: Callable[[str, str], None], said: str, outcome: Outcome
) -> None:
    stub("docker", f"echo '{said}' >&2; exit 1")
    pool = connect(parse_hostspec("docker://box", name="box"))
    assert pool.reachable("box").outcome is outcome


def test_reachability_is_asked_once(
    connect: Connect, stub: Callable[[str, str], None], tmp_path: Path
) -> None:
    stub("docker", f"echo x >>{tmp_path}/tries; exit 1")
    pool = connect(parse_hostspec("docker://box", name="box"))
    seen: list[Reachability] = []
    threads = [threading.Thread(target=lambda: seen.append(pool.reachable("box"))) for _ in "1234"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(set(map(id, seen))), (tmp_path / "tries").read_text()) == (1, "x\n")


def test_reachability_of_an_unknown_name_does_not_raise(connect: Connect) -> None:
    assert connect(HERE).reachable("web9").outcome is Outcome.UNKNOWN


def test_openings_are_bounded(
    connect: Connect, stub: Callable[[str, str], None], tmp_path: Path
) -> None:
    (tmp_path / "now").mkdir()
    count = f"mkdir {tmp_path}/now/$$; ls {tmp_path}/now | wc -l >>{tmp_path}/counts"
    stub("docker", f"{count}; sleep 0.1; rmdir {tmp_path}/now/$$; exec sh")
    specs = [parse_hostspec(f"docker://box{n}", name=f"box{n}") for n in range(9)]
    pool = connect(*specs, open_at_once=3)
    for future in [pool.session(name).submit("true") for name in pool.names]:
        assert future.result().ok
    assert max(map(int, (tmp_path / "counts").read_text().split())) <= 3


def test_too_few_descriptors_are_told_with_the_command_that_helps() -> None:
    """A hard limit below what the hosts need is an error that says so, not a failed open."""
    program = """
from pytest_ddd.connections import Connections, parse_hostspec
from pytest_ddd.errors import CannotLookError
names = [f"h{number}" for number in range(100)]
made = Connections({name: parse_hostspec("ssh://localhost", name=name) for name in names})
try:
    for name in names:
        made.session(name)
except CannotLookError as error:
    print(error)
made.close()
"""
    limited = ["sh", "-c", 'ulimit -n 300 && exec "$@"', "sh", sys.executable, "-c", program]

    said = subprocess.run(limited, capture_output=True, text=True, check=True).stdout

    assert "the limit of 300 open files is too low for 12 hosts" in said
    assert "ulimit -Hn" in said

"""Resources of real machines: this one by psutil, a remote one by sh, BusyBox included."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pytest_ddd.connections import Connections
from pytest_ddd.errors import CannotLookError
from pytest_ddd.outcomes import Outcome
from tests.unit.probes.resource_site import Corner, check, local, named, remote, resource

pytestmark = pytest.mark.needs("unshare", "busybox")

_HELD_PERCENT = 18
"""More than the kernel keeps aside of freed pages: an eighth, in lists that no number shows."""

GREEN, YELLOW, RED, UNKNOWN = Outcome.GREEN, Outcome.YELLOW, Outcome.RED, Outcome.UNKNOWN


@pytest.fixture(scope="module", params=["psutil", "dash", "busybox"])
def host(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Connections]:
    """One machine, looked at in three ways."""
    if request.param == "psutil":
        connections = local()
        yield connections
        connections.close()
        return
    corner = Corner(tmp_path_factory.mktemp("corner"), busybox=request.param == "busybox")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", str(corner.bin), prepend=":")
        connections = remote()
        yield connections
        connections.close()
    corner.close()


@pytest.fixture
def hogs() -> Iterator[None]:
    """Keep every processor busy for at most ten seconds."""
    loop = "import time; t = time.time() + 10\nwhile time.time() < t: pass"
    processes = [subprocess.Popen([sys.executable, "-c", loop]) for _ in range(os.cpu_count() or 1)]
    yield
    for process in processes:
        process.kill()
        process.wait()


@pytest.mark.parametrize("key", ["cpu", "memory", "swap", "open_files", "disk", "inodes", "disk:/"])
def test_a_healthy_machine_is_green(host: Connections, key: str) -> None:
    # Limits that nothing reaches, whatever else runs here.
    outcome, usage = check(resource(host, key, warn="100.1%", crit="200%"))
    assert (outcome, usage.problems) == (GREEN, ())


def test_load_is_counted_for_each_core(host: Connections) -> None:
    _, usage = check(resource(host, "load", warn=50, crit=100))
    one_minute, _, _, _, count, _ = usage.readings[0].detail.split()
    assert usage.readings[0].value == pytest.approx(float(one_minute) / int(count), abs=0.01)


def test_a_cpu_hog_is_red_and_named(host: Connections, hogs: None) -> None:
    outcome, usage = check(resource(host, "cpu", warn="30%", crit="70%", sample="500ms"))
    assert outcome is RED, usage
    assert "python" in named(usage, "cpu").detail


@contextmanager
def held_memory(size_bytes: int) -> Iterator[int]:
    """Let another process hold memory; yields its pid."""
    hold = f"import sys; b = b'x' * {size_bytes}; print('held', flush=True); sys.stdin.read()"
    hog = subprocess.Popen(
        [sys.executable, "-c", hold], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        assert hog.stdout is not None
        assert hog.stdout.readline() == "held\n"
        yield hog.pid
    finally:
        hog.kill()
        hog.communicate()


def test_memory_pressure_crosses_its_limit(host: Connections) -> None:
    total_bytes = int(Path("/proc/meminfo").read_text().split()[1]) * 1024
    for _ in range(3):  # whoever else works on this machine may give memory back meanwhile
        before = named(resource(host, "memory").read(), "memory").value
        assert isinstance(before, float)
        limit = f"{before + 4:.2f}%"
        healthy = check(resource(host, "memory", crit=limit))[0]
        with held_memory(total_bytes * _HELD_PERCENT // 100) as pid:
            pressed, usage = check(resource(host, "memory", crit=limit))
        if (healthy, pressed) == (GREEN, RED):
            break
    assert (healthy, pressed) == (GREEN, RED), usage
    assert f"({pid})" in named(usage, "memory").detail


def test_no_swap_is_nothing_used(host: Connections) -> None:
    reading = named(resource(host, "swap").read(), "swap")
    has_swap = len(Path("/proc/swaps").read_text().splitlines()) > 1
    assert has_swap or (reading.value, reading.detail) == (0.0, "no swap")


def test_the_same_disk_is_as_full_in_all_ways(host: Connections) -> None:
    df = subprocess.run(["df", "--output=pcent", "/"], capture_output=True, text=True, check=True)
    reading = named(resource(host, "disk:/").read(), "disk /")
    assert reading.value == pytest.approx(float(df.stdout.split()[1].rstrip("%")), abs=1)


def test_watching_the_processors_holds_up_nobody(host: Connections) -> None:
    cpu = resource(host, "cpu", sample="6s", crit="100%")
    resource(host, "swap").read()  # the connection is open
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(1) as pool:
        watching = pool.submit(cpu.read)
        resource(host, "memory").read()
        assert not watching.done()


def test_attempts_are_told_and_the_last_one_counts(host: Connections) -> None:
    attempts = {"count": 3, "interval": "1ms"}
    one = resource(host, "memory", warn="0%", crit="100%", attempts=attempts)
    outcome, usage = check(one)
    assert (outcome, usage.readings[0].attempt) == (YELLOW, 3)
    assert "attempt 2: memory" in usage.readings[0].detail


def test_a_green_attempt_is_the_last(host: Connections) -> None:
    attempts = {"count": 3, "interval": "1ms"}
    _, usage = check(resource(host, "memory", attempts=attempts, crit="100%"))
    assert usage.readings[0].attempt == 1


def test_the_night_has_limits_of_its_own(host: Connections) -> None:
    night = {"warn": "99.9%", "crit": "100%"}
    one = resource(host, "memory", profile="night", warn="0%", crit="0.1%", night=night)
    assert check(one)[0] is GREEN


def test_the_night_without_limits_has_those_of_the_day(host: Connections) -> None:
    one = resource(host, "memory", profile="night", warn="0%", crit="0.1%")
    assert check(one)[0] is RED


def test_a_reading_says_what_the_baseline_expects(host: Connections) -> None:
    reading = resource(host, "memory").read().readings[0]
    assert (reading.expected, str(reading.origin)) == (
        "below 80 % (red from 90 %)",
        "baselines/prod/thresholds.yaml:12",
    )


def test_a_remote_host_without_proc_is_unknown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    corner = Corner(tmp_path)
    corner.do("mount", "-t", "tmpfs", "tmpfs", "/proc")
    monkeypatch.setenv("PATH", str(corner.bin), prepend=":")
    connections = remote()
    try:
        for key in ("cpu", "memory", "swap", "load", "open_files", "disk", "disk:/"):
            with pytest.raises(CannotLookError):
                resource(connections, key).read()
    finally:
        connections.close()
        corner.close()

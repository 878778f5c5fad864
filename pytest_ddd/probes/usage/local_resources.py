"""Measure this machine: the only user of psutil."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from pytest_ddd import clock
from pytest_ddd.errors import CannotLookError
from pytest_ddd.probes.usage.measures import SHORTEST_SAMPLE_S, Kind, Measure, largest, share
from pytest_ddd.probes.usage.proc_files import open_files
from pytest_ddd.units import format_size

_BUSIEST_SAMPLE_S = 0.5


@dataclass(frozen=True, slots=True)
class LocalMeter:
    """Measures the machine that pytest runs on."""

    def measure(self, kind: Kind, sample_s: float) -> Measure:
        """Measure one resource.

        Raises:
            CannotLookError: the kernel does not tell, or tells what makes no sense.
        """
        ways: dict[Kind, Callable[[], Measure]] = {
            "cpu": lambda: _cpu(sample_s),
            "memory": _memory,
            "swap": _swap,
            "load": _load,
            "open_files": _open_files,
        }
        try:
            return ways[kind]()
        except OSError as failure:
            raise CannotLookError(f"{kind} of this machine cannot be read: {failure}") from failure

    def busiest(self, kind: Kind) -> str:
        """Name the three processes that use most of it."""
        if kind == "cpu":
            return _busiest_by_cpu()
        return _busiest_by_memory() if kind == "memory" else ""


def _cpu(sample_s: float) -> Measure:
    import psutil

    value = psutil.cpu_percent(interval=max(sample_s, SHORTEST_SAMPLE_S))
    busy = share(value, 100, what="processor time", seen=str(value))
    count = psutil.cpu_count() or 1
    detail = f"over {sample_s:g} s, {count} processors"
    return Measure(value=busy, source="psutil.cpu_percent", detail=detail)


def _memory() -> Measure:
    import psutil

    memory = psutil.virtual_memory()
    used = share(memory.total - memory.available, memory.total, what="memory", seen=str(memory))
    detail = f"{format_size(memory.available)} of {format_size(memory.total)} available"
    return Measure(value=used, source="psutil.virtual_memory", detail=detail)


def _swap() -> Measure:
    import psutil

    swap, source = psutil.swap_memory(), "psutil.swap_memory"
    if swap.total == 0:
        return Measure(value=0.0, source=source, detail="no swap")
    used = share(swap.used, swap.total, what="swap", seen=str(swap))
    detail = f"{format_size(swap.used)} of {format_size(swap.total)} used"
    return Measure(value=used, source=source, detail=detail)


def _load() -> Measure:
    import psutil

    one, five, fifteen = psutil.getloadavg()
    count = psutil.cpu_count() or 1
    return Measure(
        value=one / count,
        unit="per core",
        source="psutil.getloadavg",
        detail=f"{one:.2f} {five:.2f} {fifteen:.2f} on {count} processors",
    )


def _open_files() -> Measure:
    return open_files(Path("/proc/sys/fs/file-nr").read_text(encoding="ascii"))


def _busiest_by_cpu() -> str:
    before = {pid: used_s for pid, _name, used_s in _processor_times()}
    clock.wait(_BUSIEST_SAMPLE_S)
    used = [
        (100 * (used_s - before[pid]) / _BUSIEST_SAMPLE_S, f"{name} ({pid})")
        for pid, name, used_s in _processor_times()
        if pid in before and pid != os.getpid()
    ]
    return ", ".join(f"{name} {value:.0f} % of one" for value, name in largest(used))


def _processor_times() -> Iterable[tuple[int, str, float]]:
    import psutil

    for process in psutil.process_iter(["name", "cpu_times"]):
        times = process.info["cpu_times"]
        if times is not None:
            yield process.pid, str(process.info["name"]), times.user + times.system


def _busiest_by_memory() -> str:
    import psutil

    found = [
        (float(process.info["memory_info"].rss), f"{process.info['name']} ({process.pid})")
        for process in psutil.process_iter(["name", "memory_info"])
        if process.info["memory_info"] is not None
    ]
    return ", ".join(f"{name} {format_size(value)}" for value, name in largest(found))

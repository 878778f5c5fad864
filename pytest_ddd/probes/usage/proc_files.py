"""Read the texts of /proc: processor times, memory, load and open files become measures."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from pytest_ddd.errors import CannotLookError
from pytest_ddd.probes.usage.measures import Measure, share
from pytest_ddd.units import format_size

_CPU_FIELDS = 8
"""user nice system idle iowait irq softirq steal; guest time is part of user time."""

_WAITING = slice(3, 5)  # idle and iowait
_PROCESS = re.compile(r"(\d+) \((.*)\) \S (.+)", re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    """One line of /proc/PID/stat; `ticks` is processor time so far, `pages` resident memory."""

    pid: int
    name: str
    ticks: int
    pages: int


def cpu(before: str, after: str, *, sample_s: float) -> Measure:
    """Return the busy share of all processors between two looks at /proc/stat."""
    first, second = _cpu_times(before), _cpu_times(after)
    passed = [later - sooner for sooner, later in zip(first, second, strict=True)]
    # iowait of a tickless kernel may step back by a little; that is no time that passed.
    waiting = sum(max(0, ticks) for ticks in passed[_WAITING])
    total = waiting + sum(passed[:3]) + sum(passed[5:])
    seen = f"{before.splitlines()[0]} then {after.splitlines()[0]}"
    busy = share(total - waiting, total, what="processor time", seen=seen)
    count = processors(after)
    return Measure(
        value=busy, source="/proc/stat", detail=f"over {sample_s:g} s, {count} processors"
    )


def processors(stat: str) -> int:
    """Return how many processors /proc/stat counts."""
    count = len(re.findall(r"^cpu\d+ ", stat, re.MULTILINE))
    if not count:
        raise CannotLookError(f"/proc/stat names no processor: {stat[:200]!r}")
    return count


def memory(meminfo: str) -> Measure:
    """Return the share of memory that is not available without swapping."""
    sizes = _meminfo(meminfo)
    total, available = _size(sizes, "MemTotal"), _size(sizes, "MemAvailable")
    seen = f"MemTotal {total}, MemAvailable {available}"
    used = share(total - available, total, what="memory", seen=seen)
    detail = f"{format_size(available)} of {format_size(total)} available"
    return Measure(value=used, source="/proc/meminfo", detail=detail)


def swap(meminfo: str) -> Measure:
    """Return the share of swap in use; a machine without swap uses none of it."""
    sizes = _meminfo(meminfo)
    total, free = _size(sizes, "SwapTotal"), _size(sizes, "SwapFree")
    if total == 0:
        return Measure(value=0.0, source="/proc/meminfo", detail="no swap")
    seen = f"SwapTotal {total}, SwapFree {free}"
    used = share(total - free, total, what="swap", seen=seen)
    detail = f"{format_size(total - free)} of {format_size(total)} used"
    return Measure(value=used, source="/proc/meminfo", detail=detail)


def load(loadavg: str, stat: str) -> Measure:
    """Return the one-minute load average for each processor."""
    match = re.match(r"(\d+\.\d+) (\d+\.\d+) (\d+\.\d+) \d+/\d+ \d+\s*$", loadavg)
    if match is None:
        raise CannotLookError(f"not what /proc/loadavg holds: {loadavg[:200]!r}")
    count = processors(stat)
    detail = f"{match[1]} {match[2]} {match[3]} on {count} processors"
    return Measure(
        value=float(match[1]) / count, unit="per core", source="/proc/loadavg", detail=detail
    )


def open_files(file_nr: str) -> Measure:
    """Return the share of the kernel's file handles in use."""
    words = file_nr.split()
    if len(words) != 3 or not all(word.isdecimal() for word in words):
        raise CannotLookError(f"not what /proc/sys/fs/file-nr holds: {file_nr[:200]!r}")
    used, unused, limit = (int(word) for word in words)
    value = share(used - unused, limit, what="open files", seen=file_nr)
    return Measure(
        value=value, source="/proc/sys/fs/file-nr", detail=f"{used - unused} of {limit} handles"
    )


def processes(stat_lines: str) -> tuple[Process, ...]:
    """Return the processes in the joined texts of /proc/PID/stat; what cannot be read is left out.

    Fields by proc_pid_stat(5): utime 14, stime 15, rss 24; the name may hold blanks.
    """
    found = []
    for line in stat_lines.splitlines():
        match = _PROCESS.fullmatch(line)
        fields = match[3].split() if match else []
        if match is None or len(fields) < 21:
            continue
        ticks, pages = int(fields[10]) + int(fields[11]), int(fields[20])
        found.append(Process(pid=int(match[1]), name=match[2], ticks=ticks, pages=pages))
    return tuple(found)


def _cpu_times(stat: str) -> list[int]:
    words = stat.split("\n", 1)[0].split()
    times = words[1 : 1 + _CPU_FIELDS]
    if words[:1] != ["cpu"] or len(times) < 4 or not all(word.isdecimal() for word in times):
        raise CannotLookError(f"not what /proc/stat holds: {stat[:200]!r}")
    return [int(word) for word in times] + [0] * (_CPU_FIELDS - len(times))


def _meminfo(text: str) -> Mapping[str, int]:
    """Return sizes in bytes by name."""
    found = re.findall(r"^(\w+):\s+(\d+) kB$", text, re.MULTILINE)
    return {name: int(size) * 1024 for name, size in found}


def _size(sizes: Mapping[str, int], name: str) -> int:
    try:
        return sizes[name]
    except KeyError:
        raise CannotLookError(
            f"/proc/meminfo has no {name}", hint="Linux 3.14 or newer is needed"
        ) from None

"""Says whether the process that wrote a run is still there, on this machine at least."""

from __future__ import annotations

import os
from pathlib import Path


def own() -> str:
    """Return what identifies this process: boot, PID namespace, PID and its start."""
    return f"{_place()} {os.getpid()} {_start(os.getpid())}"


def is_gone(process: str) -> bool:
    """Whether a process that `own` named can be seen to be gone; False when nobody can know."""
    place, _, rest = process.partition(" ")
    pid, _, start = rest.partition(" ")
    if place != _place() or not pid.isdigit():
        return False
    return _start(int(pid)) != start


def _place() -> str:
    """Return where PIDs mean the same: this boot of this machine and this container."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{boot}/{Path('/proc/self/ns/pid').readlink()}"
    except OSError:
        return "unknown"


def _start(pid: int) -> str:
    """Return when a process started, in ticks since boot; `gone` when there is none."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return "gone"
    # The name, in parentheses, may hold blanks; the start is the 20th field behind it (proc(5)).
    fields = stat.rpartition(")")[2].split()
    return "gone" if fields[0] in "ZX" else fields[19]

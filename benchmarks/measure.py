"""Runs two commands in turn and compares what they cost."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What one run of a command cost, children included; `cpu_s` is user and system time.

    `peak_mb` is what its largest process had in memory.
    """

    wall_s: float
    cpu_s: float
    peak_mb: float = 0.0
    status: int = 0


def once(command: Sequence[str], *, cwd: Path, env: Mapping[str, str] | None = None) -> Cost:
    """Run a command, throw its output away, and return its cost."""
    # As users run it: what was compiled once is kept.
    inherited = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    began = time.perf_counter()
    process = subprocess.Popen(
        command,
        cwd=cwd,
        env={**inherited, **(env or {})},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return Cost(
        wall_s=time.perf_counter() - began,
        cpu_s=used.ru_utime + used.ru_stime,
        peak_mb=used.ru_maxrss / 1024,
        status=process.returncode,
    )


def in_turn(
    commands: Mapping[str, Sequence[str]], *, cwd: Path, rounds: int
) -> dict[str, list[Cost]]:
    """Run all commands once a round, after one round that does not count."""
    costs: dict[str, list[Cost]] = {name: [] for name in commands}
    for number in range(rounds + 1):
        for name, command in commands.items():
            cost = once(command, cwd=cwd)
            if number:
                costs[name].append(cost)
    return costs


def table(costs: Mapping[str, Sequence[Cost]], *, against: str) -> str:
    """Return medians, and the median of the ratios round by round, as a table in Markdown."""
    lines = [
        f"| {'':34} | wall s | CPU s | peak MB | wall ratio | CPU ratio |",
        "|---|---|---|---|---|---|",
    ]
    for name, runs in costs.items():
        pairs = list(zip(runs, costs[against], strict=True))
        wall = median(a.wall_s / b.wall_s for a, b in pairs)
        cpu = median(a.cpu_s / b.cpu_s for a, b in pairs)
        lines.append(
            f"| {name:34} | {median(r.wall_s for r in runs):.3f} "
            f"| {median(r.cpu_s for r in runs):.3f} | {median(r.peak_mb for r in runs):.0f} "
            f"| {wall:.2f} | {cpu:.2f} |"
        )
    return "\n".join([*lines, ""])


def prefer_us() -> None:
    """Ask the kernel to serve what runs from here first, where its cgroups allow."""
    shares = Path("/sys/fs/cgroup/cpu/pytest-ddd-bench")
    try:
        shares.mkdir(exist_ok=True)
        (shares / "cpu.shares").write_text("40960")
        (shares / "cgroup.procs").write_text(str(os.getpid()))
    except OSError:
        print("no cgroup for the processor's time: on a loaded machine the numbers vary")

"""All benchmarks, one after the other, as one page of Markdown: `python -m benchmarks [NAME ...]`.

As root, on a machine that does nothing else; it takes some hours. Each benchmark runs by itself
too: `python -m benchmarks.fleet 50 0 9`.
"""

from __future__ import annotations

import os
import platform
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from pytest_ddd import clock

BENCHMARKS: Mapping[str, tuple[Sequence[str], ...]] = {
    "plugin_load": ((),),
    "baseline_load": ((),),
    "check_overhead": (("10000",), ("50000",)),
    "fleet": (
        *(("50", "0", "9"), ("50", "10", "9")),
        *(("10", "0", "5"), ("10", "10", "5")),
        *(("1", "0", "5"), ("1", "10", "5")),
    ),
    "many_hosts": ((),),
    "endpoints": ((),),
    "read_ahead": ((),),
    "evidence": ((),),
    "history": ((),),
    "log_review": (("5",),),
    "metric_queries": ((),),
    "report_in_browser": ((),),
}
"""Their arguments, run by run."""


def main(names: Sequence[str]) -> int:
    """Print the page; 1 when a benchmark missed a limit or did not come to its end."""
    if set(names) - set(BENCHMARKS):
        print(__doc__, "Benchmarks:", *BENCHMARKS, sep="\n  ")
        return 0 if names[0] in ("-h", "--help") else 4
    print(f"# Benchmarks\n\n{machine()}\n", flush=True)
    rows = [_run(name, words) for name in names or BENCHMARKS for words in BENCHMARKS[name]]
    print("| benchmark | within its limits | took |\n|---|---|---|")
    for title, status, took_s in rows:
        word = {0: "yes", 1: "**no**"}.get(status, f"**ended with {status}**")
        print(f"| {title} | {word} | {took_s:.0f} s |")
    return int(any(status for _, status, _ in rows))


def machine() -> str:
    """Say when and on what this was measured."""
    ssh = subprocess.run(["ssh", "-V"], capture_output=True, text=True, check=False).stderr
    return (
        f"Measured on {clock.now():%Y-%m-%d}: {os.cpu_count()} cores ({_processor()}), "
        f"{platform.freedesktop_os_release()['PRETTY_NAME']}, Linux {platform.release()}, "
        f"Python {platform.python_version()}, {ssh.split(',')[0] or 'no ssh'}; "
        f"load {os.getloadavg()[0]:.1f} at the beginning."
    )


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    models = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(models, platform.machine())


def _run(name: str, words: Sequence[str]) -> tuple[str, int, float]:
    """Run one benchmark, with what it prints in a section of its own."""
    title = " ".join((name, *words))
    print(f"## {title}\n", flush=True)
    began = time.monotonic()
    status = subprocess.run([sys.executable, "-m", f"benchmarks.{name}", *words], check=False)
    print(flush=True)
    return title, status.returncode, time.monotonic() - began


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

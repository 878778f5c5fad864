"""Ask pytest which checks each host would get: only it knows the checks of the user."""

from __future__ import annotations

import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from pytest_ddd.errors import UsageError

TIMEOUT_S = 120.0
_NOTHING_COLLECTED = 5
_ITEM = re.compile(r"(?P<file>[^\s:]+\.py)::(?P<function>\w+)(?:\[(?P<about>.*)\])?")
_ERROR = re.compile(r"^(E  |ERROR|pytest: |UsageError)")

Checks = dict[str, Counter[str]]
"""Host -> how many checks of each file; an empty name stands for what needs no host."""


def checks_of(root: Path, names: Sequence[str], hosts: Iterable[str]) -> Checks:
    """Return the checks that `pytest --host=…` would carry out; no host is asked for it.

    Raises:
        UsageError: pytest cannot collect the checks.
    """
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider"]
    command += [f"--ddd-baselines={root}", *(f"--ddd-host={name}" for name in names)]
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise UsageError(
            f"pytest did not collect the checks within {TIMEOUT_S:g} s",
            hint="pytest --collect-only",
        ) from None
    if done.returncode not in (0, _NOTHING_COLLECTED):
        raise UsageError(
            f"pytest cannot collect the checks: {_reason(done.stdout + done.stderr)}",
            hint="pytest --collect-only",
        )
    return _sorted_by_host(done.stdout, sorted(hosts, key=len, reverse=True))


def _sorted_by_host(text: str, hosts: Sequence[str]) -> Checks:
    found: Checks = {}
    for line in text.splitlines():
        item = _ITEM.fullmatch(line)
        if item is None or item["about"] == "not declared":
            continue
        about = f"{item['about'] or ''}-"
        host = next((name for name in hosts if about.startswith(f"{name}-")), "")
        name = Path(item["file"]).stem.removeprefix("test_").replace("_", "-")
        found.setdefault(host, Counter())[name] += 1
    return found


def _reason(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if _ERROR.match(line)]
    return "; ".join(lines[:3]) or text.strip()[-300:]

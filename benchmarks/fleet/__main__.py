"""Compare reading a fleet: `python -m benchmarks.fleet [HOSTS] [MILLISECONDS] [ROUNDS] [TOOL ...]`.

As root, in namespaces of its own. `--install` puts paramiko and pyinfra where it looks for them;
serverspec and ansible-core are Debian's. A tool that is not there is left out, and said to be.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import venv
from collections.abc import Sequence
from contextlib import nullcontext
from statistics import median

from benchmarks.fleet.hosts import Fleet, fleet
from benchmarks.fleet.tools import PEERS, TOOLS
from benchmarks.measure import Cost, once, prefer_us

NEEDS = {
    "serverspec": "rspec",
    "ansible-core": "ansible-playbook",
    "pyinfra facts": f"{PEERS}/bin/pyinfra",
    "testinfra paramiko": f"{PEERS}/bin/pytest",
}
HINT = "apt-get install ruby-serverspec ansible-core; python -m benchmarks.fleet --install"


def main(arguments: Sequence[str]) -> int:
    """Print one table; 1 when a tool did not find every host as it should be."""
    if arguments[:1] == ["--install"]:
        return _install()
    given = [*arguments[:3], *("50", "0", "9")[len(arguments) :]]
    if not all(one.isdecimal() for one in given) or set(arguments[3:]) - set(TOOLS):
        print(__doc__, "Tools:", *TOOLS, sep="\n  ")
        return 0 if arguments[0] in ("-h", "--help") else 4
    hosts, delay_ms, rounds = (int(one) for one in given)
    wanted = arguments[3:] or list(TOOLS)
    chosen = [name for name in wanted if shutil.which(NEEDS.get(name, "sh"))]
    for name in set(wanted) - set(chosen):
        print(f"left out, as it is not installed: {name} ({HINT})")
    prefer_us()
    with fleet(hosts) as made, made.far(delay_ms / 2000) if delay_ms else nullcontext():
        costs = _in_turn(made, chosen, rounds)
    print(
        f"{hosts} hosts, 20 checks each, {delay_ms} ms round trip, {rounds} rounds in turn, "
        f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}"
    )
    print(_table(costs))
    return int(any(cost.status for runs in costs.values() for cost in runs))


def _in_turn(made: Fleet, names: Sequence[str], rounds: int) -> dict[str, list[Cost]]:
    """Run each tool once a round, after one run of each that does not count."""
    commands = {name: TOOLS[name](made, made.names) for name in names}
    costs: dict[str, list[Cost]] = {name: [] for name in names}
    for number in range(rounds + 1):
        for name, (folder, command) in commands.items():
            cost = once([*made.enter(), *command], cwd=folder)
            if number or rounds == 1:
                costs[name].append(cost)
    return costs


def _table(costs: dict[str, list[Cost]]) -> str:
    """Return medians, and the median of the ratios to the plugin, round by round."""
    ours = next(iter(costs))
    lines = [
        f"| {'':28} | wall s | min..max | client CPU s | peak MB | wall, {ours} = 1 |",
        "|---|---|---|---|---|---|",
    ]
    for name, runs in costs.items():
        walls = [cost.wall_s for cost in runs]
        ratio = median(a / b.wall_s for a, b in zip(walls, costs[ours], strict=True))
        lines.append(
            f"| {name:28} | {median(walls):.2f} | {min(walls):.2f}..{max(walls):.2f} "
            f"| {median(cost.cpu_s for cost in runs):.2f} "
            f"| {median(cost.peak_mb for cost in runs):.0f} | {ratio:.2f} |"
        )
    return "\n".join(lines)


def _install() -> int:
    venv.create(PEERS, with_pip=True)
    packages = ["paramiko", "pyinfra", "pytest", "pytest-testinfra"]
    return subprocess.run([PEERS / "bin" / "pip", "install", *packages], check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

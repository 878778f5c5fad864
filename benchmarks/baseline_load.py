"""A baseline of a thousand hosts against one of one host: `python -m benchmarks.baseline_load`."""

from __future__ import annotations

import statistics
import sys
import tempfile
from pathlib import Path

from benchmarks.measure import in_turn, table

ROUNDS = 5
LIMIT_S = 3.0
"""For 51,000 entries: fifty-one limits on each of a thousand hosts."""

LOAD = """
import sys
from pathlib import Path
from pytest_ddd.baseline.loader import load_baseline
baseline = load_baseline(Path("baselines"), sys.argv[1])
assert all(len(one["thresholds"]) == 51 for one in baseline.for_host.values()), "not what was meant"
"""


def main() -> int:
    """Print medians; 1 when the large one costs more CPU time than the limit."""
    with tempfile.TemporaryDirectory() as folder:
        for name, hosts in (("one", 1), ("thousand", 1000)):
            _write(Path(folder, "baselines", name), hosts)
        costs = in_turn(
            {name: [sys.executable, "-c", LOAD, name] for name in ("one", "thousand")},
            cwd=Path(folder),
            rounds=ROUNDS,
        )
    print(table(costs, against="one"))
    cpu_s = statistics.median(cost.cpu_s for cost in costs["thousand"])
    print(f"a thousand hosts: {cpu_s:.2f} s CPU (limit {LIMIT_S:g} s)")
    failed = any(cost.status for runs in costs.values() for cost in runs)
    return int(failed or cpu_s > LIMIT_S)


def _write(folder: Path, count: int) -> None:
    folder.mkdir(parents=True)
    hosts = "".join(
        f"  h{n}:\n    connection: ssh://ops@10.0.{n // 250}.{n % 250}\n    groups: [web]\n"
        f"    set: {{thresholds: {{cpu: {{crit: {90 + n % 10}%}}}}}}\n"
        for n in range(count)
    )
    disks = "".join(f"  disk:/m{n}: {{warn: 80%, applies_to: [web]}}\n" for n in range(50))
    (folder / "hosts.yaml").write_text(f"hosts:\n{hosts}")
    (folder / "thresholds.yaml").write_text(f"thresholds:\n  cpu: {{warn: 80%}}\n{disks}")


if __name__ == "__main__":
    sys.exit(main())

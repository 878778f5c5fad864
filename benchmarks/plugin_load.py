"""What the plugin adds to a pytest run without checks: `python -m benchmarks.plugin_load`."""

from __future__ import annotations

import statistics
import sys
import tempfile
from pathlib import Path

from benchmarks.measure import in_turn, prefer_us, table

ROUNDS = 15
LIMIT_S = 0.050


def main() -> int:
    """Print medians with and without the plugin; 1 when it adds more CPU time than the limit."""
    prefer_us()
    pytest = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "test_one.py").write_text("def test_one():\n    pass\n")
        costs = in_turn(
            {"pytest without the plugin": [*pytest, "-p", "no:ddd"], "pytest with it": pytest},
            cwd=Path(folder),
            rounds=ROUNDS,
        )
    print(table(costs, against="pytest without the plugin"))
    pairs = zip(costs["pytest with it"], costs["pytest without the plugin"], strict=True)
    added_s = statistics.median(a.cpu_s - b.cpu_s for a, b in pairs)
    print(f"added CPU: {added_s * 1000:.0f} ms (limit {LIMIT_S * 1000:.0f} ms)")
    return int(added_s > LIMIT_S)


if __name__ == "__main__":
    sys.exit(main())

"""What a check costs over a bare pytest test: `python -m benchmarks.check_overhead [CHECKS]`."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from statistics import median

from benchmarks.measure import Cost, in_turn, table

CHECKS = 10_000
ROUNDS = 3
RECORDED_LIMIT_S = 0.0003
LIMIT_S = 0.00015
FAILED_LIMIT = 1.5
FAIL_EVERY = 20

HEAD = "import pytest\npytestmark = pytest.mark.daily\n\n"
TEST = """
@pytest.mark.parametrize("number", range({count}))
def test_one(number):
    assert number % {fail_every}{condition}
"""


def main() -> int:
    """Print medians; 1 when a check costs more than it may."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else CHECKS
    pytest = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--tb=line"]
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        _write(root, count)
        costs = in_turn(
            {
                "pytest alone": [*pytest, "-p", "no:ddd", "bare"],
                "checks, no record": [*pytest, "--ddd-evidence=off", "checks/test_good.py"],
                "checks, record and report": [*pytest, "checks/test_good.py"],
                "1 in 20 of them red": [*pytest, "checks/test_bad.py"],
            },
            cwd=root,
            rounds=ROUNDS,
        )
    print(table(costs, against="pytest alone"))
    return _judge(costs, count)


def _judge(costs: dict[str, list[Cost]], count: int) -> int:
    bare = costs["pytest alone"]
    each = {name: _added_s(runs, bare) / count for name, runs in costs.items()}
    for name, added_s in each.items():
        print(f"{name:34} {added_s * 1000:8.3f} ms CPU a check over pytest alone")
    good, bad = costs["checks, record and report"], costs["1 in 20 of them red"]
    ratio = median(b.cpu_s / g.cpu_s for g, b in zip(good, bad, strict=True))
    print(f"with {count // FAIL_EVERY} red ones {ratio:.2f} times the CPU of the same without")
    within = each["checks, record and report"] < RECORDED_LIMIT_S
    return int(not within or each["checks, no record"] >= LIMIT_S or ratio > FAILED_LIMIT)


def _added_s(runs: Sequence[Cost], bare: Sequence[Cost]) -> float:
    return median(a.cpu_s - b.cpu_s for a, b in zip(runs, bare, strict=True))


def _write(root: Path, count: int) -> None:
    good = TEST.format(count=count, fail_every=FAIL_EVERY, condition=" != 20")
    bad = TEST.format(count=count, fail_every=FAIL_EVERY, condition=" != 1")
    files = {
        "pyproject.toml": "[tool.pytest]\n",
        "baselines/local.yaml": "hosts: {localhost: {connection: 'local://'}}\n",
        "bare/test_bare.py": f"import pytest\n{good}",
        "checks/test_good.py": HEAD + good,
        "checks/test_bad.py": HEAD + bad,
    }
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)


if __name__ == "__main__":
    sys.exit(main())

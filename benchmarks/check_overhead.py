"""What a check costs over a bare pytest test: `python -m benchmarks.check_overhead [CHECKS]`.

The slope between a tenth of the checks and all of them, so that start-up does not count.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median

from benchmarks.measure import Cost, in_turn, prefer_us, table

CHECKS = 10_000
ROUNDS = 3
LIMITS_S = {
    "checks, nothing kept": 0.00015,
    "checks, record and report": 0.0003,
    "checks, history, record and report": 0.0006,
}
BARE, RED, GREEN = "pytest alone", "1 in 20 of them red", "checks, history, record and report"
FAILED_LIMIT = 1.5
FAIL_EVERY = 20

HEAD = "import pytest\npytestmark = pytest.mark.daily\n\n"
TEST = """
@pytest.mark.parametrize("number", range({count}))
def test_one(number):
    assert number % {fail_every}{condition}
"""
OPTIONS = {
    BARE: ["-p", "no:ddd", "bare"],
    "checks, nothing kept": ["--ddd-evidence=off", "--ddd-history=off", "checks/test_good.py"],
    "checks, record and report": ["--ddd-history=off", "checks/test_good.py"],
    GREEN: ["checks/test_good.py"],
    RED: ["checks/test_bad.py"],
}


def main() -> int:
    """Print medians; 1 when a check costs more than it may."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else CHECKS
    few = count // 10
    prefer_us()
    pytest = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--tb=line"]
    commands = {name: [*pytest, *options] for name, options in OPTIONS.items()}
    with tempfile.TemporaryDirectory() as folder:
        costs = {}
        for size in (few, count):
            root = Path(folder, str(size))
            _write(root, size)
            costs[size] = in_turn(commands, cwd=root, rounds=ROUNDS)
    print(table(costs[count], against=BARE))
    return _judge(costs[few], costs[count], count - few)


def _judge(few: Mapping[str, Sequence[Cost]], many: Mapping[str, Sequence[Cost]], more: int) -> int:
    """Print what each further check costs; 1 when that is too much."""
    each_s = {name: _slope_s(few[name], many[name], more) for name in many}
    print(f"Each further one costs {each_s[BARE] * 1000:.3f} ms CPU in pytest alone, and beyond:\n")
    failed = False
    for name, limit_s in LIMITS_S.items():
        added_s = each_s[name] - each_s[BARE]
        print(f"- {name}: {added_s * 1000:.3f} ms (limit {limit_s * 1000:g} ms)")
        failed |= added_s >= limit_s
    ratio = median(b.cpu_s / g.cpu_s for g, b in zip(many[GREEN], many[RED], strict=True))
    print(f"- {RED}: {ratio:.2f} times the CPU of the same without (limit {FAILED_LIMIT})")
    return int(failed or ratio > FAILED_LIMIT)


def _slope_s(few: Sequence[Cost], many: Sequence[Cost], more: int) -> float:
    return (median(cost.cpu_s for cost in many) - median(cost.cpu_s for cost in few)) / more


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
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


if __name__ == "__main__":
    sys.exit(main())

"""The log probe against grep over the same file: `python -m benchmarks.log_review [GIGABYTES]`."""

from __future__ import annotations

import sys
import tempfile
from datetime import timedelta
from pathlib import Path

from benchmarks.measure import in_turn, table
from pytest_ddd import clock

ROUNDS = 3
LIMIT = 1.5
PATTERN = "PANIC|out of memory"
PROBE = """
import sys
from datetime import timedelta
from pytest_ddd import clock
from pytest_ddd.baseline.model import Declaration
from pytest_ddd.baseline.sections.logs import Log as Model
from pytest_ddd.connections import Connections, parse_hostspec
from pytest_ddd.probes.logs import Log

model = Model(path=sys.argv[1], critical=sys.argv[2].split("|"), timeout="600s")
connections = Connections({"here": parse_hostspec("local://", name="here")})
declaration = Declaration(section="logs", key="big", model=model, origins={})
log = Log(
    declaration=declaration,
    host="here",
    connections=connections,
    since=clock.now() - timedelta(days=2),
)
found = log.read().critical.value
connections.close()
sys.exit(found != 1)
"""


def main() -> int:
    """Print medians; 1 when the probe takes more than 1.5 times as long as grep."""
    size = float(sys.argv[1]) if len(sys.argv) > 1 else 5.0
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
        log = _make(Path(folder, "big.log"), int(size * 1e9))
        grep = ["sh", "-c", f"LC_ALL=C grep -aE '{PATTERN}' {log} | cat"]
        probe = [sys.executable, "-c", PROBE, str(log), PATTERN]
        costs = in_turn({"grep -aE": grep, "log probe": probe}, cwd=Path(folder), rounds=ROUNDS)
    print(table(costs, against="grep -aE"))
    ratios = sorted(
        a.wall_s / b.wall_s for a, b in zip(costs["log probe"], costs["grep -aE"], strict=True)
    )
    return int(ratios[len(ratios) // 2] > LIMIT)


def _make(path: Path, size_bytes: int) -> Path:
    """Write lines as a busy server does, and one that matters in the last tenth."""
    hour = (clock.now() - timedelta(hours=2)).strftime("%Y-%m-%dT%H")
    line = (
        f"{hour}:{{:02d}}:{{:02d}}Z web1 shop[{{}}]: GET /item/{{}} 200 {{}} ms agent=Mozilla/5.0\n"
    )
    lines = (line.format(n // 60 % 60, n % 60, n, n * 7919 % 99991, n % 900) for n in range(20000))
    block = "".join(lines)
    blocks = size_bytes // len(block)
    with path.open("w") as file:
        for number in range(blocks):
            file.write(block)
            if number == blocks * 9 // 10:
                file.write(f"{hour}:59:59Z db1 postgres[1]: PANIC: could not write\n")
    return path


if __name__ == "__main__":
    sys.exit(main())

"""200 Prometheus queries read at once: `python -m benchmarks.metric_queries [COUNT]`."""

from __future__ import annotations

import sys
import time
from concurrent.futures import ThreadPoolExecutor
from statistics import median

from pytest_ddd.baseline.model import Declaration
from pytest_ddd.baseline.sections.metrics import Metric as Model
from pytest_ddd.probes.metrics import Metric
from tests.lab.reap import Ledger
from tests.lab.svc.prometheus import Prometheus
from tests.unit.probes.metric_site import FROM_HERE

COUNT = 200
ROUNDS = 5
WORKERS = 64
LIMIT, SPARE_S = 1.3, 1.0
DAY_S, STEP_S = 86400, 60


def main() -> int:
    """Print both walls; 1 when all at once take more than 1.3 times the slowest one plus 1 s."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else COUNT
    ledger = Ledger.open()
    try:
        with Prometheus(ledger, history=_history()) as server:
            rounds = [_round(server.url, count) for _ in range(ROUNDS + 1)][1:]
    finally:
        ledger.close()
    together = median(wall for wall, _ in rounds)
    slowest = median(slowest for _, slowest in rounds)
    allowed = LIMIT * slowest + SPARE_S
    print(f"{count} queries at once {together:.3f} s; slowest one alone {slowest:.3f} s")
    print(f"allowed {LIMIT} x slowest + {SPARE_S} s = {allowed:.3f} s")
    return int(together > allowed)


def _round(url: str, count: int) -> tuple[float, float]:
    alone = []
    for metric in _metrics(url, count):
        began = time.perf_counter()
        metric.read()
        alone.append(time.perf_counter() - began)
    fresh = _metrics(url, count)
    began = time.perf_counter()
    with ThreadPoolExecutor(WORKERS) as pool:
        for measured in pool.map(lambda metric: metric.read(), fresh):
            assert measured.readings
    return time.perf_counter() - began, max(alone)


def _metrics(url: str, count: int) -> list[Metric]:
    """Return metrics of every kind: one value now, and a day of samples every tenth time."""
    made = []
    for number in range(count):
        query: dict[str, object] = {"url": url, "query": f"latency_seconds + {number}"}
        baseline = {"value": number + 1.0}
        if number % 10 == 0:
            query["over"] = "23h"
            baseline = {"mean": number + 1.0, "p95": number + 1.0}
        model = Model.model_validate({"prometheus": query, "baseline": baseline})
        key = f"m{number}"
        declaration = Declaration(section="metrics", key=key, model=model, origins={})
        made.append(Metric(declaration, target="prod", scope=FROM_HERE))
    return made


def _history() -> str:
    end = int(time.time()) // STEP_S * STEP_S
    lines = ["# TYPE latency_seconds gauge"]
    lines += [f"latency_seconds 0.25 {at}" for at in range(end - DAY_S, end + STEP_S, STEP_S)]
    return "\n".join([*lines, "# EOF\n"])


if __name__ == "__main__":
    sys.exit(main())

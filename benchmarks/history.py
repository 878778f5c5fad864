"""What it costs to remember: one result at a time, an import, and objectives over many results.

    python -m benchmarks.history

Limits: 0.3 ms CPU a result; an import at most 1.5 times what SQLAlchemy Core needs for the same
rows by `executemany`; objectives over 1,000,000 results in less than a second.
"""

from __future__ import annotations

import sys
import tempfile
import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any

from sqlalchemy import insert

from pytest_ddd.analysis.objective_table import LONGEST_DAYS, OBJECTIVES, READINGS
from pytest_ddd.analysis.objectives import judge
from pytest_ddd.history import lines, measures, rows, runs, tables
from pytest_ddd.history.importing import Import
from pytest_ddd.history.records import RunEnd, RunStart
from pytest_ddd.history.store import Store
from pytest_ddd.history.tally import Tally
from pytest_ddd.outcomes import Outcome
from pytest_ddd.results import CheckResult, Limit, Origin, Reading, Threshold, to_record

RESULTS = 100_000
LIVE = 2_000
RUNS, RESULTS_A_RUN = 715, 1_400
ROUNDS = 3
NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
_THRESHOLD = Threshold(
    warn=Limit(value=80.0, origin=Origin(file="baselines/prod/thresholds.yaml", line=11)),
    crit=Limit(value=90.0, origin=Origin(file="baselines/prod/thresholds.yaml", line=12)),
    unit="%",
)


def start(day: int) -> RunStart:
    """Return a scheduled run of so many days ago."""
    at = NOW - timedelta(days=day)
    return RunStart(
        run_id=uuid.uuid4().hex,
        environment="prod",
        scenario="morning-health-check",
        kind="scheduled",
        due_at=at,
        started_at=at,
        budget_s=900.0,
    )


def result(of: RunStart, number: int) -> CheckResult:
    """Return a result with one reading; one in a hundred is yellow."""
    outcome = Outcome.YELLOW if number % 100 == 0 else Outcome.GREEN
    return CheckResult(
        result_id=uuid.uuid4().hex,
        run_id=of.run_id,
        environment=of.environment,
        scenario=of.scenario,
        step=2,
        check_id="morning-health-check/resource",
        target=f"web{number % 100}",
        entry=f"disk:/var/{number // 100 % 14}",
        nodeid=f"checks/daily/test_morning_health_check.py::test_resource[web{number}]",
        outcome=outcome,
        reason="disk /var 41 % < warn 80 % (baselines/prod/thresholds.yaml:11)",
        readings=(
            Reading(
                name="disk /var",
                value=41.0,
                unit="%",
                source="df -P /var",
                at=of.started_at,
                threshold=_THRESHOLD,
                outcome=outcome,
            ),
        ),
        started_at=of.started_at,
        title="Resource utilization is below its limits.",
    )


def records(of: RunStart, count: int) -> list[dict[str, Any]]:
    """Return records of so many results, made from one: redaction is not what is measured."""
    template = dict(to_record(result(of, 1)))
    return [
        template
        | {
            "result_id": uuid.uuid4().hex,
            "target": f"web{number % 100}",
            "entry": f"disk:/var/{number // 100 % 14}",
            "outcome": "YELLOW" if number % 100 == 0 else "GREEN",
        }
        for number in range(count)
    ]


def cpu_s(act: Callable[[], object]) -> float:
    """Return the CPU seconds of this process that an act takes."""
    before = time.process_time()
    act()
    return time.process_time() - before


def live(directory: Path) -> float:
    """Return CPU milliseconds a result, each in a transaction of its own."""
    of = start(0)
    results = [result(of, number) for number in range(LIVE)]
    with Store.open(f"sqlite:///{directory / 'live.db'}", directory) as store:
        with store.transaction() as tx:
            key = runs.begin(tx, of)

        def write() -> None:
            for seq, one in enumerate(results, start=1):
                with store.transaction() as tx:
                    runs.add(tx, key, seq, one)

        return cpu_s(write) / LIVE * 1000


def importing(directory: Path, name: str, made_of: list[dict[str, Any]]) -> tuple[float, float]:
    """Return CPU seconds of `executemany` and of an import of the same results."""
    file = directory / f"{name}.jsonl"
    file.write_text("".join(map(lines.of_record, made_of)), encoding="utf-8")
    with Store.open(f"sqlite:///{directory / f'{name}-core.db'}", directory) as store:
        with store.transaction() as tx:
            key = runs.begin(tx, start(0))
        made = [rows.of_record(record, key, seq) for seq, record in enumerate(made_of, start=1)]
        of_results = [row for row, _ in made]
        of_readings = [reading for _, readings in made for reading in readings]

        def core() -> None:
            with store.transaction() as tx:
                tx.execute(insert(tables.RESULTS), of_results)
                tx.execute(insert(tables.READINGS), of_readings)

        core_s = cpu_s(core)
    with Store.open(f"sqlite:///{directory / f'{name}-import.db'}", directory) as store:
        import_s = cpu_s(lambda: Import(store, evaluated=True).read(file))
    return core_s, import_s


def objectives(directory: Path) -> float:
    """Return wall seconds of all objectives over a million results."""
    with Store.open(f"sqlite:///{directory / 'objectives.db'}", directory) as store:
        for day in range(RUNS):
            of, tally, made = start(day), Tally(), []
            with store.transaction() as tx:
                key = runs.begin(tx, of)
                for seq, record in enumerate(records(of, RESULTS_A_RUN), start=1):
                    row, readings = rows.of_record(record, key, seq)
                    tally.add(row)
                    made.append((row, readings))
                tx.execute(insert(tables.RESULTS), [row for row, _ in made])
                tx.execute(insert(tables.READINGS), [one for _, many in made for one in many])
                end = RunEnd(finished_at=of.started_at, kind="scheduled", outcome=Outcome.YELLOW)
                runs.finish(tx, key, end, tally)
        taken = []
        for _ in range(ROUNDS):
            began = time.perf_counter()
            with store.reading() as tx:
                since = NOW - timedelta(days=LONGEST_DAYS)
                gathered = measures.gather(tx, "prod", since, NOW, READINGS)
            for one in OBJECTIVES:
                judge(one, "prod", gathered, NOW)
            taken.append(time.perf_counter() - began)
    return median(taken)


def main() -> int:
    """Measure, print, and return 1 when a limit is not kept."""
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        live_ms = median(live(Path(tempfile.mkdtemp(dir=directory))) for _ in range(ROUNDS))
        print(f"live: {live_ms:.3f} ms CPU a result (limit 0.3)", flush=True)
        of = start(0)
        every = records(of, RESULTS)
        pairs = [importing(directory, str(number), every) for number in range(ROUNDS)]
        core_s, import_s = (median(one) for one in zip(*pairs, strict=True))
        ratio = median(mine / core for core, mine in pairs)
        print(f"executemany of {RESULTS:,} results: {core_s:.2f} s CPU")
        print(
            f"history import of the same: {import_s:.2f} s CPU, {ratio:.2f} times (limit 1.5)",
            flush=True,
        )
        objectives_s = objectives(directory)
        print(f"objectives over {RUNS * RESULTS_A_RUN:,} results: {objectives_s:.3f} s (limit 1)")
    return int(live_ms > 0.3 or ratio > 1.5 or objectives_s > 1)


if __name__ == "__main__":
    sys.exit(main())

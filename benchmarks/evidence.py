"""What evidence costs: `python -m benchmarks.evidence [CHECKS]`, 50,000 by default."""

from __future__ import annotations

import resource
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from pytest_ddd.evidence.account import Account, account
from pytest_ddd.evidence.facts import Plan, RunFacts
from pytest_ddd.evidence.keeper import Keeper
from pytest_ddd.evidence.report import write_report
from pytest_ddd.evidence.sources import DirectorySource, open_package
from pytest_ddd.evidence.summary import summarize
from pytest_ddd.evidence.verification import verify
from pytest_ddd.outcomes import Outcome
from pytest_ddd.results import CheckResult, from_record, to_record
from tests.unit.evidence.samples import FACTS, disk, result

T = TypeVar("T")

CHECKS = 50_000
LIMIT_A_CHECK_S = 0.0003
"""Record, chain and report together."""

LIMIT_SEAL_S = 5.0
"""Sealing and verifying 50,000 records."""

_BAD_EVERY = 200
_ENTRIES_A_HOST = 20


def sample(checks: int) -> list[CheckResult]:
    """Return results as a run has them: one in 200 is red."""
    return [_one(number) for number in range(checks)]


def _one(number: int) -> CheckResult:
    bad = number % _BAD_EVERY == _BAD_EVERY - 1
    host, entry = f"web{number // _ENTRIES_A_HOST}", f"disk:/srv/{number % _ENTRIES_A_HOST}"
    value = 93.0 if bad else 41.0
    reading = replace(
        disk(value), detail="/dev/vda2 41152736 16872621 22 41% /var\n", digest="ab" * 32
    )
    return result(
        Outcome.RED if bad else Outcome.GREEN,
        target=host,
        entry=entry,
        step=1 + number % 5,
        nodeid=f"checks/daily/test_morning_health_check.py::test_resource_usage[{host}-{entry}]",
        readings=(reading,),
        reason=f"disk /var {value} % (baselines/prod/thresholds.yaml:12)",
    )


def facts_of(results: list[CheckResult]) -> RunFacts:
    """Return facts that have all results planned."""
    return replace(FACTS, plan=Plan(checks=tuple(one.nodeid for one in results)))


def account_of(results: list[CheckResult]) -> Account:
    """Return the account of a whole run."""
    return account(summarize(facts_of(results), results), results)


def _write(keeper: Keeper, results: list[CheckResult]) -> None:
    for one in results:
        keeper.add(one, {})


def _cpu(name: str, checks: int, work: Callable[[], T]) -> tuple[float, T]:
    began, wall = time.process_time(), time.perf_counter()
    found = work()
    used, took = time.process_time() - began, time.perf_counter() - wall
    memory_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    each = used / checks * 1e6
    print(
        f"{name:34} {used:7.2f} s CPU {took:7.2f} s wall {each:6.0f} µs each, peak {memory_mb} MB"
    )
    return used, found


def main() -> int:
    """Print the costs; 1 when a limit is missed."""
    checks = int(sys.argv[1]) if len(sys.argv) > 1 else CHECKS
    results = sample(checks)
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        travel, records = _cpu(
            "worker: result to record", checks, lambda: [*map(to_record, results)]
        )
        back, _ = _cpu("controller: record to result", checks, lambda: [*map(from_record, records)])
        start, keeper = _cpu("start", checks, lambda: Keeper(root, facts_of(results), None))
        write, _ = _cpu("record and chain", checks, lambda: _write(keeper, results))
        count, run = _cpu("summary and population", checks, lambda: account_of(results))
        page, _ = _cpu("report.html alone", checks, lambda: write_report(root, run))
        seal, sealed = _cpu(
            "seal (all files, ZIP)", checks, lambda: keeper.seal(run.summary, results)
        )
        source = DirectorySource(sealed.directory)
        check, found = _cpu("verify the directory", checks, lambda: verify(source))
        packed = open_package(sealed.archive)
        again, also = _cpu("verify the ZIP", checks, lambda: verify(packed))
        packed.close()
        size_mb = sealed.archive.stat().st_size / 1e6
    assert not found.problems
    assert not also.problems
    each_s = (travel + back + start + write + count + page) / checks
    sealing_s = seal - page + again
    print(f"record, chain, report: {each_s * 1e6:.0f} µs each (limit {LIMIT_A_CHECK_S * 1e6:.0f})")
    print(f"seal, without report, and verify: {sealing_s:.2f} s (limit {LIMIT_SEAL_S:.0f})")
    print(f"{size_mb:.1f} MB ZIP; directory verified in {check:.2f} s")
    return int(each_s > LIMIT_A_CHECK_S or sealing_s > LIMIT_SEAL_S)


if __name__ == "__main__":
    sys.exit(main())

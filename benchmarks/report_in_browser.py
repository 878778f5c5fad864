"""How fast report.html opens in Chromium: `python -m benchmarks.report_in_browser`."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from benchmarks.evidence import account_of, sample
from pytest_ddd.evidence.report import write_report
from tests.support.chromium import Chromium, chromium

LIMITS = {10_000: (1.0, 400), 50_000: (4.0, 900)}
"""Results -> main-thread seconds and megabytes."""

_IDLE = "new Promise(done => requestAnimationFrame(() => setTimeout(done, 300)))"

_SEARCH = """(() => {
    const field = document.getElementById('f-text');
    field.value = 'web7';
    field.dispatchEvent(new Event('input'));
})()"""


def _work_s(browser: Chromium, act: str) -> float:
    before = browser.metric("TaskDuration")
    browser.ask(act)
    browser.ask(_IDLE)
    return browser.metric("TaskDuration") - before


def main() -> int:
    """Print main-thread time and memory; 1 when a limit is missed."""
    missed = 0
    for results, (limit_s, limit_mb) in LIMITS.items():
        with tempfile.TemporaryDirectory() as folder, chromium(Path(folder, "p")) as browser:
            page = write_report(Path(folder), account_of(sample(results)))
            browser.call("Performance.disable")
            browser.call("Performance.enable", timeDomain="threadTicks")
            before = browser.metric("TaskDuration")
            browser.open(page)
            browser.ask(_IDLE)
            load_s = browser.metric("TaskDuration") - before
            memory_mb = browser.memory_bytes() / 1e6
            rows = browser.ask("document.querySelectorAll('.row').length")
            bad_s = _work_s(browser, "document.getElementById('f-bad').click()")
            all_s = _work_s(browser, "document.getElementById('f-all').click()")
            search_s = _work_s(browser, _SEARCH)
        print(
            f"{rows:,} results: opened in {load_s:.2f} s main-thread time (limit {limit_s}), "
            f"{memory_mb:.0f} MB (limit {limit_mb}); only bad ones {bad_s:.2f} s, all again "
            f"{all_s:.2f} s, search {search_s:.2f} s"
        )
        missed += rows != results or load_s > limit_s or memory_mb > limit_mb
    return int(missed > 0)


if __name__ == "__main__":
    sys.exit(main())

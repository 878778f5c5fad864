"""Big logs: every line counts, in little memory; `benchmarks.log_review` holds the speed against grep."""

from __future__ import annotations

import resource
from pathlib import Path

import pytest

from tests.unit.probes.logs.site import Logs, Way


def test_a_million_matching_lines_are_counted_exactly(tmp_path: Path) -> None:
    logs = Logs(tmp_path, Way())
    line = logs.line("ERROR worker gave up on an order", hours=1)
    logs.write(line * 999_999 + logs.line("CRITICAL disk", hours=1))
    assert logs.counts() == (1, 999_999)


def test_many_matching_lines_take_little_memory(tmp_path: Path) -> None:
    logs = Logs(tmp_path, Way())
    logs.write(logs.line("ERROR worker gave up on an order", hours=1) * 200_000)
    limited = Logs(tmp_path, Way("sh", "-c", 'ulimit -v 100000; exec "$@"', "sh"))
    assert limited.counts(ignore=["nothing"]) == (0, 200_000)


def test_too_many_lines_are_told_as_at_least(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pytest_ddd.probes.log_search.command.MOST_LINES", 10_000)
    logs = Logs(tmp_path, Way())
    logs.write("ERROR\n" * 100_000)
    review = logs.review()
    assert review.errors.value == 10_000
    assert "at least" in review.problems[0].text


def test_counting_goes_on_while_nothing_is_red(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pytest_ddd.probes.log_search.command.MOST_LINES", 10_000)
    logs = Logs(tmp_path, Way())
    logs.write("ERROR known\n" * 100_000 + "CRITICAL\n")
    assert logs.counts(ignore=["known"]) == (1, 0)


def test_the_prober_itself_keeps_nothing(tmp_path: Path) -> None:
    logs = Logs(tmp_path, Way())
    logs.write("ERROR of some length and more\n" * 400_000)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    logs.review()
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 2048

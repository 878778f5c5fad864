"""The ledger, the period that it shows, and what pruning leaves."""

from __future__ import annotations

import json
import os
import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pytest_ddd import clock
from pytest_ddd.errors import RecordError, UsageError
from pytest_ddd.evidence import pruning
from pytest_ddd.evidence.ledger import Entry, append, end_of, read_ledger
from pytest_ddd.evidence.period import Expected, period, read_expected, told
from pytest_ddd.evidence.sources import DirectorySource
from pytest_ddd.evidence.verification import verify
from tests.unit.evidence.packages import record, sealed
from tests.unit.evidence.samples import START

DAY = timedelta(days=1)


def entry(number: int = 0, **changes: object) -> Entry:
    made = Entry(
        what="sealed",
        name=f"run-{number}",
        sums=f"{number:064x}",
        run_id=f"id-{number}",
        environment="prod",
        scenario="morning-health-check",
        kind="scheduled",
        started_at=START + number * DAY,
        finished_at=START + number * DAY,
        outcome="GREEN",
        complete=True,
        at=START,
        by="mira",
    )
    return replace(made, **changes)  # type: ignore[arg-type]  # names of fields


@pytest.fixture
def ledger(tmp_path: Path) -> Path:
    file = tmp_path / "ledger.jsonl"
    for number in range(3):
        append(file, entry(number))
    return file


def test_lines_come_back_in_order(ledger: Path) -> None:
    assert read_ledger(ledger).entries == (entry(0), entry(1), entry(2))


def test_where_it_ends_is_known_without_reading_all(ledger: Path) -> None:
    assert end_of(ledger) == read_ledger(ledger).end


def test_a_ledger_that_is_not_there_is_empty(tmp_path: Path) -> None:
    assert read_ledger(tmp_path / "none").end == end_of(tmp_path / "none")


@pytest.mark.parametrize("line", [0, 1, 2])
def test_a_changed_line_is_found(ledger: Path, line: int) -> None:
    end = read_ledger(ledger).end
    lines = ledger.read_bytes().splitlines(keepends=True)
    lines[line] = lines[line].replace(b"GREEN", b"RED")
    ledger.write_bytes(b"".join(lines))
    found = read_ledger(ledger)
    assert found.damage or not found.holds(end)


def test_a_line_that_was_taken_away_is_found(ledger: Path) -> None:
    lines = ledger.read_bytes().splitlines(keepends=True)
    ledger.write_bytes(lines[0] + lines[2])
    assert "ledger.jsonl:2" in read_ledger(ledger).damage[0]


def test_half_a_line_of_a_killed_process_is_written_over(ledger: Path) -> None:
    os.truncate(ledger, ledger.stat().st_size - 30)
    append(ledger, entry(7))
    found = read_ledger(ledger)
    assert ([one.name for one in found.entries], found.damage) == (["run-0", "run-1", "run-7"], ())


def test_a_damaged_last_line_is_not_continued(ledger: Path) -> None:
    ledger.write_bytes(ledger.read_bytes() + b"nonsense\n")
    with pytest.raises(RecordError, match="last line is damaged"):
        append(ledger, entry(4))


def test_runs_at_the_same_time_all_have_their_line(tmp_path: Path) -> None:
    file = tmp_path / "ledger.jsonl"
    threads = [threading.Thread(target=append, args=(file, entry(n))) for n in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = read_ledger(file)
    assert (len(found.entries), found.damage) == (20, ())


def test_a_package_is_verified_against_the_ledger(tmp_path: Path) -> None:
    sealed(tmp_path)
    second = sealed(tmp_path, run_id="second")
    source, file = DirectorySource(second.directory), tmp_path / "ledger.jsonl"
    assert verify(source, ledger=file).problems == []

    lines = file.read_bytes().splitlines(keepends=True)
    file.write_bytes(lines[1])
    problems = verify(source, ledger=file).problems
    assert any("are gone or changed" in one for one in problems)

    file.write_bytes(lines[0])
    assert "ledger.jsonl: does not name this package" in verify(source, ledger=file).problems

    file.unlink()
    assert verify(source, ledger=file).problems == ["ledger.jsonl: no ledger there"]


def test_two_packages_of_one_run_are_found(tmp_path: Path) -> None:
    done = sealed(tmp_path)
    file = tmp_path / "ledger.jsonl"
    (first,) = read_ledger(file).entries
    append(file, replace(first, sums="0" * 64))
    (problem,) = verify(DirectorySource(done.directory), ledger=file).problems
    assert "names another package of this run" in problem


def due(day: int, **changes: str) -> Expected:
    at = START + day * DAY - timedelta(minutes=5)
    made = Expected(
        scenario="morning-health-check",
        environment="prod",
        due_at=at,
        until=at + timedelta(hours=2),
    )
    return replace(made, **changes)  # type: ignore[arg-type]  # names of fields


def words(file: Path, *expected: Expected) -> list[str]:
    found = period(read_ledger(file), expected, START - DAY, START + 30 * DAY)
    return [one.word for one in found.due]


def test_what_was_due_and_run_is_told_by_its_outcome(ledger: Path) -> None:
    assert words(ledger, due(0), due(1), due(2)) == ["GREEN", "GREEN", "GREEN"]


def test_what_was_due_and_not_run_is_missed(ledger: Path) -> None:
    assert words(ledger, due(2), due(3)) == ["GREEN", "missed"]


def test_a_run_that_came_too_late_does_not_count(ledger: Path) -> None:
    append(ledger, entry(5, started_at=START + 5 * DAY + timedelta(hours=3)))
    assert words(ledger, due(5)) == ["missed"]


def test_a_run_that_did_not_end_is_no_occurrence(ledger: Path) -> None:
    append(ledger, entry(6, complete=False))
    found = period(read_ledger(ledger), [due(6)], START, START + 30 * DAY)
    assert ([one.word for one in found.due], found.status) == (["incomplete"], 5)


def test_a_whole_run_is_taken_before_a_broken_one(ledger: Path) -> None:
    append(ledger, entry(6, complete=False))
    append(ledger, entry(6, name="again", started_at=START + 6 * DAY + timedelta(minutes=9)))
    assert words(ledger, due(6)) == ["GREEN"]


def test_one_run_stands_for_one_occurrence(ledger: Path) -> None:
    assert words(ledger, due(0), due(0)) == ["GREEN", "missed"]


@pytest.mark.parametrize("change", [{"environment": "test"}, {"scenario": "other"}])
def test_a_run_of_something_else_does_not_count(ledger: Path, change: dict[str, str]) -> None:
    assert words(ledger, due(0, **change)) == ["missed"]


@pytest.mark.parametrize("kind", ["ad-hoc", "gate"])
def test_a_run_that_no_schedule_asked_for_is_no_occurrence(ledger: Path, kind: str) -> None:
    """Part of a routine, done by hand, is whole in itself and not what was due."""
    append(ledger, entry(6, kind=kind))
    found = period(read_ledger(ledger), [due(6)], START + 5 * DAY, START + 30 * DAY)
    assert ([one.word for one in found.due], found.status) == (["missed"], 5)
    assert [one.kind for one in found.others] == [kind]


def test_a_run_that_was_due_in_the_period_may_begin_after_it(ledger: Path) -> None:
    found = period(read_ledger(ledger), [due(1)], START, START + DAY - timedelta(minutes=1))
    assert [one.word for one in found.due] == ["GREEN"]
    after = period(read_ledger(ledger), [due(1), due(2)], START + DAY, START + 9 * DAY)
    assert [one.name for one in after.others] == ["run-1"]


def test_only_what_lies_in_the_period_counts(ledger: Path) -> None:
    start = START + DAY - timedelta(hours=1)
    found = period(read_ledger(ledger), [due(0), due(2)], start, start + DAY)
    assert (found.due, [one.name for one in found.others]) == ((), ["run-1"])


def test_a_period_is_told_in_lines(ledger: Path) -> None:
    text = "\n".join(
        told(period(read_ledger(ledger), [due(0), due(9)], START - DAY, START + 30 * DAY))
    )
    assert "missed         due 2026-12-02 07:25  prod morning-health-check" in text
    assert "1 of 2 expected runs done to the end, 1 missed, 0 incomplete; 2 other runs" in text


def test_where_nothing_was_due_nothing_is_missed(ledger: Path) -> None:
    found = period(read_ledger(ledger), (), START, START + 30 * DAY)
    assert "nothing was expected, so nothing can be missed" in list(told(found))[-1]
    assert found.status == 0


def test_where_nobody_knows_what_was_due_nothing_is_promised(ledger: Path) -> None:
    found = period(read_ledger(ledger), None, START, START + 30 * DAY)
    assert "nobody knows what was due" in list(told(found))[-1]
    assert found.status == 5


def test_expected_runs_are_read_from_lines(tmp_path: Path) -> None:
    file = tmp_path / "due.jsonl"
    line = {
        "scenario": "s",
        "environment": "e",
        "due_at": "2026-11-23T07:30:00Z",
        "until": "2026-11-23T09:00:00Z",
    }
    file.write_text(json.dumps(line) + "\n")
    (found,) = read_expected(file)
    assert found.due_at == datetime(2026, 11, 23, 7, 30, tzinfo=UTC)


@pytest.mark.parametrize("line", ["nonsense", "[]", '{"scenario": "s"}', "[" * 100_000])
def test_a_line_that_is_no_expected_run_is_told_with_its_place(tmp_path: Path, line: str) -> None:
    (tmp_path / "due").write_text(line + "\n")
    with pytest.raises(UsageError, match=r"due:1: "):
        read_expected(tmp_path / "due")


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: START + timedelta(days=100))


def due_names(root: Path, *rules: str) -> list[str]:
    plan = pruning.plan(root, [pruning.parse_rule(rule) for rule in rules])
    return [one.entry.run_id for one in plan.due]


@pytest.mark.usefixtures("later")
def test_what_no_rule_keeps_any_longer_is_due(tmp_path: Path) -> None:
    sealed(tmp_path, run_id="old")
    assert due_names(tmp_path, "90d") == ["old"]


@pytest.mark.usefixtures("later")
@pytest.mark.parametrize(
    "rules",
    [("101d",), ("90d", "prod=400d"), ("90d", "morning-*=400d"), ("test=1d",)],
    ids=["young", "environment", "routine", "no rule applies"],
)
def test_the_longest_rule_that_applies_keeps_it(tmp_path: Path, rules: tuple[str, ...]) -> None:
    sealed(tmp_path)
    assert due_names(tmp_path, *rules) == []


@pytest.mark.usefixtures("later")
@pytest.mark.parametrize("own", [True, False])
def test_a_legal_hold_keeps_it(tmp_path: Path, own: bool) -> None:
    done = sealed(tmp_path)
    (tmp_path / f"{done.directory.name if own else 'all'}.hold").write_text("case 4711\n")
    assert due_names(tmp_path, "1d") == []


@pytest.mark.usefixtures("later")
def test_what_is_deleted_leaves_a_line(tmp_path: Path) -> None:
    done = sealed(tmp_path)
    (candidate,) = pruning.plan(tmp_path, [pruning.parse_rule("1d")]).due
    pruning.delete(tmp_path, candidate)
    assert not done.directory.exists()
    assert not done.archive.exists()
    ledger = read_ledger(tmp_path / "ledger.jsonl")
    assert [one.what for one in ledger.entries] == ["sealed", "pruned"]
    assert ledger.entries[1].reason.startswith("kept for 24h")
    assert due_names(tmp_path, "1d") == []


@pytest.mark.usefixtures("later")
def test_a_directory_that_was_never_sealed_is_kept_and_named(tmp_path: Path) -> None:
    directory, _, _ = record(tmp_path)
    plan = pruning.plan(tmp_path, [pruning.parse_rule("1d")])
    assert (plan.due, plan.unknown) == ((), (directory.name,))


def test_a_damaged_ledger_deletes_nothing(ledger: Path) -> None:
    ledger.write_bytes(ledger.read_bytes().replace(b"GREEN", b"RED", 1))
    with pytest.raises(RecordError, match=r"ledger\.jsonl"):
        pruning.plan(ledger.parent, [pruning.parse_rule("1d")])


def test_a_name_in_the_ledger_leads_nowhere_else(tmp_path: Path) -> None:
    (tmp_path / "e").mkdir()
    (tmp_path / "victim").mkdir()
    append(tmp_path / "e" / "ledger.jsonl", entry(0, name="../victim"))
    append(tmp_path / "e" / "ledger.jsonl", entry(1, name=".."))
    assert pruning.plan(tmp_path / "e", [pruning.parse_rule("0s")]).due == ()


def test_a_rule_that_is_no_duration_is_told() -> None:
    with pytest.raises(UsageError, match="--keep prod=forever"):
        pruning.parse_rule("prod=forever")

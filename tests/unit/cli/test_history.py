"""`pytest-ddd history` and `pytest-ddd objectives`."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest

from pytest_ddd import clock
from pytest_ddd.cli.main import main
from pytest_ddd.history import places
from pytest_ddd.history.records import RunStart
from pytest_ddd.history.store import Store
from pytest_ddd.outcomes import Outcome
from tests.unit.history.samples import remember, result, start


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A site that has run on the last three days: green, green, red."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DDD_HISTORY", raising=False)
    with Store.open(places.default_url(tmp_path), tmp_path) as store:
        for number, outcome in enumerate((Outcome.GREEN, Outcome.GREEN, Outcome.RED)):
            of = run_of(number)
            remember(store, of, [result(of, outcome, reason="disk /var 41 %")], outcome=outcome)
    return tmp_path


def run_of(number: int) -> RunStart:
    """Return the run of one of the last three days."""
    at = clock.now() - timedelta(days=3 - number)
    return start(run_id=f"{number}abc", started_at=at, due_at=at)


def test_runs_are_listed_newest_first(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["history", "list", "--host", "prod", "--scenario", "morning-health-check"]) == 0

    lines = capsys.readouterr().out.splitlines()
    assert [line[:4] for line in lines] == ["2abc", "1abc", "0abc"]
    assert lines[0].endswith("scheduled  ✗ RED  1 RED")


def test_nothing_to_list_is_said(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["history", "list", "--host", "other"]) == 0
    assert capsys.readouterr().out == "no runs\n"


def test_a_run_is_shown_by_how_its_id_begins(
    site: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["history", "show", "2a"]) == 0

    told = capsys.readouterr().out
    assert "✗ RED" in told
    assert "morning-health-check/resource web1 disk:/var disk /var 41 %" in told
    assert "finished in 2m, due " in told


@pytest.mark.parametrize(("name", "told"), [("9", "no run '9'"), ("", "several runs begin with")])
def test_a_name_must_mean_one_run(
    site: Path, capsys: pytest.CaptureFixture[str], name: str, told: str
) -> None:
    assert main(["history", "show", name]) == 4
    assert told in capsys.readouterr().err


def test_pruning_says_first_what_it_would_do(
    site: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["history", "prune", "--keep", "36h"]) == 0
    assert main(["history", "prune", "--keep", "36h", "--yes"]) == 0
    assert main(["history", "prune", "--keep", "36h"]) == 0
    assert main(["history", "prune", "--keep", "soon"]) == 4

    assert capsys.readouterr().out.splitlines() == [
        "would delete 2 results of 2 runs; do it: --yes",
        "deleted 2 results of 2 runs",
        "would delete 0 results of 0 runs; do it: --yes",
    ]


def test_runs_move_to_another_history(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["history", "export", "1a", "2a", "--output", "two.jsonl"]) == 0
    assert main(["history", "export", "--output", "two.jsonl"]) == 76
    other = ["--history", "sqlite:///other.db"]
    assert main(["history", "import", "two.jsonl", *other]) == 0
    assert main(["history", "import", "two.jsonl", *other]) == 0
    assert main(["history", "export", *other]) == 0

    told = capsys.readouterr()
    assert "two.jsonl: 2 results of 2 new runs\n" in told.out
    assert "two.jsonl: 0 results of 0 new runs, 2 known already\n" in told.out
    assert told.out.endswith((site / "two.jsonl").read_text())
    assert "two.jsonl: cannot be written: File exists" in told.err


def test_damage_makes_an_import_fail(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (site / "bad.jsonl").write_text("{}\n")

    assert main(["history", "import", "bad.jsonl"]) == 1
    assert "bad.jsonl:1: record version None" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("pyproject.toml", '[tool.pytest]\nddd_history = "sqlite:///named.db"\n'),
        ("pyproject.toml", '[tool.pytest.ini_options]\nddd_history = "sqlite:///named.db"\n'),
        ("pytest.ini", "[pytest]\nddd_history = sqlite:///named.db\n"),
        ("setup.cfg", "[tool:pytest]\nddd_history = sqlite:///named.db\n"),
    ],
)
def test_the_history_is_that_of_pytest(
    site: Path, capsys: pytest.CaptureFixture[str], file: str, text: str
) -> None:
    (site / file).write_text(text)

    assert main(["history", "list"]) == 0
    assert capsys.readouterr().out == "no runs\n"
    assert (site / "named.db").exists()


def test_a_directory_without_a_history_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DDD_HISTORY", raising=False)

    assert main(["history", "list"]) == 4
    monkeypatch.setenv("DDD_HISTORY", "off")
    assert main(["objectives"]) == 4

    told = capsys.readouterr().err
    assert "nothing was run here yet" in told
    assert "the history is off here" in told


def test_objectives_are_said(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["objectives", "--host", "prod"]) == 0

    told = capsys.readouterr().out
    assert "? Daily: completed in less than 15 minutes: 3 of 3, 100 %, target 95 %" in told
    assert "? Daily: all checks green: 2 of 3, 66.7 %, target 80 %" in told
    assert "- Daily: no escalation needed: 0 of 0 (+ 3 not measured)" in told
    assert "- Weekly: no rollback needed: no data, target 90 %" in told


def test_a_missed_objective_is_exit_1(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with Store.open(places.default_url(site), site) as store:
        for number in range(9):
            at = clock.now() - timedelta(hours=number)
            of = start(started_at=at, due_at=at)
            remember(store, of, outcome=Outcome.RED)

    assert main(["objectives", "--host", "prod", "--json", "--textfile", "ddd.prom"]) == 1

    found = {one["name"]: one for one in json.loads(capsys.readouterr().out)}
    assert found["daily-all-green"]["standing"] == "missed"
    assert found["daily-all-green"]["budget_left"] == -8
    assert (
        'ddd_objective_budget_left{environment="prod",objective="daily-all-green"} -8'
        in (site / "ddd.prom").read_text()
    )

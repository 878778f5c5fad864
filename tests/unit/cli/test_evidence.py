"""`pytest-ddd evidence`: what each verb says, and its exit status."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pytest_ddd import clock
from pytest_ddd.cli.main import main
from pytest_ddd.history import occurrences
from pytest_ddd.history.places import default_url
from pytest_ddd.history.store import Store
from pytest_ddd.occurrences import Occurrence
from tests.unit.evidence.packages import RESULTS, new_key, planned, record, sealed, trusting

needs_ssh = pytest.mark.needs("ssh-keygen")


@pytest.fixture
def trusted(tmp_path: Path) -> str:
    key = new_key(tmp_path / "key")
    return str(trusting(tmp_path / "trusted", key).allowed_signers)


@needs_ssh
def test_a_signed_package_is_good(
    tmp_path: Path, trusted: str, capsys: pytest.CaptureFixture[str]
) -> None:
    done = sealed(tmp_path / "e", key=tmp_path / "key")
    for package in (done.directory, done.archive):
        status = main(["evidence", "verify", str(package), "--allowed-signers", trusted])
        said = capsys.readouterr().out
        assert (status, said.splitlines()[0]) == (0, "GOOD: as it was sealed")
        assert "signed    ops1@example.org SHA256:" in said


@needs_ssh
def test_a_changed_package_is_told_file_by_file(
    tmp_path: Path, trusted: str, capsys: pytest.CaptureFixture[str]
) -> None:
    done = sealed(tmp_path / "e", key=tmp_path / "key")
    (done.directory / "report.html").write_text("all green")
    (done.directory / "junit.xml").unlink()
    status = main(["evidence", "verify", str(done.directory), "--allowed-signers", trusted])
    said = capsys.readouterr().out
    assert status == 1
    assert "report.html: changed" in said
    assert "junit.xml: missing" in said


@needs_ssh
def test_an_incomplete_run_has_its_own_status(
    tmp_path: Path, trusted: str, capsys: pytest.CaptureFixture[str]
) -> None:
    done = sealed(tmp_path / "e", RESULTS[1:], planned(), key=tmp_path / "key")
    status = main(["evidence", "verify", str(done.directory), "--allowed-signers", trusted])
    assert status == 5
    assert "1 check planned and not done" in capsys.readouterr().out


@needs_ssh
@pytest.mark.parametrize("signed", [True, False])
def test_nobody_to_trust_has_its_own_status(
    tmp_path: Path, signed: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    key = new_key(tmp_path / "key") if signed else None
    done = sealed(tmp_path / "e", key=key)
    assert main(["evidence", "verify", str(done.directory)]) == 3
    assert ("--allowed-signers" if signed else "not signed") in capsys.readouterr().out


@needs_ssh
def test_programs_get_json(
    tmp_path: Path, trusted: str, capsys: pytest.CaptureFixture[str]
) -> None:
    done = sealed(tmp_path / "e", key=tmp_path / "key")
    words = ["--allowed-signers", trusted, "--identity", "ops1@example.org", "--json"]
    assert main(["evidence", "verify", str(done.archive), *words]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["status"], told["signer"], told["problems"]) == (0, "ops1@example.org", [])


@pytest.mark.parametrize(
    "words",
    [
        ["verify", "nothing"],
        ["verify", ".", "--allowed-signers", "nothing"],
        ["verify", ".", "--identity", "x"],
        ["seal", "."],
        ["period", "--from", "2026-02-01", "--to", "2026-01-01"],
        ["prune", "--keep", "forever"],
        ["seal", ".", "--sign", "nothing"],
    ],
)
def test_a_mistake_is_4_with_a_hint(
    tmp_path: Path,
    words: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["evidence", *words]) == 4
    assert "hint: " in capsys.readouterr().err


def test_a_day_that_is_none_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["evidence", "period", "--from", "monday", "--to", "2026-01-01"])
    assert ended.value.code == 4


def test_a_file_that_is_no_package_is_tampered(tmp_path: Path) -> None:
    (tmp_path / "x.zip").write_bytes(b"no archive")
    assert main(["evidence", "verify", str(tmp_path / "x.zip")]) == 1


def test_seal_closes_a_killed_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    directory, _, _ = record(tmp_path)
    file = directory / "results.jsonl"
    os.truncate(file, file.stat().st_size - 20)
    assert main(["evidence", "seal", str(directory)]) == 0
    said = capsys.readouterr().out
    assert "incomplete: the run was interrupted" in said
    assert "incomplete: the record is damaged: 1 line" in said
    assert main(["evidence", "verify", str(directory)]) == 3


@needs_ssh
def test_seal_signs_what_was_sealed_before(
    tmp_path: Path, trusted: str, capsys: pytest.CaptureFixture[str]
) -> None:
    done = sealed(tmp_path / "e")
    words = ["evidence", "seal", str(done.directory), "--sign", str(tmp_path / "key")]
    assert main(words) == 0
    assert "sealed and signed" in capsys.readouterr().out
    assert main(["evidence", "verify", str(done.archive), "--allowed-signers", trusted]) == 0


def test_seal_does_not_seal_over_a_change(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    done = sealed(tmp_path)
    (done.directory / "run.json").write_text("{}")
    assert main(["evidence", "seal", str(done.directory)]) == 76
    assert "changed since it was sealed" in capsys.readouterr().err


def test_show_lists_runs_and_tells_of_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    done = sealed(tmp_path)
    assert main(["evidence", "show", "--evidence", str(tmp_path)]) == 0
    assert done.directory.name in capsys.readouterr().out
    for package in (done.directory, done.archive):
        assert main(["evidence", "show", str(package)]) == 0
        said = capsys.readouterr().out
        assert "✗ RED: Action needed." in said
        assert "not signed, not verified here" in said


def test_show_tells_of_a_run_that_is_not_sealed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    directory, _, _ = record(tmp_path)
    assert main(["evidence", "show", str(directory)]) == 0
    assert "not sealed: pytest-ddd evidence seal" in capsys.readouterr().out


def test_show_without_any_run_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evidence", "show", "--evidence", str(tmp_path)]) == 0
    assert "no run is in" in capsys.readouterr().out


def test_period_tells_what_was_missed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sealed(tmp_path)
    day = {"scenario": "morning-health-check", "environment": "prod"}
    lines = [
        {**day, "due_at": f"2026-11-{n}T07:25:00Z", "until": f"2026-11-{n}T09:25:00Z"}
        for n in (23, 24)
    ]
    (tmp_path / "due").write_text("".join(json.dumps(line) + "\n" for line in lines))
    words = ["--from", "2026-11-01", "--to", "2026-12-01", "--evidence", str(tmp_path)]
    status = main(["evidence", "period", *words, "--expected", str(tmp_path / "due")])
    said = capsys.readouterr().out
    assert status == 5
    assert "RED            due 2026-11-23 07:25" in said
    assert "missed         due 2026-11-24 07:25" in said


def test_period_without_anybody_who_knows_what_was_due_is_not_good(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    sealed(tmp_path)
    words = ["evidence", "period", "--from", "2026-11-01", "--to", "2026-12-01"]
    words += ["--evidence", str(tmp_path)]
    (tmp_path / "due").write_text("")

    assert main(words) == 5
    assert "nobody knows what was due" in capsys.readouterr().out
    assert main([*words, "--expected", str(tmp_path / "due")]) == 0
    assert "nothing was expected" in capsys.readouterr().out


def test_period_knows_from_the_history_what_was_due(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What is excused, or still ahead, is not missed."""
    monkeypatch.chdir(tmp_path)
    sealed(tmp_path)
    due = datetime(2026, 11, 23, 7, 25, tzinfo=UTC)
    one = Occurrence(
        environment="prod", scenario="morning-health-check", due_at=due, grace_s=7200.0
    )
    excused = replace(one, due_at=due + timedelta(days=2), excuse="holiday", excused_by="ops")
    ahead = replace(one, due_at=clock.now() + timedelta(minutes=5))
    with Store.open(default_url(tmp_path), tmp_path) as store, store.transaction() as tx:
        for asked in (one, replace(one, due_at=due + timedelta(days=1)), excused, ahead):
            occurrences.excuse(tx, asked)
    until = f"{clock.now() + timedelta(days=2):%Y-%m-%d}"
    words = ["--from", "2026-11-01", "--to", until, "--evidence", str(tmp_path)]

    status = main(["evidence", "period", *words])

    said = capsys.readouterr().out
    assert status == 5
    assert "RED            due 2026-11-23 07:25" in said
    assert "missed         due 2026-11-24 07:25" in said
    assert "1 of 2 expected runs done to the end, 1 missed" in said


def test_prune_deletes_only_when_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    done = sealed(tmp_path)
    words = ["evidence", "prune", "--keep", "0s", "--evidence", str(tmp_path)]
    assert main(words) == 0
    assert done.directory.exists()
    assert "nothing is deleted without --apply" in capsys.readouterr().out
    assert main([*words, "--apply"]) == 0
    assert not done.directory.exists()
    assert main(["evidence", "show", "--evidence", str(tmp_path)]) == 0
    assert "pruned" in capsys.readouterr().out

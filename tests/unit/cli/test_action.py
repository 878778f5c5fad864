"""`pytest-ddd action`: what cannot be taken back is said, and never without a reason."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pytest_ddd.cli.main import main


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A site whose journal tells of an action that was left open."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "baselines").mkdir()
    (tmp_path / "baselines/prod.yaml").write_text("hosts: {web1: {connection: 'local://'}}\n")
    journal(tmp_path, kind="rule_sets")
    return tmp_path


def journal(root: Path, kind: str) -> None:
    line = {
        "v": 1, "action_id": "a", "run_id": "dead0000", "operator": "ops", "at": "2026-11-25T18:00:00Z",
        "kind": kind, "environment": "prod", "target": "web1", "entry": "shop",
        "transition": "do", "phase": "begin", "good": False, "said": "",
    }  # fmt: skip
    folder = root / ".pytest-ddd/actions"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "journal.jsonl").write_text(json.dumps(line) + "\n")


@pytest.mark.parametrize("words", [("action", "list"), ("history", "actions")])
def test_what_was_left_open_is_named_with_the_way_back(site, capsys, words):
    assert main([*words]) == 0
    assert capsys.readouterr().out == (
        "! left open: rule_sets.shop on web1: `do` has begun at 2026-11-25T18:00:00Z and never "
        "ended (run dead0000 of ops)\n"
        "  finish it: the same run again, with --ddd-apply; or take it back: pytest-ddd action undo "
        "--host=prod --kind=rule_sets --target=web1\n"
    )


def test_list_of_another_environment_is_empty(site, capsys):
    assert main(["action", "list", "--host=test"]) == 0
    assert capsys.readouterr().out == "nothing is in force, and nothing was left open\n"


@pytest.mark.parametrize(
    ("kind", "words"),
    [("rule_sets", "no such entry in the baseline of prod"), ("patch", "no action 'patch'")],
)
def test_what_nobody_knows_any_more_is_not_taken_back(site, capsys, kind, words):
    journal(site, kind)

    assert main(["action", "undo", "--host=prod"]) == 1
    told = capsys.readouterr().err
    assert words in told
    assert "1 action of 1 could not be taken back" in told


@pytest.mark.parametrize("host", ["nowhere", "web1"])
def test_undo_wants_an_environment(site, capsys, host):
    assert main(["action", "undo", f"--host={host}"]) == 4
    assert "Traceback" not in capsys.readouterr().err


def test_undo_without_a_host_is_a_mistake(site, capsys):
    with pytest.raises(SystemExit) as ended:
        main(["action", "undo"])

    assert ended.value.code == 4


def test_a_broken_journal_is_76(site):
    (site / ".pytest-ddd/actions/journal.jsonl").write_text('{"v": 9}\n')

    assert main(["action", "list"]) == 76

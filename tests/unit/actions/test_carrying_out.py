"""Actions and their journal: order of lines, undo on failure, and what a dead run leaves."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import pytest

from pytest_ddd.actions.carrying_out import UNDONE
from pytest_ddd.actions.interface import Keep, Plan, Subject
from pytest_ddd.errors import CannotLookError, DddError, RecordError
from pytest_ddd.results import Problem
from tests.unit.actions.rule_site import hand


@dataclass
class Counter:
    """An action that fails where a test wants it to; `seen` is what was called."""

    fails_in: str = ""
    failure: BaseException = field(default_factory=lambda: DddError("no", hint="try again"))
    touches: bool = True
    cannot_undo: bool = False
    seen: list[str] = field(default_factory=list)

    @property
    def subject(self) -> Subject:
        return Subject(kind="count", environment="prod", target="web1", entry="one")

    def plan(self) -> Plan:
        return Plan(summary="count", detail="", is_needed=True)

    def do(self, keep: Keep) -> None:
        if self.touches:
            keep.save("before", b"0")
        self._call("do")

    def verify(self) -> tuple[Problem, ...]:
        self._call("verify")
        return (Problem(text="not counted"),) if self.fails_in == "check" else ()

    def undo(self, keep: Keep) -> tuple[Problem, ...]:
        self._call("undo")
        return (Problem(text="stuck"),) if self.cannot_undo else ()

    def _call(self, name: str) -> None:
        self.seen.append(name)
        if self.fails_in == name:
            raise self.failure


def test_all_goes_well(tmp_path):
    action = Counter()
    done = hand(tmp_path).carry_out(action)

    assert (action.seen, done.problems) == (["do", "verify"], ())
    assert hand(tmp_path).journal.deeds()[0].is_in_force


@pytest.mark.parametrize("where", ["do", "verify", "check"])
def test_what_fails_is_undone(tmp_path, where):
    action = Counter(fails_in=where)
    done = hand(tmp_path).carry_out(action)

    assert action.seen[-1] == "undo"
    assert [str(one) for one in done.problems] == [
        "not counted" if where == "check" else "no\n  hint: try again",
        UNDONE,
    ]
    assert hand(tmp_path).journal.deeds()[0].is_over


def test_what_cannot_be_undone_says_where_the_old_state_is(tmp_path):
    done = hand(tmp_path).carry_out(Counter(fails_in="check", cannot_undo=True))
    (deed,) = hand(tmp_path).left_open()

    assert [one.text for one in done.problems[:2]] == ["not counted", "stuck"]
    where = tmp_path / ".pytest-ddd/actions" / deed.action_id
    assert (
        done.problems[2].text
        == f"it could NOT be undone: count.one on web1 as it was is kept in {where}"
    )
    assert "`undo` ended at " in deed.words
    assert "stuck" in deed.words


def test_could_not_look_is_unknown_only_while_nothing_was_touched(tmp_path):
    blind = CannotLookError("the tool is missing")
    with pytest.raises(CannotLookError):
        hand(tmp_path).carry_out(Counter(fails_in="do", failure=blind, touches=False))
    done = hand(tmp_path).carry_out(Counter(fails_in="do", failure=blind))

    assert done.problems == (Problem(text="the tool is missing"), Problem(text=UNDONE))
    assert hand(tmp_path).left_open() == ()


def test_ctrl_c_undoes_and_goes_on(tmp_path):
    action = Counter(fails_in="verify", failure=KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        hand(tmp_path).carry_out(action)

    assert action.seen == ["do", "verify", "undo"]
    assert hand(tmp_path).left_open() == ()


def test_without_a_journal_nothing_is_done(tmp_path):
    (tmp_path / ".pytest-ddd").write_text("in the way")
    action = Counter()
    with pytest.raises(RecordError):
        hand(tmp_path).carry_out(action)

    assert action.seen == []


def test_a_journal_that_breaks_in_the_middle_undoes(tmp_path):
    class Breaks(Counter):
        def verify(self) -> tuple[Problem, ...]:
            journal = tmp_path / ".pytest-ddd/actions/journal.jsonl"
            journal.unlink()
            journal.mkdir()
            return super().verify()

    action = Breaks()
    with pytest.raises(RecordError):
        hand(tmp_path).carry_out(action)

    assert action.seen == ["do", "verify", "undo"]


def test_a_line_that_was_cut_off_is_passed_over_and_a_foreign_one_is_not(tmp_path):
    mine = hand(tmp_path)
    mine.carry_out(Counter())
    journal = tmp_path / ".pytest-ddd/actions/journal.jsonl"
    with journal.open("a") as file:
        file.write('{"v": 1, "action_id": "b')
    mine.carry_out(Counter())
    assert [deed.is_in_force for deed in mine.journal.deeds()] == [True, True]

    for foreign in ('{"v": 2}\n', '{"v": 1}\n', "[]\n"):
        journal.write_text(foreign)
        with pytest.raises(RecordError):
            mine.journal.deeds()


def test_the_journal_only_grows(tmp_path):
    hand(tmp_path).carry_out(Counter())
    before = (tmp_path / ".pytest-ddd/actions/journal.jsonl").read_bytes()
    hand(tmp_path).carry_out(Counter(fails_in="do"))
    after = (tmp_path / ".pytest-ddd/actions/journal.jsonl").read_bytes()

    assert after.startswith(before)
    assert len(after) > len(before)


def test_what_is_kept_is_for_its_owner_only(tmp_path: Path):
    hand(tmp_path).carry_out(Counter())
    (deed,) = hand(tmp_path).journal.deeds()
    kept = hand(tmp_path).journal.keep(deed.action_id)

    assert kept.load("before") == b"0"
    assert kept.load("other") is None
    assert kept.folder.stat().st_mode & 0o777 == 0o700

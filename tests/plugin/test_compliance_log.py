"""The compliance log: what was changed is in it, however the run ended, and stays in it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pytest_ddd import run as maintenance_run
from pytest_ddd.baseline import loader
from pytest_ddd.escalation import telling
from pytest_ddd.evidence import snapshots
from pytest_ddd.history import desk
from tests.plugin.conftest import Outcome, Site
from tests.support.keys import Key, make_key

LOADED = (loader, maintenance_run, snapshots, telling, desk)
"""Imported here, so that runs in this process share them: C libraries below them load once."""

ACTION = """
    import os
    from pathlib import Path
    from pytest_ddd.actions.interface import Plan, Subject

    class Raise:
        '''Puts up a flag; `bad` names what goes wrong.'''
        subject = Subject(kind="flag", environment="local", target="localhost", entry="up")

        def plan(self):
            return Plan(summary="flag", detail="flag 0 -> 1", is_needed=not Path("flag").exists())

        def do(self, keep):
            keep.save("before", b"absent")
            Path("flag").touch()
            if Path("bad").exists() and Path("bad").read_text() == "kill":
                os._exit(9)

        def verify(self):
            bad = Path("bad").exists() and Path("bad").read_text() == "verify"
            return (Problem(text="flag is not seen"),) if bad else ()

        def undo(self, keep):
            Path("flag").unlink(missing_ok=True)
            return ()

    @pytest.mark.step(2)
    def test_log(compliance_log):
        '''The log is as it was written.'''
        assert compliance_log.read().problems == ()
    """
CHECK = """
    @pytest.mark.step(1)
    @pytest.mark.action
    def test_flag(change):
        '''The flag is up.'''
        assert change(Raise()).problems == ()
    """
APPLY = ("-m", "daily", "--host=local", "--ddd-apply", "--ddd-change=CHG-7")


@pytest.fixture
def flags(site: Site) -> Site:
    """A site with one action."""
    site.check(ACTION + CHECK)
    return site


def log_of(site: Site) -> Path:
    return site.root / "evidence/compliance.jsonl"


def lines(site: Site) -> list[dict[str, Any]]:
    return [json.loads(line) for line in log_of(site).read_text().splitlines()]


def apply(site: Site, *args: str, in_process: bool = True) -> Outcome:
    (site.root / "flag").unlink(missing_ok=True)
    return site.run(*APPLY, *args, in_process=in_process)


def verify(site: Site, *args: str) -> tuple[int, str]:
    done = site.command("pytest-ddd", "evidence", "verify", str(log_of(site)), *args)
    return done.returncode, done.stdout + done.stderr


def test_a_change_is_entered(flags: Site) -> None:
    """Who, what, when, which ticket, and how it ended."""
    done = apply(flags)
    (line,) = lines(flags)

    assert done.status == 0
    assert "Compliance log: 1 change entered" in done.text
    said = {name: line[name] for name in ("kind", "target", "entry", "state", "ticket", "prev")}
    assert said == {
        "kind": "flag", "target": "localhost", "entry": "up", "state": "in force",
        "ticket": "CHG-7", "prev": "",
    }  # fmt: skip
    assert line["started_at"] <= line["finished_at"] <= line["written_at"]
    report = next(flags.root.glob("evidence/*/report.html")).read_text()
    assert "flag.up on localhost: in force" in report


def test_what_changes_nothing_writes_nothing(flags: Site) -> None:
    """Neither a plan, nor an action that is in force already."""
    flags.run("-m", "daily", in_process=True)
    assert not log_of(flags).exists()

    apply(flags)
    flags.run(*APPLY, in_process=True)

    assert len(lines(flags)) == 1


def test_what_was_taken_back_is_entered_too(flags: Site) -> None:
    flags.write("bad", "verify")

    done = apply(flags)

    assert done.status == 1
    assert (lines(flags)[0]["state"], lines(flags)[0]["said"]) == ("taken back", "flag is not seen")


def test_a_killed_run_is_entered_by_the_next(flags: Site) -> None:
    """It was closed by the same action, and the log names the run that began it."""
    flags.write("bad", "kill")
    apply(flags, in_process=False)
    assert not log_of(flags).exists()
    (flags.root / "bad").unlink()

    apply(flags)

    assert [one["state"] for one in lines(flags)] == ["in force", "in force"]
    assert lines(flags)[0]["run_id"] != lines(flags)[1]["run_id"]


def test_what_a_person_took_back_is_a_second_line(flags: Site) -> None:
    """`pytest-ddd action undo` is told at the end of the next run."""
    apply(flags)
    journal = flags.root / ".pytest-ddd/actions/journal.jsonl"
    last = json.loads(journal.read_text().splitlines()[-1])
    undone = [{**last, "transition": "undo", "phase": phase} for phase in ("begin", "end")]
    with journal.open("a") as file:
        file.writelines(json.dumps(one) + "\n" for one in undone)

    flags.run("-m", "daily", in_process=True)

    assert [one["state"] for one in lines(flags)] == ["in force", "taken back"]
    assert lines(flags)[0]["action_id"] == lines(flags)[1]["action_id"]


def test_without_evidence_the_log_is_written(flags: Site) -> None:
    apply(flags, "--ddd-evidence=off")

    assert len(lines(flags)) == 1


def tamper(site: Site) -> str:
    """Change one word in the first line, and return what the log says now."""
    log_of(site).write_text(log_of(site).read_text().replace("CHG-7", "CHG-8", 1))
    return log_of(site).read_text()


def test_a_tampered_log_is_refused(flags: Site) -> None:
    """It is not continued: exit 76; and the check is RED."""
    apply(flags)
    apply(flags)
    tampered = tamper(flags)

    done = apply(flags)

    assert done.status == 76
    assert "not continued, it was changed: compliance.jsonl:2" in done.text
    assert log_of(flags).read_text() == tampered
    check = next(one for one in done.results if one.check_id.endswith("/log"))
    assert check.outcome.value == "RED"


def test_the_next_run_after_the_log_was_restored_enters_all(flags: Site) -> None:
    """Nothing that was refused is lost."""
    apply(flags)
    apply(flags)
    whole = log_of(flags).read_text()
    tamper(flags)
    apply(flags)
    log_of(flags).write_text(whole)

    apply(flags)

    assert len(lines(flags)) == 4


@pytest.fixture
def key(tmp_path: Path) -> Key:
    return make_key(tmp_path / "signer")


def test_verify_needs_a_package_that_stands_for_it(flags: Site, key: Key, tmp_path: Path) -> None:
    """Signed by somebody who is trusted: 0; not signed: 3."""
    apply(flags)
    unsigned = verify(flags)
    apply(flags, f"--ddd-sign={key.path}")
    signers = tmp_path / "signers"
    signers.write_text(f"sara@example.org {key.path.with_suffix('.pub').read_text()}")
    signed = verify(flags, "--allowed-signers", str(signers))

    assert unsigned[0] == 3
    assert signed[0] == 0, signed[1]
    assert "compliance.jsonl: 2 lines; " in signed[1]


def test_verify_finds_what_was_changed_cut_or_written_anew(flags: Site) -> None:
    """A whole chain that is another one, too: the packages name where it ended."""
    apply(flags)
    apply(flags)
    whole = log_of(flags).read_text()
    tamper(flags)
    changed = verify(flags)
    log_of(flags).write_text(whole.splitlines(keepends=True)[0])
    cut = verify(flags)
    log_of(flags).unlink()
    gone = verify(flags)
    apply(flags)  # enters all three anew: a whole chain, with other moments
    anew = verify(flags)

    assert [changed[0], cut[0], gone[0], anew[0]] == [1, 1, 1, 1]
    assert "does not continue the line before it" in changed[1]
    assert "lines that were there when" in cut[1]

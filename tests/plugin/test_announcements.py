"""Stakeholders hear before the first change and after the last check; never of a mere look."""

from __future__ import annotations

import json
from typing import Any

import pytest

from pytest_ddd import run as maintenance_run
from pytest_ddd.baseline import loader
from pytest_ddd.escalation import telling
from pytest_ddd.evidence import snapshots
from pytest_ddd.history import desk
from tests.plugin.conftest import Outcome, Site

LOADED = (loader, maintenance_run, snapshots, telling, desk)
"""Imported here, so that runs in this process share them: C libraries below them load once."""

ESCALATION = """
escalation:
  channels:
    stakeholders: {kind: exec, command: [sh, -c, "cat >> heard.jsonl; echo >> heard.jsonl; test ! -e deaf"]}
  announcements:
    daily-checks: [stakeholders]
"""
CHECKS = """
    from pathlib import Path
    from pytest_ddd.actions.interface import Plan, Subject

    class Write:
        '''Notes how often people had heard when it was done.'''
        def __init__(self, name):
            self.name = name
            self.subject = Subject(kind="x", environment="local", target="local", entry=name)

        def plan(self):
            return Plan(summary="write", detail="", is_needed=True)

        def do(self, keep):
            heard = Path("heard.jsonl")
            Path(self.name).write_text(heard.read_text() if heard.exists() else "")

        def verify(self):
            return (Problem(text="broken"),) if Path("break").exists() else ()

        def undo(self, keep):
            return ()

    @pytest.mark.action
    @pytest.mark.parametrize("name", ["one", "two"])
    def test_write(change, name):
        '''Both are written.'''
        assert change(Write(name)).problems == ()
    """


@pytest.fixture
def announced(site: Site) -> Site:
    """A site with two changes, and somebody who wants to know."""
    site.baseline("local", escalation=ESCALATION)
    site.check(CHECKS)
    return site


def apply(site: Site, *args: str) -> Outcome:
    return site.run("--host=local", "--ddd-apply", "--ddd-change=CHG-7", *args, in_process=True)


def heard(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines() if line]


def all_heard(site: Site) -> list[dict[str, Any]]:
    file = site.root / "heard.jsonl"
    return heard(file.read_text()) if file.exists() else []


def test_before_and_after(announced: Site) -> None:
    """One message before the first of two changes, one at the end, of one incident."""
    done = apply(announced, "--ddd-escalate=on")
    begin, end = all_heard(announced)

    assert done.status == 0
    assert [one["summary"] for one in heard((announced.root / "one").read_text())] == [
        "Daily checks begins in local"
    ]
    assert begin["kind"] == end["kind"] == "info"
    assert begin["dedup_key"] == end["dedup_key"]
    assert begin["details"]["change"] == "CHG-7"
    assert end["summary"] == "Daily checks has ended in local: GREEN"
    assert [line.split(":")[0] for line in end["members"]] == ["local name=one", "local name=two"]
    assert "begin and end announced to: stakeholders" in done.text


def test_how_badly_it_ended(announced: Site) -> None:
    announced.write("break", "")

    apply(announced, "--ddd-escalate=on")

    end = all_heard(announced)[-1]
    assert (end["severity"], end["summary"]) == ("error", "Daily checks has ended in local: RED")
    assert "broken" in end["members"][0]


@pytest.mark.parametrize("escalate", ["off", "dry-run"])
def test_nobody_hears_unless_it_is_on(announced: Site, escalate: str) -> None:
    done = apply(announced, f"--ddd-escalate={escalate}")

    assert all_heard(announced) == []
    assert f"begin and end not announced ({escalate}) to: stakeholders" in done.text


def test_a_plan_is_not_announced(announced: Site) -> None:
    announced.run("--host=local", "--ddd-escalate=on", in_process=True)

    assert all_heard(announced) == []


def test_what_did_not_arrive_is_not_lost(announced: Site) -> None:
    """The change is done all the same: exit 75, and the message waits."""
    announced.write("deaf", "")

    done = apply(announced, "--ddd-escalate=on")

    assert done.status == 75
    assert (announced.root / "two").exists()
    assert "UNDELIVERED: 2 messages of local" in done.text


@pytest.mark.parametrize(
    ("wrong", "said"),
    [("dayly-checks: [stakeholders]", "no scenario"), ("daily-checks: [nobody]", "no channel")],
)
def test_mistakes_are_told(announced: Site, wrong: str, said: str) -> None:
    text = ESCALATION.replace("daily-checks: [stakeholders]", wrong)
    announced.baseline("local", escalation=text)

    done = apply(announced)

    assert done.status == 4
    assert said in done.text


def test_what_cannot_be_announced_is_done_and_told(announced: Site) -> None:
    """Somebody approved the change; that nobody could be told makes the exit status 76."""
    announced.write(".pytest-ddd/history.db", "no database\n")

    done = apply(announced, "--ddd-escalate=on")

    assert done.status == 76
    assert (announced.root / "two").exists()
    assert "NOT WRITTEN: not announced: " in done.text

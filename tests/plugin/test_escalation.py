"""Escalation at the end of a run: who is told, what the terminal says, and the exit status."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from pytest_ddd import run as maintenance_run
from pytest_ddd.baseline import loader
from pytest_ddd.escalation import planning, telling
from pytest_ddd.history import desk
from tests.plugin.conftest import Outcome, Site

LOADED = (loader, maintenance_run, planning, telling, desk)
"""Imported here, so that runs in this process share them: C libraries below them load once."""

HOSTS = "hosts: {localhost: {connection: 'local://'}}"
CHANNELS = """
  channels:
    pager: {kind: exec, command: [sh, -c, "cat >> heard.jsonl; echo >> heard.jsonl"]}
    broken: {kind: exec, command: [sh, -c, "exit 75"]}
    refuses: {kind: exec, command: [sh, -c, "echo no such team >&2; exit 1"]}
"""
ON = "--ddd-escalate=on"


@pytest.fixture
def paging(site: Site) -> Site:
    """A site with a check that is as a file says, and a rule for it."""
    rules(site, "down: {when: [RED], check: it, notify: [pager]}")
    site.check(
        """
        from pathlib import Path

        def test_it():
            assert Path("health").read_text().strip() == "good"
        """
    )
    health(site, "bad")
    return site


def rules(site: Site, *lines: str, more: str = "") -> None:
    text = "".join(f"    {line}\n" for line in lines)
    site.baseline("local", escalation=f"escalation:{CHANNELS}  rules:\n{text}{more}")


def health(site: Site, text: str) -> None:
    site.write("health", text)


def heard(site: Site) -> list[dict[str, Any]]:
    file = site.root / "heard.jsonl"
    return (
        [json.loads(line) for line in file.read_text().split("\n") if line] if file.exists() else []
    )


def run(site: Site, *args: str, **more: Mapping[str, str]) -> Outcome:
    """Run pytest within this process: many runs, and none of them needs a process of its own."""
    return site.run(*args, in_process=True, **more)


def kinds(site: Site) -> list[object]:
    return [one["kind"] for one in heard(site)]


def test_a_fault_is_told_once_and_its_end_too(paging: Site, plugin_args: tuple[str, ...]) -> None:
    bad = paging.run(ON, *plugin_args)
    paging.run(ON, *plugin_args)
    health(paging, "good")
    good = paging.run(ON, *plugin_args)

    assert kinds(paging) == ["trigger", "resolve"]
    assert heard(paging)[0]["dedup_key"] == "ddd/local/local/daily-checks/it/down"
    assert (bad.status, good.status) == (1, 0)
    assert "trigger critical (down)" in bad.text


def test_nobody_is_told_unless_asked(paging: Site) -> None:
    done = run(paging)

    assert heard(paging) == []
    assert "not told (dry run): trigger critical (down)" in done.text
    assert done.status == 1


def test_the_environment_variable_switches_it_on(paging: Site) -> None:
    run(paging, env={"DDD_ESCALATE": "on"})

    assert kinds(paging) == ["trigger"]


def test_off_covers_results_without_a_word(paging: Site) -> None:
    done = run(paging, "--ddd-escalate=off")
    health(paging, "good")
    run(paging, ON)

    assert heard(paging) == []
    assert "escalation" not in done.text


def test_a_dry_run_does_not_swallow_what_is_due(paging: Site) -> None:
    run(paging)
    run(paging, ON)
    health(paging, "good")
    run(paging)
    before = kinds(paging)
    run(paging, ON)

    assert before == ["trigger"]
    assert kinds(paging) == ["trigger", "resolve"]


def test_what_does_not_arrive_is_red_and_75(paging: Site) -> None:
    rules(paging, "down: {when: [RED], check: it, notify: [refuses]}")

    done = run(paging, ON)

    assert done.status == 75
    assert "UNDELIVERED: 1 message of local" in done.text
    assert "no such team" in done.text


def test_what_is_undelivered_is_said_until_somebody_has_seen_it(paging: Site) -> None:
    rules(paging, "down: {when: [RED], check: it, notify: [refuses]}")
    run(paging, ON)
    health(paging, "good")

    assert run(paging, ON).status == 75
    assert run(paging).status == 75


def test_the_fallback_hears_what_the_pager_refused(paging: Site) -> None:
    rules(
        paging,
        "down: {when: [RED], check: it, notify: [refuses], fallback: {notify: [pager]}}",
    )

    done = run(paging, ON)

    assert kinds(paging) == ["trigger"]
    assert done.status == 75


def test_a_history_that_cannot_be_written_comes_first(paging: Site) -> None:
    rules(paging, "down: {when: [RED], check: it, notify: [refuses]}")
    paging.write(".pytest-ddd", "a file where the directory should be")

    done = run(paging, ON)

    assert done.status == 76
    assert "NOBODY WAS TOLD of this run: the history could not be written" in done.text
    assert "pytest-ddd schedule tick --escalate on --host=local" in done.text


def test_on_without_a_history_is_a_mistake(paging: Site) -> None:
    done = run(paging, ON, "--ddd-history=off")

    assert done.status == 4
    assert "needs a history" in done.text


def test_a_rule_that_watches_nothing_is_named(paging: Site) -> None:
    rules(paging, "typo: {when: [RED], scenario: daily-checks, check: itt, notify: [pager]}")

    assert "the rule typo watched nothing" in run(paging, ON).text


def test_a_conftest_hears_each_decision(paging: Site, plugin_args: tuple[str, ...]) -> None:
    paging.write(
        "conftest.py",
        """
        from pathlib import Path

        def pytest_ddd_escalate(decision):
            with Path("decisions.txt").open("a") as file:
                file.write(f"{decision.kind} {decision.suppressed or 'sent'}\\n")
        """,
    )
    paging.run(*plugin_args)
    paging.run(ON, *plugin_args)

    assert (paging.root / "decisions.txt").read_text() == "trigger dry run\ntrigger sent\n"


def test_a_conftest_that_fails_stops_nobody_else(paging: Site) -> None:
    paging.write(
        "conftest.py",
        """
        from pathlib import Path

        def pytest_ddd_escalate(decision):
            raise ConnectionError("jira is away")
        """,
    )
    paging.write(
        "checks/conftest.py",
        """
        from pathlib import Path

        def pytest_ddd_escalate(decision):
            Path("heard-too").touch()
        """,
    )

    done = run(paging, ON)

    assert (paging.root / "heard-too").exists()
    assert kinds(paging) == ["trigger"]
    assert done.status == 75
    assert "ConnectionError: jira is away" in done.text


def test_a_conftest_brings_a_channel(paging: Site) -> None:
    text = "escalation:\n  channels: {jira: {kind: hook}}\n  rules:\n    down: {when: [RED], notify: [jira]}\n"
    paging.baseline("local", escalation=text)
    paging.write(
        "conftest.py",
        """
        from pathlib import Path

        class Jira:
            def send(self, message, *, timeout_s):
                Path("jira.txt").write_text(message.summary)

        def pytest_ddd_register_channels(channels):
            channels["jira"] = Jira()
        """,
    )

    run(paging, ON)

    assert "RED" in (paging.root / "jira.txt").read_text()


def test_a_channel_that_cannot_be_registered_is_said(paging: Site) -> None:
    paging.write(
        "conftest.py", "def pytest_ddd_register_channels(channels):\n    channels[1 / 0]\n"
    )

    done = run(paging, ON)

    assert kinds(paging) == ["trigger"]
    assert done.status == 75
    assert "pytest_ddd_register_channels in conftest: ZeroDivisionError" in done.text.replace(
        str(paging.root / "conftest.py"), "conftest"
    )


def test_a_proposal_is_shown_and_not_run(paging: Site) -> None:
    done = proposing(paging, "[touch, scaled]", "")

    assert "proposed: touch scaled" in done.text
    assert not (paging.root / "scaled").exists()
    assert heard(paging)[0]["details"]["proposed command"] == "touch scaled"


def test_a_proposal_that_is_not_allowed_is_not_run(paging: Site) -> None:
    done = proposing(paging, "[touch, scaled]", "", "--ddd-proposals=run")

    assert "allowed: true" in done.text
    assert not (paging.root / "scaled").exists()


def test_a_proposal_that_is_allowed_and_asked_for_is_run_once_an_episode(paging: Site) -> None:
    append = "[sh, -c, 'echo {target} >> scaled']"
    proposing(paging, append, ", allowed: true, cooldown: 1s", "--ddd-proposals=run")
    run(paging, ON, "--ddd-proposals=run")

    assert (paging.root / "scaled").read_text() == "local\n"


def test_a_dry_run_runs_no_proposal(paging: Site) -> None:
    proposal(paging, "[touch, scaled]", ", allowed: true")
    run(paging, "--ddd-proposals=run")

    assert not (paging.root / "scaled").exists()


def proposal(site: Site, command: str, more: str) -> None:
    rules(
        site,
        "down: {when: [RED], check: it, notify: [pager], propose: scale}",
        more=f"  proposals: {{scale: {{command: {command}{more}}}}}\n",
    )


def proposing(site: Site, command: str, more: str, *args: str):
    proposal(site, command, more)
    return run(site, ON, *args)

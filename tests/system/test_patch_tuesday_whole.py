"""All six steps on real Debian hosts: states and smoke tests before and after, scan, log, gate."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.lab.lab import Lab
from tests.support.patching import SCENARIO, Run, Tuesday, open_tuesday

pytestmark = pytest.mark.needs("lab", "dpkg-deb", "ssh-keygen")

NAMES = ("shop1", "shop2")
STATES = """
host_states:
  ready:
    sessions: {ports: [8080], crit: 100}
    free: {/: {crit: 1MiB}}
    applies_to: [all]
"""
SMOKE = """
smoke_tests:
  version:
    command: busybox wget -q -O - http://127.0.0.1:8080/version
    output: "^1[.]"
    attempts: {count: 5, interval: 200ms}
    applies_to: [all]
"""
SCANS = "scans: {updates: {updates: {}, applies_to: [all]}}"
ESCALATION = """
escalation:
  channels:
    stakeholders: {kind: exec, command: [sh, -c, "cat >> heard.jsonl; echo >> heard.jsonl"]}
  announcements: {security-patch-tuesday: [stakeholders]}
"""


@pytest.fixture(scope="module")
def two(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tuesday]:
    """Two hosts with the old version."""
    made = open_tuesday(lab, tmp_path_factory.mktemp("whole"), NAMES)
    yield made
    made.archive.close()
    for host in made.hosts.values():
        lab.remove(host)


@pytest.fixture
def tuesday(two: Tuesday) -> Tuesday:
    """The same, as nobody had done anything yet, with a baseline for all six steps."""
    two.reset()
    two.baseline("host_states", STATES)
    two.baseline("smoke_tests", SMOKE)
    two.baseline("scans", SCANS)
    two.baseline("escalation", ESCALATION)
    return two


def lines(tuesday: Tuesday, name: str) -> list[dict[str, Any]]:
    text = (tuesday.root / name).read_text()
    return [json.loads(line) for line in text.splitlines() if line]


def changed(done: Run, host: str) -> str:
    readings = done.of("host_state_after", host).readings
    return next(one.detail for one in readings if one.name == "changed packages")


def every(outcome: str) -> dict[str, str]:
    return dict.fromkeys(NAMES, outcome)


def test_all_six_steps(tuesday: Tuesday) -> None:
    """Green from the first look to the log."""
    done = tuesday.apply("--ddd-escalate=on")

    assert done.status == 0, done.text
    for check in ("host_state_before", "smoke_tests_before", "patch"):
        assert done.outcomes(check) == every("GREEN"), done.text
    for check in ("host_state_after", "smoke_tests_after", "security_scan"):
        assert done.outcomes(check) == every("GREEN"), done.text
    assert [changed(done, host) for host in NAMES] == ["labapp 1.0 -> 1.1"] * 2
    assert "Compliance log: " in done.text
    assert {"Security Patch Tuesday begins in prod", "Security Patch Tuesday has ended in prod: GREEN"} == {
        one["summary"] for one in lines(tuesday, "heard.jsonl")
    }  # fmt: skip


def test_the_log_of_a_green_run(tuesday: Tuesday) -> None:
    """Versions, approver, change and duration of each host; and it verifies."""
    tuesday.apply()
    patches = [
        one for one in lines(tuesday, "evidence/compliance.jsonl") if one["kind"] == "patches"
    ]
    verified = tuesday.ddd("evidence", "verify", "evidence/compliance.jsonl")

    assert [(one["target"], one["state"], one["changed"]) for one in patches] == [
        (host, "in force", ["labapp 1.0 -> 1.1"]) for host in NAMES
    ]
    for one in patches:
        assert one["approvers"][0].startswith("sara@example.org (SHA256:")
        assert (one["ticket"], one["scenario"], one["outcome"]) == ("CHG-7", SCENARIO, "GREEN")
        assert one["took_s"] > 0
    assert verified.returncode == 3, verified.stdout  # whole, and nobody has signed
    assert "INTACT, but nobody who is trusted stands for it" in verified.stdout


def test_too_much_traffic_stops_it_before_anything_is_touched(tuesday: Tuesday) -> None:
    """Here the connection of the run itself is traffic enough."""
    tuesday.baseline("host_states", STATES.replace("[8080], crit: 100", "[22], crit: 1"))

    done = tuesday.apply("--ddd-escalate=on")

    assert done.status == 1
    assert done.outcomes("host_state_before") == every("RED"), done.text
    assert "sessions 1 >= crit 1" in done.of("host_state_before", "shop1").reason
    for action in ("rollback_point", "patch"):
        assert done.outcomes(action) == every("BLOCKED"), done.text
    assert (tuesday.versions(), tuesday.touched()) == (every("1.0"), [])
    assert not (tuesday.root / "heard.jsonl").exists()  # nothing has begun


def test_what_only_its_users_see_takes_it_back(tuesday: Tuesday) -> None:
    """A version that runs and does not work: the smoke test finds it, and both hosts go back."""
    tuesday.baseline("endpoints", "endpoints: {}")
    tuesday.baseline("patches", "patches: {app: {apt: {lock_wait: 5s}, batches: [100%]}}")
    tuesday.offer("1.4")

    done = tuesday.apply()

    assert done.status == 1
    assert done.outcomes("smoke_tests_after") == every("RED"), done.text
    assert "regressed: ✗ RED shop1 version: GREEN -> RED" in done.text
    assert (tuesday.versions(), tuesday.served()) == (every("1.0"), every("1.0"))
    patches = [
        one for one in lines(tuesday, "evidence/compliance.jsonl") if one["kind"] == "patches"
    ]
    assert [one["state"] for one in patches] == ["taken back", "taken back"]


def by_hand(tuesday: Tuesday, version: str) -> None:
    """Patch as somebody else's tool does."""
    tuesday.offer(version)
    for host in tuesday.hosts.values():
        host.run("apt-get -q -y install labapp; true", check=True)


def test_the_gate_after_somebody_elses_tool(tuesday: Tuesday) -> None:
    """Good: 0. A service that does not start: 1, by name. Mended: 0."""
    before = tuesday.run("--ddd-gate=before")
    by_hand(tuesday, "1.1")
    good = tuesday.run("--ddd-gate")
    by_hand(tuesday, "1.2")
    bad = tuesday.run("--ddd-gate")
    by_hand(tuesday, "1.4")
    tuesday.baseline("smoke_tests", SMOKE)
    worse = tuesday.run("--ddd-gate")

    assert before.status == 1  # an update is pending, and the scan says so
    assert good.status == 0, good.text
    assert "fixed: ✓ GREEN shop1 updates: RED -> GREEN" in good.text
    assert changed(good, "shop2") == "labapp 1.0 -> 1.1"
    assert bad.status == 1
    assert (
        "regressed: ✗ RED shop1 ready: GREEN -> RED: labapp.service was active before" in bad.text
    )
    assert worse.status == 1
    assert "regressed: ✗ RED shop1 version: GREEN -> RED" in worse.text

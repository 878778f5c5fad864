"""The record of a run: the same with any number of workers, whole when the run is killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import xml.etree.ElementTree as ET

import pytest

from pytest_ddd.evidence.record import read_record
from pytest_ddd.outcomes import Outcome
from pytest_ddd.results import CheckResult
from tests.plugin.conftest import Site

PROD = "hosts: {web1: {connection: 'local://'}, web2: {connection: 'local://'}}"
MIXED = """
    from pytest_ddd import clock

    LIMITS = Threshold(warn=Limit(value=80), crit=Limit(value=90), unit="%")

    def reading(value):
        return Reading(name="queue", value=value, unit="%", at=clock.now())

    @pytest.mark.parametrize("value", [5, 85, 95])
    def test_queue(host, judge, value):
        judge(reading(value), LIMITS)

    def test_command(host):
        assert host.run("echo seen").stdout == "seen\\n"

    def test_environment():
        raise OSError("blind")

    def test_not_here():
        pytest.skip("no such thing")
"""


def _timeless(result: CheckResult) -> tuple[object, ...]:
    readings = tuple(
        (one.name, one.value, one.unit, one.source, one.outcome, one.threshold, one.detail)
        for one in result.readings
        if one.name != "reachable"
    )
    reason = "" if result.check_id.endswith("/reachable") else result.reason
    return (result.identity, result.outcome, reason, readings, result.nodeid, result.title)


def test_same_records_with_workers(site: Site) -> None:
    """Plain, -n0 and -n2 write the same set of records, apart from times and workers."""
    site.baseline("prod", hosts=PROD)
    site.check(MIXED)

    records = []
    for args in ((), ("-n0",), ("-n2",)):
        done = site.run("--host=prod", *args)
        records.append(sorted(map(_timeless, done.results), key=repr))
        assert done.status == 1

    assert len(records[0]) == 2 + 2 * 4 + 2
    assert records[0] == records[1] == records[2]


def test_commands_of_a_passed_check_are_evidence(site: Site, plugin_args: tuple[str, ...]) -> None:
    """Command, exit status, output and digest stand in the record of a green check."""
    site.check("def test_it(host):\n    assert host.run('echo seen').rc == 0\n")

    done = site.run(*plugin_args)

    (result,) = (one for one in done.results if one.check_id.endswith("/it"))
    (command,) = result.readings
    assert result.outcome is Outcome.GREEN
    assert (command.source, command.value, command.detail) == ("echo seen", 0, "seen\n")
    assert len(command.digest) == 64


def test_killed_run_keeps_what_it_had_finished(site: Site) -> None:
    """Kill -9 in mid-run loses no finished result."""
    site.check(
        """
        import time

        @pytest.mark.parametrize("n", range(50))
        def test_it(n):
            time.sleep(0.02 if n < 10 else 300)
        """
    )
    run = subprocess.Popen(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider"],
        cwd=site.root,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + 180
    while len(site.results()) < 10 and time.monotonic() < deadline:
        time.sleep(0.05)

    os.kill(run.pid, signal.SIGKILL)
    run.wait()

    assert len(site.results()) == 10


def test_interrupted_run_says_so(site: Site) -> None:
    """Ctrl-C keeps what there is, marked as interrupted, and exits with 2."""
    site.check("def test_a():\n    pass\n\ndef test_b():\n    raise KeyboardInterrupt\n")

    done = site.run()

    assert done.status == 2
    assert [one.outcome for one in done.results] == [Outcome.GREEN]
    assert "Stopped before the end" in done.text


def test_junit_names_the_target(site: Site, plugin_args: tuple[str, ...]) -> None:
    """JUnit's class name holds the host, and its properties the outcome."""
    site.baseline("prod", hosts=PROD)
    site.check(MIXED)

    site.run("--host=prod", "--junitxml=junit.xml", *plugin_args)

    cases = ET.parse(site.root / "junit.xml").getroot().iter("testcase")
    found = {(case.get("classname"), case.get("name")): case for case in cases}
    red = found["daily-checks.web2", "test_queue[web2-95]"]
    told = {one.get("name"): one.get("value") for one in red.iter("property")}
    assert told["outcome"] == "RED"
    assert told["reading"] == "queue 95 % >= crit 90 %"
    assert "ddd_result" not in told


def test_unwritable_record_is_exit_76(site: Site) -> None:
    """A run whose record cannot be written says so and never exits with 0."""
    site.check("def test_it():\n    pass\n")
    site.write("evidence", "a file where the directory should be")

    done = site.run()

    assert done.status == 76
    assert "NOT WRITTEN" in done.text


def test_evidence_off(site: Site, plugin_args: tuple[str, ...]) -> None:
    """--ddd-evidence off writes nothing."""
    site.check("def test_it():\n    pass\n")

    done = site.run("--ddd-evidence", "off", *plugin_args)

    assert done.status == 0
    assert not (site.root / "evidence").exists()


def test_report_stands_beside_the_record(site: Site, plugin_args: tuple[str, ...]) -> None:
    """Every run leaves report.html, and its path is the last thing it says of the scenario."""
    site.check("def test_it():\n    pass\n")

    done = site.run(*plugin_args)

    (report,) = site.root.glob("evidence/*/report.html")
    assert str(report) in done.text
    assert read_record(report.with_name("results.jsonl")).damage == ()


def test_everything_not_applicable_is_exit_5(site: Site, plugin_args: tuple[str, ...]) -> None:
    """A run that looked at nothing does not exit with 0, and says what would switch it on."""
    site.check("def test_it(backup):\n    backup.read()\n")

    done = site.run(*plugin_args)

    assert done.status == 5
    assert done.outcomes() == {"local/it": "NOT_APPLICABLE"}
    assert "`backups:` in baselines/local/backups.yaml" in done.results[0].reason


def test_recheck(site: Site, plugin_args: tuple[str, ...]) -> None:
    """A yellow is looked at again; both looks are recorded and the last decides."""
    site.check(
        """
        from pathlib import Path
        from pytest_ddd import clock

        def test_it(judge, baseline):
            seen = Path("seen")
            value = 5 if seen.exists() else 85
            seen.touch()
            judge(
                Reading(name="queue", value=value, unit="%", at=clock.now()),
                Threshold(warn=Limit(value=80), unit="%"),
            )
        """
    )

    done = site.run("--ddd-recheck", "20s", "--ddd-fail-on", "yellow", *plugin_args)

    looks = sorted(done.results, key=lambda one: one.look)
    assert [(one.look, one.outcome.value) for one in looks] == [(1, "YELLOW"), (2, "GREEN")]
    assert looks[1].readings[-1].name == "time to resolve"
    assert done.status == 0


def test_recheck_gives_up(site: Site, plugin_args: tuple[str, ...]) -> None:
    """What stays yellow is looked at until time is up, and stays yellow."""
    site.check(
        """
        from pytest_ddd import clock

        def test_it(judge):
            judge(
                Reading(name="queue", value=85, unit="%", at=clock.now()),
                Threshold(warn=Limit(value=80), unit="%"),
            )
        """
    )

    done = site.run("--ddd-recheck", "1s", *plugin_args)

    assert [(one.look, one.outcome.value) for one in done.results] == [(1, "YELLOW"), (2, "YELLOW")]


def test_overrun_of_the_budget_is_yellow(site: Site, plugin_args: tuple[str, ...]) -> None:
    """A scenario that takes longer than its budget is yellow although every check is green."""
    site.write(
        "baselines/local/scenarios.yaml", "scenarios: {morning-health-check: {budget: 10ms}}"
    )
    site.check(
        """
        import time

        @pytest.mark.scenario("morning-health-check")
        def test_it():
            time.sleep(0.05)
        """
    )

    done = site.run("--ddd-fail-on=yellow", *plugin_args)

    assert done.outcomes() == {"local/it": "GREEN"}
    assert "longer than its budget" in done.text
    assert done.status == 1


def test_steps_run_in_order(site: Site) -> None:
    """Steps run in the order of the routine, whatever the order in the file."""
    site.check(
        """
        pytestmark = [pytest.mark.daily, pytest.mark.scenario("morning-health-check")]

        @pytest.mark.step(3)
        def test_third(host): pass

        @pytest.mark.step(1)
        def test_first(host): pass

        @pytest.mark.step(2)
        def test_second(host): pass
        """
    )

    done = site.run()

    assert [one.step for one in done.results] == [0, 1, 2, 3]


@pytest.mark.parametrize(
    ("marks", "message"),
    [
        ("pytest.mark.step('one')", "a number from 1"),
        ("pytest.mark.step(0)", "a number from 1"),
        ("pytest.mark.scenario()", "scenario"),
        ("pytest.mark.weekly", "one frequency"),
        ("pytest.mark.control()", "control"),
        ("pytest.mark.scenario('performance-review')", "weekly routine"),
    ],
)
def test_wrong_marker_arguments(
    site: Site, plugin_args: tuple[str, ...], marks: str, message: str
) -> None:
    """Wrong marker arguments are refused when checks are collected."""
    site.check(f"@{marks}\ndef test_it():\n    pass\n")

    done = site.run(*plugin_args)

    assert done.status == 4
    assert message in done.text
    assert done.results == ()


def test_scenario_option(site: Site, plugin_args: tuple[str, ...]) -> None:
    """--ddd-scenario keeps one scenario; an unknown one is a mistake."""
    site.check("def test_it():\n    pass\n")
    site.check(
        "@pytest.mark.scenario('morning-health-check')\ndef test_that():\n    pass\n", "test_that"
    )

    chosen = site.run("--ddd-scenario", "daily-checks", *plugin_args)
    wrong = site.run("--ddd-scenario", "evening", *plugin_args)

    assert chosen.outcomes() == {"local/it": "GREEN"}
    assert wrong.status == 4
    assert "morning-health-check" in wrong.text

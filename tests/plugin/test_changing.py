"""Actions in checks: what `--ddd-apply` demands, and when an action touches nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.lab.reap import Ledger
from tests.lab.svc.prometheus import Prometheus
from tests.plugin.conftest import Site
from tests.unit.actions.rule_site import ALERTS

NIGHT, DAY = "pytest-ddd local shop night", "pytest-ddd local shop day"
ACTION = """
from pathlib import Path
from pytest_ddd.actions.interface import Plan, Subject

class Touch:
    subject = Subject(kind="touch", environment="local", target="local", entry="file")

    def plan(self):
        return Plan(summary="touch the file", detail="+ touched", is_needed=True)

    def do(self, keep):
        keep.save("before", b"nothing")
        Path("touched").touch()

    def verify(self):
        return () if Path("touched").exists() else (Problem(text="not there"),)

    def undo(self, keep):
        Path("touched").unlink(missing_ok=True)
        return ()
"""
STEPS = """
@pytest.mark.scenario("end-of-day-validation")
class TestSteps:
    @pytest.mark.step(1)
    def test_one(self): pass
    @pytest.mark.step(2)
    def test_two(self): assert {two}
    @pytest.mark.step(3)
    def test_three(self): pass
    @pytest.mark.step(4)
    def test_four(self): pass
    @pytest.mark.step(5)
    @pytest.mark.action
    def test_five(self, change):
        assert change(Touch()).problems == ()
"""
APPLY = ("--ddd-apply", "--host=local")


def steps(site: Site, two: str = "True") -> None:
    site.check(ACTION + STEPS.format(two=two))


def test_without_apply_an_action_is_planned(site: Site, plugin_args: tuple[str, ...]) -> None:
    """It shows what it would change, touches nothing, and the run is not complete."""
    steps(site)

    done = site.run(*plugin_args)

    (five,) = (one for one in done.results if one.step == 5)
    assert five.outcome.value == "NOT_APPLICABLE"
    assert five.reason == "planned: touch the file (--ddd-apply does it)"
    assert [one.detail for one in five.readings] == ["touch the file\n+ touched"]
    assert not (site.root / "touched").exists()
    assert not (site.root / ".pytest-ddd/actions").exists()
    assert "1 action was only planned" in done.text
    assert "All good" not in done.text


def test_with_apply_it_is_done_and_told(site: Site) -> None:
    """Done in order after green steps; the record holds plan, do and verify."""
    steps(site)

    done = site.run(*APPLY)

    (five,) = (one for one in done.results if one.step == 5)
    assert (done.status, five.outcome.value) == (0, "GREEN"), done.text
    assert [reading.name for reading in five.readings] == ["plan", "do", "verify"]
    assert (site.root / "touched").exists()
    assert (site.root / ".pytest-ddd").stat().st_mode & 0o777 == 0o700


def test_a_red_before_it_touches_nothing(site: Site) -> None:
    """A RED in an earlier step blocks the action."""
    steps(site, two="False")

    done = site.run(*APPLY)

    (five,) = (one for one in done.results if one.step == 5)
    assert five.outcome.value == "BLOCKED"
    assert "not done, nothing was touched: " in five.reason
    assert five.reason.endswith("::test_two: it is RED")
    (report,) = site.root.glob("evidence/*/report.html")
    assert "; 1 more was not done." in report.read_text()
    assert not (site.root / "touched").exists()


@pytest.mark.parametrize(
    "args", [("-k", "five or one"), ("checks/daily/test_own.py::TestSteps::test_five",)]
)
def test_a_step_that_is_left_out_touches_nothing(site: Site, args: tuple[str, ...]) -> None:
    """What was not looked at may be RED."""
    steps(site)

    done = site.run(*APPLY, *args)

    (five,) = (one for one in done.results if one.step == 5)
    assert five.outcome.value == "BLOCKED"
    assert "it was left out of this run" in five.reason
    assert not (site.root / "touched").exists()


REFUSED = {
    "no host": (("--ddd-apply",), "name where with --host=ENVIRONMENT"),
    "workers": ((*APPLY, "-n2"), "leave out -n"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_apply_is_refused(site: Site, name: str) -> None:
    """A user's mistake: exit status 4, and nothing is touched."""
    args, words = REFUSED[name]
    steps(site)

    done = site.run(*args)

    assert (done.status, words in done.text) == (4, True), done.text
    assert not (site.root / "touched").exists()


def test_apply_has_no_twin(site: Site) -> None:
    """Neither the environment nor the ini file can let an action change something."""
    steps(site)
    site.write("pyproject.toml", "[tool.pytest]\ntestpaths = ['checks']\nddd_apply = 'true'\n")

    done = site.run("--host=local", env={"DDD_APPLY": "1", "DDD_HOST": "local"})

    assert "planned" in done.text
    assert not (site.root / "touched").exists()


def test_only_what_is_marked_action_may_change(site: Site) -> None:
    """The fixture is refused at collection to everything else."""
    site.check("def test_it(change):\n    pass\n")

    done = site.run()

    assert done.status == 4
    assert "only an action may use `change`: mark it with @pytest.mark.action" in done.text


def test_what_a_killed_run_left_open_is_named(site: Site) -> None:
    """By every later run; by the same action as YELLOW, which closes it."""
    steps(site)
    line = {
        "v": 1, "action_id": "a", "run_id": "dead0000", "operator": "ops", "at": "2026-11-25T18:00:00Z",
        "kind": "touch", "environment": "local", "target": "local", "entry": "file",
        "transition": "do", "phase": "begin", "good": False, "said": "",
    }  # fmt: skip
    site.write(".pytest-ddd/actions/journal.jsonl", json.dumps(line) + '\n{"v": 1, "cut o')

    planned = site.run()
    applied = site.run(*APPLY)
    after = site.run()

    words = "touch.file on local: `do` has begun at 2026-11-25T18:00:00Z and never ended"
    assert f"left open: {words} (run dead0000 of ops)" in planned.text
    (five,) = (one for one in applied.results if one.step == 5)
    assert five.outcome.value == "YELLOW"
    assert words in five.reason
    assert "left open" not in after.text


def test_a_journal_that_cannot_be_written_changes_nothing(site: Site) -> None:
    """Exit status 76, as for any record."""
    steps(site)
    site.write(".pytest-ddd/actions", "in the way")

    done = site.run(*APPLY)

    assert done.status == 76, done.text
    (five,) = (one for one in done.results if one.step == 5)
    assert five.outcome.value == "UNKNOWN"
    assert "journal.jsonl: Not a directory" in five.reason
    assert not (site.root / "touched").exists()


def test_a_journal_that_fails_before_the_first_result_ends_with_76(site: Site) -> None:
    only = "@pytest.mark.action\ndef test_it(change):\n    assert change(Touch()).problems == ()\n"
    site.check(ACTION + only)
    site.write(".pytest-ddd/actions", "in the way")

    done = site.run(*APPLY)

    assert done.status == 76, done.text
    assert not (site.root / "touched").exists()


@pytest.fixture
def server(ledger: Ledger) -> Iterator[Prometheus]:
    with Prometheus(ledger) as running:
        yield running


@pytest.mark.needs("prometheus", "promtool")
def test_the_night_is_set_and_the_morning_takes_it_back(site: Site, server: Prometheus) -> None:
    """The shipped step 5 on a real Prometheus, and the command of the morning."""
    rules = {
        "prometheus": {"url": server.url},
        "file": str(server.rules / "shop.yml"),
        "alerts": ALERTS,
        "interval": "100ms",
    }
    site.baseline("local", rule_sets=json.dumps({"rule_sets": {"shop": rules}}))
    site.copy_check("daily/test_end_of_day_validation.py")

    planned = site.run()
    before = server.loaded()
    applied = site.run(*APPLY)
    night = server.loaded()
    shown = site.command("pytest-ddd", "action", "list")
    undone = site.command("pytest-ddd", "action", "undo", "--host=local")
    again = site.command("pytest-ddd", "action", "undo", "--host=local")

    assert "planned: write the 2 rules of the night" in planned.text
    assert before == {}
    assert applied.outcomes()["local/shop"] == "GREEN", applied.text
    assert list(night) == [NIGHT]
    assert shown.stdout.startswith("✓ in force: rule_sets.shop on local: `verify` ended at ")
    assert (undone.returncode, undone.stdout) == (0, "✓ taken back: rule_sets.shop on local\n")
    assert list(server.loaded()) == [DAY]
    assert (again.returncode, again.stdout) == (0, "nothing to take back in local\n")

    site.run(*APPLY)
    server.stop()
    down = site.command("pytest-ddd", "action", "undo", "--host=local")
    assert down.returncode == 1
    assert "✗ not taken back: rule_sets.shop on local: " in down.stderr
    assert "connection refused" in down.stderr
    assert "1 action of 1 could not be taken back" in down.stderr


@pytest.mark.needs("prometheus", "promtool")
def test_a_red_metric_leaves_the_rules_alone(site: Site, server: Prometheus) -> None:
    """Step 4 as it is shipped, and what its RED means for step 5."""
    rules = {
        "prometheus": {"url": server.url},
        "file": str(server.rules / "shop.yml"),
        "alerts": ALERTS,
        "interval": "100ms",
    }
    latency = {
        "prometheus": {"url": server.url, "query": "vector(0.9)"},
        "baseline": {"value": 0.5},
    }
    site.baseline("local", rule_sets=json.dumps({"rule_sets": {"shop": rules}}))
    site.baseline("local", metrics=json.dumps({"metrics": {"latency": latency}}))
    site.copy_check("daily/test_end_of_day_validation.py")

    broken = site.run(*APPLY)
    untouched = server.loaded()
    latency["baseline"] = {"value": 0.8}
    site.baseline("local", metrics=json.dumps({"metrics": {"latency": latency}}))
    healed = site.run(*APPLY)

    outcomes = broken.outcomes()
    assert (outcomes["local/latency"], outcomes["local/shop"]) == ("RED", "BLOCKED")
    assert "latency 0.9 >= crit 0.75 (baselines/local/metrics.yaml:1)" in broken.text
    assert untouched == {}
    outcomes = healed.outcomes()
    assert (outcomes["local/latency"], outcomes["local/shop"]) == ("GREEN", "GREEN")
    assert list(server.loaded()) == [NIGHT]

"""The gate: a snapshot before, a comparison after, and an exit status that never lies."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from pytest_ddd import clock
from pytest_ddd import run as maintenance_run
from pytest_ddd.baseline import loader
from pytest_ddd.escalation import telling
from pytest_ddd.evidence import snapshots
from pytest_ddd.history import desk
from tests.plugin.conftest import Outcome, Site

LOADED = (loader, maintenance_run, snapshots, telling, desk)
"""Imported here, so that runs in this process share them: C libraries below them load once."""

CHECK = """
    import pathlib
    from pytest_ddd.errors import CannotLookError

    @pytest.mark.parametrize("name", ["a", "b"])
    def test_file(name, request):
        '''Files are there.'''
        where = request.config.rootpath / name
        if where.is_dir():
            raise CannotLookError(f"{name} is a directory")
        assert where.exists(), f"file {name} is missing"
    """
BEFORE = ("-m", "daily", "--ddd-gate=before")
GATE = ("-m", "daily", "--ddd-gate")


@pytest.fixture
def files(site: Site) -> Site:
    """A site whose two checks look for the files a and b; a is there."""
    site.check(CHECK)
    site.write("a", "")
    return site


def run(site: Site, *args: str, **more: Any) -> Outcome:
    """Run in this process, which is faster."""
    return site.run(*args, in_process=True, **more)


def snapshot_of(site: Site) -> Path:
    return site.root / ".pytest-ddd/snapshots/local_daily-checks.json"


def test_what_was_red_and_stays_red_passes(files: Site, plugin_args: tuple[str, ...]) -> None:
    """The gate judges the change, not the state; and says both."""
    before = files.run(*BEFORE, *plugin_args)
    after = files.run(*GATE, *plugin_args)

    assert before.status == 1  # as without a gate: b is missing
    assert after.status == 0
    assert "Gate: PASSED: nothing regressed; 1 not green, as before" in after.text
    assert "✗ RED: " in after.text


def test_what_regressed_does_not_pass(files: Site) -> None:
    """Told by name, with both outcomes; healed, it passes."""
    run(files, *BEFORE)
    (files.root / "a").unlink()
    broken = run(files, *GATE)
    files.write("a", "")
    files.write("b", "")
    healed = run(files, *GATE)

    assert broken.status == 1
    assert "regressed: ✗ RED local name=a: GREEN -> RED: file a is missing" in broken.text
    assert "Gate: NOT PASSED: 1 regressed" in broken.text
    assert healed.status == 0
    assert "fixed: ✓ GREEN local name=b: RED -> GREEN" in healed.text


def test_unknown_never_passes(files: Site) -> None:
    """Also when it was unknown before."""
    (files.root / "b").mkdir()
    run(files, *BEFORE)

    after = run(files, *GATE)

    assert after.status == 1
    assert "not comparable: ? UNKNOWN local name=b: UNKNOWN -> UNKNOWN" in after.text
    assert "Gate: NOT PASSED: 1 not comparable and not green" in after.text


def test_a_check_that_is_gone_does_not_pass(files: Site) -> None:
    """A gate sees what nobody looks at any more."""
    run(files, *BEFORE)
    files.check(CHECK.replace('["a", "b"]', '["a"]'))

    after = run(files, *GATE)

    assert after.status == 1
    assert "RED -> not looked at: not looked at now" in after.text


def test_a_part_does_not_pass(files: Site) -> None:
    """`-k` leaves out what the snapshot has."""
    run(files, *BEFORE)

    assert run(files, *GATE, "-k", "a]").status == 1


def test_a_failure_of_another_test_does_not_pass(files: Site) -> None:
    """What is no check is no business of a gate, and its failure stays one."""
    run(files, *BEFORE)
    files.write("checks/test_other.py", "def test_other(): assert False\n")

    after = run(files, "--ddd-gate")

    assert after.status == 1
    assert "Gate: PASSED" in after.text


def test_an_error_at_the_end_of_a_check_does_not_pass(files: Site) -> None:
    """A fixture that fails after its check has a report of its own."""
    run(files, *BEFORE)
    files.write("checks/daily/conftest.py", CLEANUP)

    after = run(files, *GATE)

    assert after.status == 1


CLEANUP = """
import pytest

@pytest.fixture(autouse=True)
def cleanup():
    yield
    raise RuntimeError("no clean end")
"""


def test_without_a_snapshot_nothing_is_compared(files: Site) -> None:
    """A user's mistake is exit 4, before anything is looked at, with what to type."""
    done = run(files, *GATE)

    assert done.status == 4
    assert "no snapshot of daily-checks in local" in done.text
    assert "the same command with --ddd-gate=before" in done.text
    assert done.results == ()


def test_an_old_snapshot_proves_nothing(files: Site) -> None:
    """What was red a week ago and was mended since would hide what a patch broke."""
    run(files, *BEFORE)
    kept = json.loads(snapshot_of(files).read_text())
    kept["snapshot"]["taken_at"] = clock.stamp(clock.now() - timedelta(hours=25))
    snapshot_of(files).write_text(json.dumps(kept))

    done = run(files, *GATE)

    assert done.status == 4
    assert "one older than" in done.text


@pytest.mark.parametrize("content", ["", "{", "[]", '{"format": "x"}', '{"format":'])
def test_a_snapshot_that_cannot_be_read_is_refused(files: Site, content: str) -> None:
    """Cut, empty or of something else."""
    run(files, *BEFORE)
    snapshot_of(files).write_text(content)

    done = run(files, *GATE)

    assert done.status == 4
    assert "no snapshot" in done.text


def test_an_interrupted_snapshot_is_not_kept(files: Site) -> None:
    """The one before stays; half a snapshot would hide half of the checks."""
    files.check(CHECK + "\n\ndef test_last():\n    raise KeyboardInterrupt\n")

    run(files, *BEFORE)

    assert not snapshot_of(files).exists()


def test_a_changed_baseline_is_told(files: Site) -> None:
    """A raised limit may hide a regression: somebody should know."""
    run(files, *BEFORE)
    files.baseline("local", thresholds="thresholds: {memory: {crit: 99%}}")

    assert (
        "the baseline was changed since the snapshot: baselines/local/thr" in run(files, *GATE).text
    )


PAIR = """
    @pytest.mark.step(1)
    def test_file_before(request):
        assert (request.config.rootpath / "a").exists()

    @pytest.mark.step(2)
    @pytest.mark.action
    def test_patch(change):
        raise RuntimeError("a gate never gets here")

    @pytest.mark.step(3)
    def test_file_after(request):
        assert (request.config.rootpath / "a").exists()
    """


def test_the_sides_of_a_change(files: Site) -> None:
    """Before: no check of afterwards; after: none of before; an action in neither."""
    files.check(PAIR)
    before = run(files, *BEFORE)
    after = run(files, *GATE)

    assert [one.check_id for one in before.results] == ["daily-checks/file_before"]
    assert [one.check_id for one in after.results] == ["daily-checks/file_after"]
    assert (before.status, after.status) == (0, 0)


def test_one_run_compares_its_own_pairs(files: Site) -> None:
    """Without a gate: the snapshot is the run's own first step."""
    patch = "(request.config.rootpath / 'a').unlink()"
    files.check(
        PAIR.replace("raise RuntimeError", "pass  # ")
        .replace("(change)", "(request)")
        .replace("pass  # ", f"{patch}  # ")
    )

    done = run(files)

    assert done.status == 1
    assert "regressed: ✗ RED local file: GREEN -> RED" in done.text
    assert "Gate:" not in done.text


def test_the_report_and_the_evidence_tell_it(files: Site) -> None:
    """In words in the report, as fields in run.json; the package verifies."""
    run(files, *BEFORE)
    (files.root / "a").unlink()
    run(files, *GATE)
    newest = max(files.root.glob("evidence/*/run.json"), key=lambda f: f.stat().st_mtime_ns)

    comparison = json.loads(newest.read_text())["run"]["comparison"]
    report = newest.with_name("report.html").read_text()

    assert [one["kind"] for one in comparison["compared"]] == ["regressed", "same"]
    assert "Gate: NOT PASSED: 1 regressed" in report
    assert "local name=a: GREEN" in report
    assert json.loads(newest.read_text())["run"]["kind"] == "gate"


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("--ddd-gate=before", "--ddd-apply", "--host=local"), "leave out --ddd-apply"),
        (("--ddd-gate=later",), "invalid choice: 'later'"),
    ],
)
def test_what_makes_no_sense_is_refused(files: Site, args: tuple[str, ...], said: str) -> None:
    """Exit 4, and nothing is looked at."""
    done = run(files, *args)

    assert done.status == 4
    assert said in done.text


def test_the_environment_may_say_it(files: Site) -> None:
    """As a CI job does it."""
    run(files, *BEFORE)

    done = run(files, "-m", "daily", env={"DDD_GATE": "after"})
    wrong = run(files, "-m", "daily", env={"DDD_GATE": "yes"})

    assert "Gate: PASSED" in done.text
    assert wrong.status == 4
    assert "'yes' is neither before nor after" in wrong.text


HOSTS = """
    hosts:
      one: {connection: "local://"}
      two: {connection: "local://"}
"""


def test_fewer_hosts_are_compared_alone(files: Site) -> None:
    """A part of the hosts at a time, as other tools patch them; the rest is left out, and told."""
    files.baseline("local", hosts=HOSTS)
    files.check("def test_up(host): assert host.run('test ! -e down').rc == 0")
    run(files, *BEFORE, "--host=local")
    (files.root / "down").touch()

    done = run(files, *GATE, "--host=two")

    assert "1 results of" not in done.text
    assert "2 results of the snapshot are about targets that are not selected now" in done.text
    assert "Gate: NOT PASSED: 1 regressed" in done.text


def test_a_scenario_of_which_nothing_applies_stops_nobody(files: Site) -> None:
    """It says so; alone, it proves nothing and does not pass."""
    files.copy_check("daily/test_end_of_day_validation.py")
    alone = "--ddd-scenario=end-of-day-validation"
    run(files, *BEFORE)
    both = run(files, *GATE)
    run(files, *BEFORE, alone)
    empty = run(files, *GATE, alone)

    assert both.status == 0
    assert "Gate: nothing to compare: no check of this scenario applies" in both.text
    assert "Gate: PASSED" in both.text
    assert empty.status == 5

"""What a run remembers, what it says of the run before, and what happens when it cannot."""

from __future__ import annotations

import subprocess
import sys

import pytest
from prometheus_client.parser import text_string_to_metric_families

from pytest_ddd.history import places, telling
from pytest_ddd.history.store import Store
from pytest_ddd.occurrences import Run, State
from tests.plugin.conftest import Site

_CHECK = """
    import pathlib

    @pytest.mark.parametrize("name", ["a", "b", "c"])
    def test_file(name, request):
        '''Files are there.'''
        found = (request.config.rootpath / name).exists()
        assert found, f"file {name} is missing"
    """


@pytest.fixture
def files(site: Site) -> Site:
    """A site whose three checks look for the files a, b and c; a and b are there."""
    site.check(_CHECK)
    site.write("a", "")
    site.write("b", "")
    return site


def runs_of(site: Site) -> tuple[Run, ...]:
    """Return the remembered runs, newest first."""
    with Store.open(places.default_url(site.root), site.root) as store, store.reading() as tx:
        return telling.listed(tx)


def records_of(site: Site, run: Run) -> list[object]:
    """Return the outcomes of a remembered run."""
    with Store.open(places.default_url(site.root), site.root) as store, store.reading() as tx:
        return [record["outcome"] for record in telling.records(tx, run)]


def test_a_run_is_remembered_and_compared(files: Site, plugin_args: tuple[str, ...]) -> None:
    """The first run has nothing to compare with; the second says what changed."""
    first = files.run(*plugin_args)
    (files.root / "b").unlink()
    files.write("c", "")
    second = files.run(*plugin_args)
    third = files.run(*plugin_args)

    assert first.status == second.status == third.status == 1
    assert "Since the previous run" not in first.text
    assert "1 new, 1 fixed" in second.text
    assert "new: ✗ RED local file b is missing (was GREEN)" in second.text
    assert "fixed: ✓ GREEN local" in second.text
    assert "1 still bad" in third.text
    assert [sorted(map(str, records_of(files, run))) for run in runs_of(files)] == [
        ["GREEN", "GREEN", "RED"]
    ] * 3


def test_what_is_not_looked_at_any_more_is_not_fixed(files: Site) -> None:
    """A check that vanished, or is skipped, is lost and not fixed."""
    files.run()
    files.check(_CHECK.replace('["a", "b", "c"]', '["a", "b"]'))

    second = files.run()

    assert "1 no longer looked at" in second.text
    assert "no longer looked at: ✗ RED local file c is missing" in second.text


def test_a_scheduled_run_is_an_occurrence_unless_narrowed(
    files: Site, plugin_args: tuple[str, ...]
) -> None:
    """`DDD_SCHEDULED` says when a run was due; a part of it is ad hoc."""
    env = {"DDD_SCHEDULED": "2026-11-23T07:30:00+01:00"}

    files.run(*plugin_args, env=env)
    files.run(*plugin_args, "--deselect", "checks/daily/test_own.py::test_file[c]", env=env)

    narrowed, whole = runs_of(files)
    assert (whole.kind, whole.narrowed) == ("scheduled", False)
    assert (narrowed.kind, narrowed.narrowed) == ("ad-hoc", True)
    assert whole.due_at is not None
    assert whole.due_at.isoformat() == "2026-11-23T06:30:00+00:00"


def test_other_frequencies_do_not_narrow(files: Site) -> None:
    """`-m daily` leaves the weekly checks out, and the daily run is whole."""
    files.write(
        "checks/weekly/test_other.py",
        "import pytest\npytestmark = pytest.mark.weekly\ndef test_it(): pass\n",
    )

    files.run("-m", "daily")

    [run] = runs_of(files)
    assert not run.narrowed


def test_a_due_time_without_its_zone_is_refused(files: Site) -> None:
    """A user's mistake is exit 4."""
    done = files.run(env={"DDD_SCHEDULED": "2026-11-23 07:30"})

    assert done.status == 4
    assert "DDD_SCHEDULED: '2026-11-23 07:30' is no time" in done.text


@pytest.mark.parametrize("url", ["history.db", "mysql://server/x", "sqlite://"])
def test_a_history_that_cannot_be_is_refused(files: Site, url: str) -> None:
    """A user's mistake is exit 4, before anything is looked at."""
    done = files.run("--ddd-history", url)

    assert done.status == 4
    assert "sqlite:///FILE" in done.text


def test_a_history_can_be_off(files: Site) -> None:
    """Then nothing is written but evidence."""
    done = files.run("--ddd-history", "off")

    assert done.status == 1
    assert not (files.root / ".pytest-ddd").exists()


def test_a_password_of_the_history_is_shown_nowhere(files: Site) -> None:
    """Neither in the terminal nor in any file."""
    url = "postgresql://ddd:hunter2-of-postgres@127.0.0.1:1/ddd?connect_timeout=2"

    done = files.run("--ddd-history", url)

    assert done.status == 76
    assert "hunter2-of-postgres" not in done.text
    for file in files.root.rglob("*"):
        if file.is_file() and file.suffix not in (".pyc", ""):
            assert "hunter2-of-postgres" not in file.read_text(errors="replace"), file


def test_what_cannot_be_stored_waits_for_the_next_run(
    files: Site, plugin_args: tuple[str, ...]
) -> None:
    """Exit 76 says so; the next run stores it, and the one after has nothing to do."""
    directory = files.root / ".pytest-ddd"
    directory.mkdir(mode=0o700)
    (directory / "history.db").mkdir()

    broken = files.run(*plugin_args)
    (directory / "history.db").rmdir()
    mended = files.run(*plugin_args)

    assert broken.status == 76
    assert "NOT WRITTEN" in broken.text
    assert mended.status == 1
    assert list((directory / "spool").iterdir()) == []
    newest, oldest = runs_of(files)
    assert oldest.state is newest.state is State.FINISHED
    assert sorted(map(str, records_of(files, oldest))) == ["GREEN", "GREEN", "RED"]
    assert oldest.counts == newest.counts


def test_a_killed_run_keeps_what_it_finished(files: Site) -> None:
    """The next run marks it aborted, and evaluates the results that are there."""
    files.check(
        """
        import os, signal

        @pytest.mark.parametrize("number", range(5))
        def test_number(number):
            if number == 3:
                os.kill(os.getpid(), signal.SIGKILL)
        """
    )
    killed = files.run()
    files.check(_CHECK)

    files.run()

    assert killed.status == -9
    newest, dead = runs_of(files)
    assert (newest.state, dead.state) == (State.FINISHED, State.ABORTED)
    assert records_of(files, dead) == ["GREEN"] * 3
    assert dead.evaluated_to == 3


def test_a_stopped_run_is_interrupted(files: Site) -> None:
    """What is missing was not looked at."""
    (files.root / "a").unlink()

    files.run("-x")

    [run] = runs_of(files)
    assert run.state is State.INTERRUPTED


def test_two_runs_at_once_are_both_remembered(files: Site) -> None:
    """Nothing of one gets into the other."""
    argv = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-q"]
    begun = [subprocess.Popen(argv, cwd=files.root, stdout=subprocess.DEVNULL) for _ in range(2)]
    for process in begun:
        process.wait(timeout=300)

    assert [len(records_of(files, run)) for run in runs_of(files)] == [3, 3]


def test_what_earlier_runs_have_read_can_be_asked_for(
    files: Site, plugin_args: tuple[str, ...]
) -> None:
    """A check gets the readings of runs that are over; this one's are not among them."""
    files.check(
        """
        from pytest_ddd import clock

        def test_growth(judge, history):
            '''Values of all runs until now.'''
            seen = [one.value for one in history.readings("rows", target="local", days=1)]
            reading = Reading(name="rows", value=len(seen), at=clock.now())
            judge(reading, Threshold(warn=Limit(value=9)))
            assert seen == list(range(len(seen)))
        """
    )

    statuses = [files.run(*plugin_args).status for _ in range(3)]

    assert statuses == [0, 0, 0]
    assert [one.readings[0].value for one in files.results()] == [2]


def test_without_a_history_nobody_knows(files: Site) -> None:
    """A check that asks a history that is off could not look."""
    files.check("def test_growth(history): history.readings('rows')")

    done = files.run("--ddd-history", "off")

    assert done.outcomes() == {"local/growth": "UNKNOWN"}


@pytest.mark.parametrize(
    ("there", "status", "word"), [("ab", 2, "CRITICAL"), ("abc", 0, "OK"), ("", 3, "UNKNOWN")]
)
def test_nagios_reads_one_line(site: Site, there: str, status: int, word: str) -> None:
    """Status, sentence and performance data on stdout; all else on stderr."""
    if there:
        site.check(_CHECK)
    else:
        site.check("def test_blind(): raise RuntimeError('no way to look')")
    for name in there:
        site.write(name, "")

    done = site.pytester.runpytest_subprocess("-p", "no:cacheprovider", "--ddd-nagios")

    assert done.ret == status
    [line] = done.outlines
    assert line.startswith(f"DDD {word}: Daily checks local: ")
    assert "| red=" in line
    assert line.endswith("s;;900;0")


def test_nagios_warns_of_yellow_and_knows_nothing_of_nothing(site: Site) -> None:
    """Yellow is WARNING; no checks are UNKNOWN."""
    site.check(
        """
        from pytest_ddd import clock

        def test_it(judge):
            judge(Reading(name="x", value=2, at=clock.now()), Threshold(warn=Limit(value=1)))
        """
    )

    yellow = site.pytester.runpytest_subprocess("--ddd-nagios")
    nothing = site.pytester.runpytest_subprocess("--ddd-nagios", "-m", "weekly")

    assert (yellow.ret, nothing.ret) == (1, 3)
    assert nothing.outlines == ["DDD UNKNOWN: nothing was looked at"]


def test_metrics_are_written_for_the_collector(files: Site) -> None:
    """Prometheus' own parser reads them."""
    files.run("--ddd-textfile", "ddd.prom", env={"DDD_SCHEDULED": "2026-11-23T07:30:00Z"})

    text = (files.root / "ddd.prom").read_text()
    found = {
        (sample.name, sample.labels.get("outcome") or sample.labels.get("objective")): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }
    assert found["ddd_checks", "green"] == 2
    assert found["ddd_checks", "red"] == 1
    assert found["ddd_objective_target_ratio", "daily-all-green"] == 0.8
    assert (files.root / "ddd.prom").stat().st_mode & 0o777 == 0o644


def test_metrics_that_cannot_be_written_are_told(files: Site) -> None:
    """Exit 76."""
    done = files.run("--ddd-textfile", "missing/ddd.prom")

    assert done.status == 76
    assert "missing/ddd.prom: cannot be written" in done.text

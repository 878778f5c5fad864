"""A check that looked at nothing, or never ended, is never green."""

from __future__ import annotations

import pytest

from tests.plugin.conftest import Site

MEMORY = "thresholds: {memory: {warn: 98%, crit: 99%}}"
LOG = "logs: {app: {path: /no/such.log, critical: [panic]}}"
YELLOW = (
    "judge(Reading(name='q', value=85, unit='%', at=__import__('pytest_ddd.clock').clock.now()),"
    " Threshold(warn=Limit(value=80), crit=Limit(value=90), unit='%'))"
)


def test_entry_that_was_not_read_is_unknown(site: Site, plugin_args: tuple[str, ...]) -> None:
    """A check that takes an entry and forgets `read` has not looked."""
    site.baseline("local", thresholds=MEMORY)
    site.check("def test_read(resource):\n    resource.read()\n")
    site.check("def test_it(resource):\n    pass\n", name="test_second")

    done = site.run(*plugin_args)

    outcomes = {one.check_id.rpartition("/")[2]: one.outcome.value for one in done.results}
    assert outcomes == {"reachable": "GREEN", "read": "GREEN", "it": "UNKNOWN"}
    assert done.status == 1
    assert "memory was never looked at: the check does not call read()" in done.text


def test_swallowed_failure_is_unknown(site: Site, plugin_args: tuple[str, ...]) -> None:
    """A check that catches the error of its own look does not turn green by that."""
    site.baseline("local", logs=LOG)
    body = "    try:\n        log.read()\n    except Exception:\n        attach('note', 'well')\n"
    site.check(f"def test_it(log, attach):\n{body}")

    done = site.run(*plugin_args)

    assert done.outcomes()["localhost/app"] == "UNKNOWN"
    assert done.status == 1
    assert "/no/such.log does not exist" in done.text


def test_entry_as_a_declaration_is_fine(site: Site) -> None:
    """A check may look for itself at what an entry declares."""
    site.baseline("local", thresholds=MEMORY)
    site.check("def test_it(host, resource):\n    assert host.run('true').rc == 0\n")

    done = site.run()

    assert done.outcomes()["localhost/memory"] == "GREEN"
    assert done.status == 0


def test_look_that_found_nothing_is_unknown(site: Site) -> None:
    """An answer without a reading and without a problem says nothing."""
    site.baseline("local", thresholds=MEMORY)
    answer = "type('Answer', (), {'readings': (), 'problems': ()})()"
    site.check(
        f"def test_it(resource):\n    resource.look = lambda: {answer}\n    resource.forget()\n"
        "    for reading in resource.read().readings:\n        assert 0\n"
    )

    done = site.run()

    assert done.outcomes()["localhost/memory"] == "UNKNOWN"
    assert done.status == 1


def test_early_good_ending_is_unknown(site: Site) -> None:
    """A check that ends the session with exit status 0 leaves the rest not looked at."""
    site.check(
        "def test_a():\n    pass\n"
        "def test_b():\n    pytest.exit('enough', returncode=0)\n"
        "def test_c():\n    assert 0\n"
    )

    done = site.run()

    assert done.status == 1
    assert "UNKNOWN: Stopped before the end" in done.text


def test_early_good_ending_before_the_first_result(site: Site) -> None:
    """Nothing was looked at, and the exit status says so."""
    site.check("def test_it():\n    pytest.exit('enough', returncode=0)\n")

    assert site.run().status == pytest.ExitCode.INTERRUPTED


def test_collecting_only_is_good(site: Site, plugin_args: tuple[str, ...]) -> None:
    """Checks that were only listed are not missed."""
    site.check("def test_it():\n    pass\n")

    assert site.run(*plugin_args, "--collect-only").status == 0


def test_file_that_cannot_be_imported_is_missed(site: Site, plugin_args: tuple[str, ...]) -> None:
    """What it would have checked was not looked at, and the summary says so."""
    site.check("def test_it():\n    pass\n")
    site.check("import no_such_module\n", name="test_broken")

    done = site.run(*plugin_args, "--continue-on-collection-errors")

    assert done.status != 0
    assert done.outcomes() == {"local/it": "GREEN"}
    assert "UNKNOWN: Stopped before the end" in done.text


def test_lost_worker_leaves_no_green_summary(site: Site) -> None:
    """A check that took its worker down has no result, and the summary knows."""
    site.check("import os\ndef test_a():\n    pass\ndef test_b():\n    os._exit(0)\n")

    done = site.run("-n2", "--max-worker-restart=1")

    assert done.status != 0
    assert "UNKNOWN: Stopped before the end" in done.text


def test_recheck_hides_no_check_of_the_same_name(site: Site) -> None:
    """The second look of one check says nothing of another one."""
    site.check(
        f"""
        LOOKS = []

        class TestA:
            def test_it(self, judge):
                LOOKS.append(1)
                if len(LOOKS) == 1:
                    {YELLOW}

        class TestB:
            def test_it(self):
                assert 0, "really down"
        """
    )

    done = site.run("--ddd-recheck", "1s")

    assert done.status == 1
    assert "✗ RED local really down" in done.text
    assert "RED: Action needed. 1 of 2 checks needs attention" in done.text


def test_returned_answer_is_unknown(site: Site, plugin_args: tuple[str, ...]) -> None:
    """A check that returns False instead of asserting has not said anything."""
    site.check("def test_it():\n    return 1 == 2\n")

    done = site.run(*plugin_args)

    assert done.outcomes() == {"local/it": "UNKNOWN"}
    assert done.status == 1


def test_strict_expected_failure_that_passes_is_red(site: Site) -> None:
    """The summary agrees with pytest about it."""
    site.check("@pytest.mark.xfail(strict=True)\ndef test_it():\n    pass\n")

    done = site.run()

    assert done.outcomes() == {"local/it": "RED"}
    assert done.status == 1


def test_case_of_unittest_is_a_check(site: Site, plugin_args: tuple[str, ...]) -> None:
    """A file with nothing but a TestCase works as any other."""
    site.check(
        """
        import unittest

        class TestIt(unittest.TestCase):
            def test_bad(self):
                self.assertEqual(1, 2)

            def test_good(self):
                pass
        """
    )

    done = site.run(*plugin_args)

    assert done.outcomes() == {"local/bad": "RED", "local/good": "GREEN"}
    assert done.status == 1


def test_subtests_count_once(site: Site, plugin_args: tuple[str, ...]) -> None:
    """A check with subtests has one result, the worst of them."""
    site.check(
        """
        def test_it(subtests):
            for good in (True, False, True):
                with subtests.test("one", good=good):
                    assert good
        """
    )

    done = site.run(*plugin_args)

    assert [one.outcome.value for one in done.results] == ["RED"]
    assert done.status == 1


def test_problems_that_nobody_asserts_are_red(site: Site, plugin_args: tuple[str, ...]) -> None:
    """What an entry found is told, also when the check says nothing about it."""
    site.baseline("local", configuration="configuration: {files: {/no/such: {}}}")
    site.check("def test_it(drift_item):\n    drift_item.read()\n")

    done = site.run(*plugin_args)

    assert done.outcomes()["localhost/file:/no/such"] == "RED"
    assert "baselines/local/configuration.yaml:1" in done.results[-1].reason
    assert done.status == 1


def test_absent_optional_log_is_not_applicable(site: Site, plugin_args: tuple[str, ...]) -> None:
    """A log that may be absent, and is, was not looked at: it is not green."""
    site.baseline("local", logs="logs: {app: {path: /no/such.log, optional: true, error: [x]}}")
    site.check("def test_it(log):\n    assert log.read().problems == ()\n")

    done = site.run(*plugin_args)

    assert done.outcomes()["localhost/app"] == "NOT_APPLICABLE"
    assert "may be absent" in done.results[-1].reason
    assert done.status == 5

"""Advice for who runs nothing, and silence for whose tests are none of our business."""

from __future__ import annotations

from tests.plugin.conftest import Site

GOOD = "def test_good(host):\n    assert host.run('true').rc == 0\n"
FORGOTTEN = "def test_forgotten(host):\n    assert host.run('true').rc == 0\n"
WARNING = "warning: test_forgotten (checks/daily/test_other.py:1) has no frequency"


def test_a_check_without_a_frequency_is_told_beside_others(
    site: Site, plugin_args: tuple[str, ...]
) -> None:
    """It is left out by -m daily; a green run must not hide that."""
    site.check(GOOD)
    site.write("checks/daily/test_other.py", FORGOTTEN)

    done = site.run("-m", "daily", *plugin_args)

    assert done.status == 0
    assert (WARNING in done.text) is ("-n2" not in plugin_args)  # workers keep what they leave out


def test_a_check_that_has_its_frequency_is_not_warned_of(site: Site) -> None:
    """Healed: the warning is gone."""
    site.check(GOOD)
    site.check(FORGOTTEN, name="test_other")

    assert "has no frequency" not in site.run("-m", "daily").text


def test_a_test_that_is_no_check_is_not_warned_of(site: Site) -> None:
    """Tests of other things may lie anywhere."""
    site.check(GOOD)
    site.write("checks/daily/test_other.py", "def test_sum():\n    assert 1 + 1 == 2\n")
    site.write("tests/test_host.py", FORGOTTEN)

    assert "has no frequency" not in site.run("-m", "daily", "checks", "tests").text


def test_a_mistyped_frequency_in_a_site_that_is_not_strict(site: Site) -> None:
    """Pytest itself says nothing there."""
    site.write("pyproject.toml", "[tool.pytest]\ntestpaths = ['checks']\n")
    site.check(GOOD)

    done = site.run("-m", "montly")

    assert done.status == 5
    assert "no check ran: -m 'montly' selects none; did you mean -m monthly?" in done.text


def test_a_frequency_of_which_there_is_no_check(site: Site) -> None:
    """What there is instead is named."""
    site.check(GOOD)

    done = site.run("-m", "weekly", "--host=local")

    assert "no check ran: none was found for -m 'weekly'; there is: daily-checks" in done.text


def test_an_unknown_word_that_is_no_frequency_is_pytests_business(site: Site) -> None:
    """Its own refusal stays as it is."""
    site.check(GOOD)

    done = site.run("-m", "smoke")

    assert done.status == 4
    assert "Unknown marker(s) in '-m' expression: smoke" in done.text


def test_a_project_without_checks_hears_nothing(site: Site) -> None:
    """Its tests, its empty runs and its mistakes are its own."""
    site.write("pyproject.toml", "")
    site.write("test_theirs.py", "def test_sum():\n    assert 1 + 1 == 2\n")

    for args in (("-k", "nothing"), ("-m", "slow"), ()):
        text = site.run(*args).text
        assert "no check ran" not in text
        assert "frequency" not in text

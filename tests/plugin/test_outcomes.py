"""What a check does decides its outcome, pytest's own and the exit status."""

from __future__ import annotations

import pytest

from tests.plugin.conftest import Site

READING = (
    "Reading(name='queue', value={value}, unit='%', at=__import__('pytest_ddd.clock').clock.now())"
)
THRESHOLD = "Threshold(warn=Limit(value=80), crit=Limit(value=90), unit='%')"


@pytest.mark.parametrize(
    ("body", "outcome", "status"),
    [
        ("assert True", "GREEN", 0),
        ("assert 1 == 2", "RED", 1),
        ("pytest.fail('down')", "RED", 1),
        ("raise OSError('no route')", "UNKNOWN", 1),
        ("raise __import__('pytest_ddd.errors').errors.CannotLookError('blind')", "UNKNOWN", 1),
        ("pytest.skip('not here')", "NOT_APPLICABLE", 5),
    ],
)
def test_ending_of_a_check(
    site: Site, plugin_args: tuple[str, ...], body: str, outcome: str, status: int
) -> None:
    """Assert is RED, any other exception UNKNOWN, skip NOT_APPLICABLE."""
    site.check(f"def test_it():\n    {body}\n")

    done = site.run(*plugin_args)

    assert done.outcomes() == {"local/it": outcome}
    assert done.status == status


@pytest.mark.parametrize(
    ("value", "outcome", "status"),
    [
        ("41", "GREEN", 0),
        ("80", "YELLOW", 0),
        ("90.0", "RED", 1),
        ("None", "UNKNOWN", 1),
        ("float('nan')", "UNKNOWN", 1),
        ("True", "UNKNOWN", 1),
        ("'many'", "UNKNOWN", 1),
    ],
)
def test_judgement(site: Site, value: str, outcome: str, status: int) -> None:
    """A judged reading colours the check; what is no number is never green."""
    site.check(f"def test_it(judge):\n    judge({READING.format(value=value)}, {THRESHOLD})\n")

    done = site.run()

    assert done.outcomes() == {"local/it": outcome}
    assert done.status == status


def test_worst_judgement_decides(site: Site, plugin_args: tuple[str, ...]) -> None:
    """A later green does not hide an earlier red."""
    reds = f"judge({READING.format(value=95)}, {THRESHOLD})"
    greens = f"judge({READING.format(value=5)}, {THRESHOLD})"
    site.check(f"def test_it(judge):\n    {reds}\n    {greens}\n")

    done = site.run(*plugin_args)

    assert done.outcomes() == {"local/it": "RED"}
    assert "RED local queue 95 % >= crit 90 %" in done.text


def test_red_reads_without_a_traceback(site: Site) -> None:
    """A failure says what is wrong and where, and shows no line of ours."""
    site.check("def test_it(baseline):\n    assert baseline.name == 'prod'\n")

    done = site.run()

    assert "✗ RED local" in done.text
    assert "checks/daily/test_own.py:5" in done.text
    assert "Traceback" not in done.text
    assert "site-packages" not in done.text


def test_fail_on_yellow(site: Site, plugin_args: tuple[str, ...]) -> None:
    """--ddd-fail-on yellow turns a yellow run into exit status 1."""
    site.check(f"def test_it(judge):\n    judge({READING.format(value=85)}, {THRESHOLD})\n")

    assert site.run(*plugin_args).status == 0
    assert site.run(*plugin_args, "--ddd-fail-on", "yellow").status == 1


def test_green_says_what_it_saw(site: Site) -> None:
    """With -v a passed check shows its reading and the limit that it was held against."""
    site.check(f"def test_it(judge):\n    judge({READING.format(value=41)}, {THRESHOLD})\n")

    done = site.run("-v")

    assert "✓ GREEN queue 41 % < warn 80 %" in done.text


def test_teardown_that_breaks_is_unknown(site: Site, plugin_args: tuple[str, ...]) -> None:
    """A green check whose clean-up fails is not green."""
    site.check(
        """
        @pytest.fixture
        def thing():
            yield
            raise OSError("left behind")

        def test_it(thing):
            pass
        """
    )

    done = site.run(*plugin_args)

    assert done.results[-1].outcome.value == "UNKNOWN"
    assert done.status == 1


def test_failing_fixture_is_unknown(site: Site, plugin_args: tuple[str, ...]) -> None:
    """A check that could not be set up could not look."""
    site.check(
        """
        @pytest.fixture
        def thing():
            raise OSError("no such device")

        def test_it(thing):
            pass
        """
    )

    done = site.run(*plugin_args)

    assert done.outcomes() == {"local/it": "UNKNOWN"}
    assert "no such device" in done.results[0].reason

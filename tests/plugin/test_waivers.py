"""Waivers in a run: WAIVED with the id, expired RED, unused YELLOW."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from pytest_ddd import clock
from tests.plugin.conftest import Site

BODY = """
    @pytest.mark.parametrize("n", [1, 2, 3])
    def test_it(n):
        assert n != 2, "two is wrong"
        if n == 3:
            raise OSError("blind")
"""
WAIVER = """
    waivers:
      W-1:
        checks: [daily-checks/it]
        targets: [local]
        entries: ["{entry}"]
        accepts: ["{accepts}"]
        reason: Two is mended in spring
        risk: Twos are miscounted
        compensating_control: Counted by hand
        approver: {{principal: alice@example.org, key: "SHA256:{key}"}}
        approved_at: "{approved}"
        expires_at: "{expires}"
"""


def waive(
    site: Site, *, entry: str = "n=2", days: float = 60, accepts: str = "two is wrong"
) -> None:
    now = clock.now()
    site.baseline(
        "local",
        waivers=WAIVER.format(
            entry=entry, accepts=accepts, key="a" * 43,
            approved=written(now - timedelta(days=90)), expires=written(now + timedelta(days=days)),
        ),
    )  # fmt: skip


def written(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def test_waived_check_passes_and_shows_what_it_saw(
    site: Site, plugin_args: tuple[str, ...]
) -> None:
    """The check runs, is WAIVED, and the waiver itself is in the record."""
    site.check("def test_it():\n    assert 1 == 2, 'two is wrong'\n")
    waive(site, entry="*")

    done = site.run(*plugin_args)

    assert done.outcomes() == {"local/it": "WAIVED", "local/W-1": "GREEN"}
    assert done.status == 0, done.text
    check, waiver = done.results
    assert (check.waiver, waiver.waiver) == ("W-1", "")
    assert "two is wrong" in check.reason
    assert "Counted by hand" in waiver.readings[0].detail


@pytest.mark.parametrize(
    ("days", "entry", "outcomes", "status"),
    [
        (60, "n=2", {"n=2": "WAIVED", "W-1": "GREEN"}, 1),
        (-1, "n=2", {"n=2": "RED", "W-1": "RED"}, 1),
        (60, "n=1", {"n=2": "RED", "W-1": "YELLOW"}, 1),
        (60, "n=3", {"n=2": "RED", "W-1": "UNKNOWN"}, 1),
        (60, "n=4", {"n=2": "RED", "W-1": "YELLOW"}, 1),
    ],
)
def test_scope_and_end(
    site: Site, days: float, entry: str, outcomes: dict[str, str], status: int
) -> None:
    """Outside of its scope or past its end a waiver accepts nothing, and never a blind spot."""
    site.check(BODY)
    waive(site, days=days, entry=entry)

    done = site.run()

    assert done.outcomes() == {
        "local/n=1": "GREEN", "local/n=3": "UNKNOWN", **{f"local/{k}": v for k, v in outcomes.items()}
    }  # fmt: skip
    assert done.status == status


def test_reading_without_a_value_beside_a_failed_assert_is_not_waived(site: Site) -> None:
    """The waiver accepts what the assert says; it says nothing of the load that nobody knows."""
    reading = "Reading(name='load', value=None, at=__import__('pytest_ddd.clock').clock.now())"
    site.check(
        f"def test_it(judge):\n    judge({reading}, Threshold(warn=Limit(value=80)))\n"
        "    assert 1 == 2, 'two is wrong'\n"
    )
    waive(site, entry="*")

    done = site.run()

    assert done.outcomes()["local/it"] == "UNKNOWN"
    assert "not what could not be looked at" in done.text


def test_what_a_waiver_accepts_is_not_waited_for(site: Site) -> None:
    """A recheck waits for yellows only that nobody accepted."""
    reading = "Reading(name='queue', value=85, at=__import__('pytest_ddd.clock').clock.now())"
    site.check(f"def test_it(judge):\n    judge({reading}, Threshold(warn=Limit(value=80)))\n")
    waive(site, entry="*", accepts="queue 8")

    done = site.run("--ddd-recheck=10m")

    assert [one.look for one in done.results] == [1, 1]
    assert done.outcomes()["local/it"] == "WAIVED"


def test_a_run_of_nothing_but_waivers_has_looked_at_nothing(site: Site) -> None:
    """A skipped check and its waiver are no reason for exit status 0."""
    site.check("def test_it():\n    pytest.skip('not here')\n")
    waive(site, entry="*")

    done = site.run()

    assert done.outcomes() == {"local/it": "NOT_APPLICABLE", "local/W-1": "YELLOW"}
    assert done.status == 5


def test_blind_spot_beside_a_fault_is_not_waived(site: Site) -> None:
    """A red log of which a part cannot be read is UNKNOWN under a waiver, not WAIVED."""
    site.write("logs/app.log", f"{written(clock.now())} CRITICAL it burns\n")
    packed = site.write("logs/app.log.1.gz", "damaged")
    path = site.root / "logs" / "app.log"
    site.baseline("local", logs=f"logs: {{app: {{path: {path}, critical: [CRITICAL]}}}}")
    site.check(
        """
        def test_log(log, judge):
            review = log.read()
            judge(review.critical, log.critical)
            assert review.problems == ()
        """
    )
    now = clock.now()
    site.baseline(
        "local",
        waivers=WAIVER.format(
            entry="*", accepts=".", key="a" * 43,
            approved=written(now - timedelta(days=1)), expires=written(now + timedelta(days=60)),
        ).replace("daily-checks/it", "daily-checks/log").replace("[local]", "[localhost]"),
    )  # fmt: skip

    blind = site.run()
    packed.unlink()
    seen = site.run()

    assert blind.outcomes()["localhost/app"] == "UNKNOWN"
    assert "not what could not be looked at" in blind.text
    assert seen.outcomes()["localhost/app"] == "WAIVED"

"""Which waivers hold, what they accept, and what becomes of those that do not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from pytest_ddd import signatures
from pytest_ddd.baseline.model import Baseline, Declaration
from pytest_ddd.baseline.model import Path as Keys
from pytest_ddd.baseline.sections.environment import Environment
from pytest_ddd.baseline.sections.escalation import Escalation
from pytest_ddd.baseline.sections.waivers import Waiver
from pytest_ddd.evidence.facts import Plan
from pytest_ddd.evidence.population import count_population
from pytest_ddd.evidence.waivers import NAMESPACE, Operator, Waivers, message
from pytest_ddd.outcomes import Outcome
from pytest_ddd.results import CheckResult, Origin
from pytest_ddd.scenarios import catalogue
from pytest_ddd.scenarios.model import Frequency
from tests.support.keys import make_key
from tests.support.sshd import needs
from tests.unit.evidence.samples import START, reachable, result

KEY = "SHA256:" + "a" * 43
SAYS: Mapping[str, object] = {
    "checks": ["morning-health-check/resource_usage"],
    "targets": ["web1"],
    "reason": "The disk is replaced in December",
    "risk": "Logs may be lost",
    "compensating_control": "Cleaned by hand every Monday",
    "approver": {"principal": "alice@example.org", "key": KEY},
    "approved_at": "2026-11-01T00:00:00Z",
    "expires_at": "2026-12-31T00:00:00Z",
}
SCENARIO = catalogue.find("morning-health-check", Frequency.DAILY)
RED = result(Outcome.RED, reason="disk /var 93 % >= crit 90 %")
WRONG = (RED.reason,)


def waivers(*, operator: str = "mira", key: str = "", signature: str = "", **says: Any) -> Waivers:
    """Return one waiver, as it stands at the start of the run."""
    model = Waiver.model_validate({**SAYS, **says, "signature": signature})
    origins: dict[Keys, Origin] = {(): Origin(file="baselines/prod/waivers.yaml", line=2)}
    declared = Declaration(section="waivers", key="W-1", model=model, origins=origins)
    baseline = Baseline(
        name="prod",
        root="baselines",
        files=(),
        environment=Environment(),
        hosts={},
        groups={"all": ("web1", "web2"), "web": ("web1",)},
        scenarios={},
        escalation=Escalation(),
        for_environment={},
        for_host={},
        waivers={"W-1": declared},
    )
    return Waivers(baseline, at=START, operator=Operator(names=(operator,), key=key))


def applied(one: CheckResult = RED, *, blind: bool = False, **says: Any) -> CheckResult:
    return waivers(**says).apply(one, wrong=(one.reason,), blind=blind)


def finding(*results: CheckResult, whole: bool = True, **says: Any) -> CheckResult:
    book = waivers(**says)
    looked = [book.apply(one, wrong=(one.reason,), blind=False) for one in results]
    [found] = book.findings(SCENARIO, looked, whole=whole)
    return found


def test_it_accepts_and_keeps_what_was_seen() -> None:
    found = applied()

    assert (found.outcome, found.waiver) == (Outcome.WAIVED, "W-1")
    assert found.readings == RED.readings
    assert found.reason == (
        "disk /var 93 % >= crit 90 %; accepted until 2026-12-31 00:00 UTC by alice@example.org "
        "(waiver W-1)"
    )


@pytest.mark.parametrize("outcome", [o for o in Outcome if o not in (Outcome.RED, Outcome.YELLOW)])
def test_only_red_and_yellow_can_be_accepted(outcome: Outcome) -> None:
    one = result(outcome)

    assert applied(one) == one


def test_a_dead_host_is_never_accepted() -> None:
    assert applied(reachable(Outcome.RED), checks=["*/*"]).outcome is Outcome.RED


def test_what_could_not_be_looked_at_is_not_accepted_beside_it() -> None:
    found = applied(blind=True)

    assert (found.outcome, found.waiver) == (Outcome.UNKNOWN, "")
    assert "not what could not be looked at" in found.reason


@pytest.mark.parametrize(
    "scope",
    [
        {"checks": ["morning-health-check/*"]},
        {"targets": ["web"]},
        {"targets": ["all"]},
        {"targets": ["web*"]},
        {"entries": ["disk:/var"]},
        {"entries": ["disk:*"]},
    ],
)
def test_names_groups_and_globs_are_a_scope(scope: dict[str, Any]) -> None:
    assert applied(**scope).outcome is Outcome.WAIVED


@pytest.mark.parametrize(
    "scope",
    [
        {"checks": ["end-of-day-validation/*"]},
        {"targets": ["web2"]},
        {"targets": ["endpoint:*"]},
        {"entries": ["disk:/srv"]},
    ],
)
def test_what_is_outside_of_the_scope_stays_red(scope: dict[str, Any]) -> None:
    assert applied(**scope) == RED


def test_something_else_that_is_wrong_is_not_accepted() -> None:
    found = applied(accepts=["disk /var 8[0-9] %"])

    assert found.outcome is Outcome.RED
    assert "waiver W-1 does not accept: disk /var 93 %" in found.reason


@pytest.mark.parametrize(
    ("says", "why"),
    [
        ({"expires_at": "2026-11-23T07:30:00Z"}, "expired at 2026-11-23 07:30 UTC"),
        ({"approved_at": "2026-11-23T07:30:01Z"}, "holds from 2026-11-23 07:30 UTC only"),
        ({"operator": "alice"}, "was approved by alice@example.org, who runs these checks"),
        ({"operator": "Alice@example.org"}, "who runs these checks"),
        ({"key": KEY}, "who runs these checks"),
        ({"signature": "forged"}, "its signature does not fit what it says"),
    ],
)
@needs("ssh-keygen")
def test_a_waiver_that_does_not_hold_is_red_itself(says: dict[str, Any], why: str) -> None:
    check, waiver = applied(**says), finding(RED, **says)

    assert (check.outcome, waiver.outcome) == (Outcome.RED, Outcome.RED)
    assert why in check.reason
    assert why in waiver.reason


def test_one_second_before_its_end_it_still_holds() -> None:
    assert applied(expires_at="2026-11-23T07:30:01Z").outcome is Outcome.WAIVED


def test_a_waiver_that_is_needed_is_green_and_told_in_full() -> None:
    found = finding(RED)

    assert found.outcome is Outcome.GREEN
    assert found.step == 6
    assert SCENARIO.step(6).title == "Mind the waivers"
    for part in ("alice@example.org", KEY, "Cleaned by hand", "not signed", "Logs may be lost"):
        assert part in found.readings[0].detail


def test_a_waiver_that_ends_soon_is_yellow() -> None:
    found = finding(RED, expires_at="2026-12-01T00:00:00Z")

    assert found.outcome is Outcome.YELLOW
    assert "7.69 days <= warn 14 days" in found.reason


@pytest.mark.parametrize(
    ("results", "outcome", "words"),
    [
        ((result(),), Outcome.YELLOW, "is unused: 1 check in its scope need none"),
        ((result(target="web2"),), Outcome.YELLOW, "nothing that was looked at is in its scope"),
        ((result(Outcome.BLOCKED),), Outcome.UNKNOWN, "could not be looked at"),
        ((result(Outcome.RED, look=1), result(look=2)), Outcome.YELLOW, "is unused"),
    ],
)
def test_a_waiver_that_is_not_needed(
    results: tuple[CheckResult, ...], outcome: Outcome, words: str
) -> None:
    found = finding(*results)

    assert found.outcome is outcome
    assert words in found.reason


def test_in_a_part_of_a_run_nothing_is_unused_only_because_it_was_left_out() -> None:
    book = waivers()

    assert list(book.findings(SCENARIO, [result(target="web2")], whole=False)) == []


@needs("ssh-keygen")
def test_a_signature_counts_for_what_was_signed_only(tmp_path: Path) -> None:
    key, other = make_key(tmp_path / "alice"), make_key(tmp_path / "eve")
    says: dict[str, Any] = {"approver": {"principal": "alice", "key": key.fingerprint}}
    text = message("prod", "W-1", Waiver.model_validate({**SAYS, **says}))
    signature = signatures.sign(text, key.path, NAMESPACE).decode()
    forged = signatures.sign(text, other.path, NAMESPACE).decode()
    elsewhere = signatures.sign(text, key.path, "file").decode()

    assert applied(**says, signature=signature).outcome is Outcome.WAIVED
    assert "signed by this key" in finding(RED, **says, signature=signature).readings[0].detail
    assert "by another key" in finding(RED, **says, signature=forged).reason
    for changed in (
        {"targets": ["web*"]},
        {"expires_at": "2027-01-31T00:00:00Z"},
        {"accepts": ["x"]},
        {"risk": "none"},
    ):
        found = finding(RED, **{**says, **changed}, signature=signature)
        assert "does not fit" in found.reason, changed
    assert "does not fit" in finding(RED, **says, signature=elsewhere).reason


def test_without_ssh_keygen_nobody_knows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    assert applied(signature="some").outcome is Outcome.RED
    assert finding(RED, signature="some").outcome is Outcome.UNKNOWN


def test_the_deciding_moment_is_the_start_of_the_run() -> None:
    late = replace(RED, started_at=START + timedelta(days=400))

    assert applied(late).outcome is Outcome.WAIVED


def test_a_run_with_a_waiver_is_whole() -> None:
    """What a run says of its waivers was not planned, and follows from what was."""
    plan = Plan(checks=(RED.nodeid,))

    population = count_population(plan, [applied(), finding(RED)])

    assert population.is_whole
    assert population.outcomes["WAIVED"] == population.executed == 1

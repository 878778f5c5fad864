"""Controls in a run: on results by marker, entry and framework, and as an audit report."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from pytest_ddd import clock
from pytest_ddd.evidence.record import RecordWriter
from pytest_ddd.outcomes import Outcome
from tests.plugin.conftest import Site
from tests.unit.evidence.samples import result

CHECK = (Path(__file__).parents[2] / "checks/monthly/test_compliance_audit_prep.py").read_text()
ACME = """
    controls:
      ACME:
        title: The handbook
        own: {"1.1": Logs are read, "1.2": Disks are watched}
        checks: {"1.1": [morning-health-check/overnight_error_logs], "1.2": ["morning-health-check/disk*"]}
"""


def left(site: Site, *, days_ago: float = 0, outcome: Outcome = Outcome.GREEN) -> None:
    """Let an earlier run have left one result of the log review."""
    at = clock.now() - timedelta(days=days_ago, minutes=5)
    one = result(
        outcome, environment="local", check_id="morning-health-check/overnight_error_logs",
        started_at=at, reason="a critical line", readings=(),
    )  # fmt: skip
    with RecordWriter(site.root / "evidence" / f"earlier_local_{outcome}{days_ago}_x") as writer:
        writer.add(one)


def test_marker_is_held_against_the_frameworks(site: Site, plugin_args: tuple[str, ...]) -> None:
    """An unknown control ends the run with 4 and the nearest name."""
    site.check("@pytest.mark.control('PCI 10.4.2')\ndef test_it():\n    pass\n")

    done = site.run(*plugin_args)

    assert done.status == 4
    assert "did you mean 'PCI 10.4.1'" in done.text


def test_result_names_its_controls(site: Site) -> None:
    """Marker and frameworks of the baseline are told; without a section only the marker."""
    site.check("@pytest.mark.control('NIST AU-6', 'ACME 1.1')\ndef test_it():\n    pass\n")
    site.baseline("local", controls=ACME.replace("morning-health-check/disk*", "daily-checks/it"))

    [found] = site.run().results

    assert found.controls == ("NIST AU-6", "ACME 1.1", "ACME 1.2")


def report(site: Site, controls: str) -> tuple[str, str, str]:
    site.write("checks/monthly/test_compliance_audit_prep.py", CHECK)
    site.baseline("local", controls=controls)
    done = site.run("-m", "monthly", "-k", "audit_reports")
    [one] = [each for each in done.results if each.scenario == "compliance-audit-prep"]
    detail = next(each.detail for each in one.readings if each.name.startswith("audit report"))
    return one.outcome.value, one.reason, detail


ONE = ACME.replace(', "1.2": Disks are watched', "").replace(
    ', "1.2": ["morning-health-check/disk*"]', ""
)


def test_evidence_is_counted_and_no_compliance_is_claimed(site: Site) -> None:
    """A control with evidence is green, and the report says what there is."""
    left(site)
    left(site, days_ago=2)

    outcome, _, text = report(site, ONE)

    assert outcome == "GREEN"
    assert "ACME 1.1  Logs are read: 2 GREEN on 2 days, latest " in text
    assert "claims no compliance" in text


@pytest.mark.parametrize(
    ("days_ago", "outcome", "said"),
    [
        (0, Outcome.RED, "RED web1 a critical line"),
        (0, Outcome.UNKNOWN, "UNKNOWN web1 a critical line"),
        (40, Outcome.GREEN, "ACME 1.1: no evidence in the last 31 days"),
    ],
)
def test_old_or_bad_evidence_is_red(
    site: Site, days_ago: float, outcome: Outcome, said: str
) -> None:
    """What was not looked at in time, or is bad, is told by control."""
    left(site, days_ago=days_ago, outcome=outcome)

    found, reason, _ = report(site, ONE)

    assert found == "RED"
    assert said in reason


def test_a_later_green_heals_an_earlier_red(site: Site) -> None:
    """The latest look at each thing counts; the earlier one stays in the numbers."""
    left(site, days_ago=2, outcome=Outcome.RED)
    left(site)

    outcome, _, text = report(site, ONE)

    assert outcome == "GREEN"
    assert "1 GREEN, 1 RED on 2 days" in text


def test_daily_control_needs_evidence_of_today(site: Site) -> None:
    """PCI 10.4.1 asks for a review each day: three days ago is too long ago."""
    left(site, days_ago=3)

    outcome, reason, _ = report(site, "controls: {PCI: {}}")

    assert outcome == "RED"
    assert "PCI 10.4.1: its latest evidence is older than 1 day" in reason


def test_out_of_scope_is_told_with_its_reason(site: Site) -> None:
    """What is left out is in the report, not silently absent."""
    left(site)
    scope = ACME + '        out_of_scope: {"1.2": No disks here}\n'

    outcome, _, text = report(site, scope)

    assert outcome == "GREEN"
    assert "ACME 1.2  Disks are watched: out of scope: No disks here" in text


def test_damaged_record_is_unknown(site: Site) -> None:
    """A record that cannot be read is no evidence, and no absence of it either."""
    left(site)
    [file] = site.root.glob("evidence/earlier*/results.jsonl")
    file.write_text("{}\n" + file.read_text())
    site.write("checks/monthly/test_compliance_audit_prep.py", CHECK)
    site.baseline("local", controls=ONE)

    done = site.run("-m", "monthly", "-k", "audit_reports")

    assert done.status == 1
    assert "could not look" in done.text

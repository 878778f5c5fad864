"""Compliance Audit Prep: every month, 2 hours, compliance and operations, read-only.

Each function is one step, or one part of it. What stands in the sections `controls`, `security`,
`access` and `retention` of the baseline is looked at on the hosts themselves. `evidence_package`
is what this run leaves: a copy of it is packed, signed and verified.
"""

import pytest

pytestmark = [pytest.mark.monthly, pytest.mark.scenario("compliance-audit-prep")]


@pytest.mark.step(1)
def test_audit_reports(regulation, attach):
    """Each control of each framework has evidence, recent and without an exception."""
    report = regulation.read()
    attach(f"audit report {regulation.key}", report.text)
    assert report.problems == ()


@pytest.mark.step(1)
def test_attestations(attestation, judge):
    """What no program can look at was confirmed by a person, not too long ago."""
    confirmation = attestation.read()
    judge(confirmation.left, attestation.left)
    assert confirmation.problems == ()


@pytest.mark.step(2)
def test_security_settings(safeguard):
    """sshd, passwords, TLS and the firewall are in force as the baseline says."""
    assert safeguard.read().problems == ()


@pytest.mark.step(2)
def test_configuration(drift_item, judge):
    """File modes, listening sockets and everything else are as the baseline says."""
    drift = drift_item.read()
    if drift.extra is not None:
        judge(drift.extra, drift_item.extra)
    assert drift.problems == ()


@pytest.mark.step(3)
def test_access_logs(access_log, judge):
    """Only those logged in or became root who may, from where and when they may."""
    review = access_log.read()
    judge(review.failed, access_log.failed)
    judge(review.unknown, access_log.unknown)
    assert review.problems == ()


@pytest.mark.step(4)
def test_data_retention(records):
    """Records are kept for long enough, for not too long, and without gaps."""
    assert records.read().problems == ()


@pytest.mark.step(5)
def test_evidence_package(evidence_package):
    """The evidence of this run can be packed, signed and verified."""
    assert evidence_package.read().problems == ()

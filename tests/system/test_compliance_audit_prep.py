"""Compliance Audit Prep of real hosts: healthy, then with faults in each step, then healed."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.lab.faults import changed
from tests.lab.host import LabHost
from tests.lab.lab import Lab
from tests.support.keys import make_key
from tests.system.conftest import HOSTS, Prod, Run

pytestmark = pytest.mark.needs("lab")

SECURITY = """
    security:
      ssh: {{kind: sshd, applies_to: [all], settings: {{PasswordAuthentication: false, X11Forwarding: "yes"}}}}
      web: {{kind: tls, applies_to: [web1], address: "{{address}}:443", server_name: web1.lab.test, ca: {ca}}}
"""
ACCESS = """
    access:
      servers:
        applies_to: [db1]
        path: /var/log/auth.log
        since: 31d
        sessions: false
        allowed: {alice: {networks: [10.0.0.0/8]}}
"""
RETENTION = """
    retention:
      auth: {kind: log, files: "/var/log/auth.log*", applies_to: [db1], keep: 31d, gap: 40d}
"""
CONTROLS = """
    controls:
      ACME:
        title: The handbook
        own: {"1": Log-ins are reviewed}
        checks: {"1": [compliance-audit-prep/access_logs]}
"""
ATTESTATIONS = """
    attestations:
      review: {statement: Rights were reviewed, every: 92d}
"""
GOOD = "web1 sshd[1]: Accepted publickey for alice from 10.0.0.9 port 1 ssh2"


@pytest.fixture(scope="module")
def audit(
    lab: Lab, lab_hosts: dict[str, LabHost], tmp_path_factory: pytest.TempPathFactory
) -> Prod:
    """A site whose hosts are ready for an audit."""
    site = Prod(tmp_path_factory.mktemp("audit"), lab)
    site.baseline("hosts", HOSTS.format(ssh=lab.ssh_config))
    site.baseline("security", SECURITY.format(ca=lab.authority.cert))
    site.baseline("access", ACCESS)
    site.baseline("retention", RETENTION)
    site.baseline("controls", CONTROLS)
    make_key(site.root / "key")
    lab_hosts["db1"].run(
        "for ago in 40 20 1; do "
        f"""echo "$(date -d "-$ago days" +%FT%T+00:00) {GOOD}"; done >/var/log/auth.log""",
        check=True,
    )
    return site


def monthly(site: Prod) -> Run:
    return site.run("-m", "monthly", "--host=prod", "--ddd-sign=key")


def steps(run: Run) -> dict[str, str]:
    """Return the worst outcome of each part of the scenario."""
    order = ["NOT_APPLICABLE", "GREEN", "YELLOW", "UNKNOWN", "RED"]
    found: dict[str, str] = {}
    for one in run.results:
        name, outcome = one.check_id.partition("/")[2], one.outcome.value
        found[name] = max(found.get(name, outcome), outcome, key=order.index)
    return found


HEALTHY = {
    "reachable": "GREEN",
    "audit_reports": "GREEN",
    "attestations": "NOT_APPLICABLE",
    "security_settings": "GREEN",
    "configuration": "NOT_APPLICABLE",
    "access_logs": "GREEN",
    "data_retention": "GREEN",
    "evidence_package": "GREEN",
}


def test_ready_for_an_audit_and_not_and_ready_again(
    audit: Prod, lab_hosts: dict[str, LabHost]
) -> None:
    """Each step sees its own fault, names it with the baseline's line, and is green when healed."""
    run = monthly(audit)
    assert steps(run) == HEALTHY, run.text
    assert run.status == 0, run.text
    access = run.of("db1", "servers")
    assert access.controls == ("ACME 1",)

    db1, web1 = lab_hosts["db1"], lab_hosts["web1"]
    log = "/var/log/auth.log"
    stranger = GOOD.replace("alice", "eve")
    conf = "/etc/ssh/sshd_config.d/00-fault.conf"
    audit.baseline("attestations", ATTESTATIONS)
    with (
        changed(
            web1,
            f"echo PasswordAuthentication yes >{conf}; systemctl restart ssh",
            f"rm {conf}; systemctl restart ssh",
        ),
        changed(
            db1,
            f'cp {log} /root/kept; sed -i 1d {log}; echo "$(date +%FT%T+00:00) {stranger}" >>{log}',
            f"cp /root/kept {log}",
        ),
    ):
        run = monthly(audit)
    (audit.root / "baselines/prod/attestations.yaml").unlink()

    assert run.status == 1
    assert steps(run) == {
        **HEALTHY, "attestations": "RED", "security_settings": "RED", "access_logs": "RED",
        "data_retention": "RED",
    }  # fmt: skip
    assert "PasswordAuthentication is yes, expected no (baselines/prod/security.yaml:3)" in run.text
    assert "eve, who may not, logged in from 10.0.0.9" in run.text
    assert "it has to be kept for 31 days" in run.text
    assert steps(monthly(audit)) == HEALTHY


def test_missing_log_is_unknown(audit: Prod, lab_hosts: dict[str, LabHost]) -> None:
    """No log, no green."""
    with changed(lab_hosts["db1"], "mv /var/log/auth.log /root/", "mv /root/auth.log /var/log/"):
        run = monthly(audit)

    assert steps(run)["access_logs"] == "UNKNOWN"
    assert Path(run.directory).name.count("compliance-audit-prep") == 1

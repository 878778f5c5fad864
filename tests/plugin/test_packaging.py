"""The last step of an audit: the package of the run itself, built, signed and verified."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from pytest_ddd import clock
from pytest_ddd.cli.main import main
from tests.plugin.conftest import Site
from tests.support.keys import make_key
from tests.support.sshd import needs

pytestmark = needs("ssh-keygen")

CHECK = (Path(__file__).parents[2] / "checks/monthly/test_compliance_audit_prep.py").read_text()
FILES = "configuration: {files: {/etc/passwd: {owner: root}}}"


@pytest.fixture
def audit(site: Site) -> Site:
    site.write("checks/monthly/test_compliance_audit_prep.py", CHECK)
    site.baseline("local", configuration=FILES)
    make_key(site.root / "key")
    return site


def test_package_is_rehearsed_and_the_real_one_verifies(
    audit: Site, plugin_args: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    """Step 5 is green, and what the run leaves is signed by the same key."""
    done = audit.run("-m", "monthly", "--ddd-sign=key", *plugin_args)

    assert done.outcomes()["local/evidence_package"] == "GREEN", done.text
    [package] = [one for one in done.results if one.check_id.endswith("/evidence_package")]
    assert {"signed by", "files in the package"} <= {one.name for one in package.readings}
    signers = audit.write("signers", f"me {(audit.root / 'key.pub').read_text()}")
    [directory] = [path for path in audit.root.glob("evidence/*") if path.is_dir()]
    assert main(["evidence", "verify", str(directory), "--allowed-signers", str(signers)]) == 0
    assert "me" in capsys.readouterr().out


def test_without_a_key_it_is_red(audit: Site) -> None:
    """A package that nobody stands for is no evidence."""
    done = audit.run("-m", "monthly")

    assert done.outcomes()["local/evidence_package"] == "RED"
    assert "RED local the package of this run will not be signed" in done.text


def test_without_a_record_it_is_unknown(audit: Site) -> None:
    """Nothing is recorded, so nothing can be packed."""
    done = audit.run("-m", "monthly", "--ddd-sign=key", "--ddd-evidence=off")

    assert done.status == 1
    assert "this run records nothing" in done.text


def test_a_package_of_nothing_is_not_green(audit: Site) -> None:
    """A run that looked at nothing does not end with 0 because its emptiness could be packed."""
    (audit.root / "baselines/local/configuration.yaml").unlink()

    done = audit.run("-m", "monthly", "--ddd-sign=key")

    assert done.outcomes()["local/evidence_package"] == "NOT_APPLICABLE"
    assert done.status == 5


def test_key_that_cannot_sign_is_red(audit: Site) -> None:
    """The real package would be unsigned too."""
    (audit.root / "key").write_text((audit.root / "key.pub").read_text())

    done = audit.run("-m", "monthly", "--ddd-sign=key", env={"SSH_AUTH_SOCK": ""})

    assert done.outcomes()["local/evidence_package"] == "RED"
    assert "cannot sign with" in done.text


def test_operator_with_the_approvers_key_has_no_waiver(audit: Site) -> None:
    """Whoever signs the run may not have approved what it accepts."""
    now = clock.now()
    key = make_key(audit.root / "alice")
    audit.baseline("local", configuration=FILES.replace("owner: root", "owner: nobody"))
    audit.baseline(
        "local",
        waivers=f"""
        waivers:
          W-1:
            checks: [compliance-audit-prep/configuration]
            targets: [localhost]
            reason: r
            risk: r
            compensating_control: c
            approver: {{principal: somebody, key: "{key.fingerprint}"}}
            approved_at: "{now - timedelta(days=90):%Y-%m-%dT%H:%M:%SZ}"
            expires_at: "{now + timedelta(days=90):%Y-%m-%dT%H:%M:%SZ}"
        """,
    )

    other = audit.run("-m", "monthly", "--ddd-sign=key")
    own = audit.run("-m", "monthly", "--ddd-sign=alice")
    named = audit.run("-m", "monthly", "--ddd-sign=key", "--ddd-operator=somebody")

    assert other.outcomes()["localhost/file:/etc/passwd"] == "WAIVED"
    assert own.outcomes()["localhost/file:/etc/passwd"] == "RED"
    assert named.outcomes()["localhost/file:/etc/passwd"] == "RED"

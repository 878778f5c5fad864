"""Manual steps: confirmed, about to expire, expired, never confirmed, signed."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from pytest_ddd import clock
from pytest_ddd.cli.main import main
from tests.plugin.conftest import Site
from tests.support.keys import make_key
from tests.support.sshd import needs

CHECK = (Path(__file__).parents[2] / "checks/monthly/test_compliance_audit_prep.py").read_text()
SAYS = """\
attestations:
  access-review:
    statement: The rights of all accounts were reviewed
    every: 92d
    controls: [ISO A.5.18]
"""
CONFIRMED = """\
    confirmed_by: {{principal: alice, key: "{key}"}}
    confirmed_at: "{at}"
"""


def run(site: Site, text: str) -> tuple[str, str]:
    site.write("checks/monthly/test_compliance_audit_prep.py", CHECK)
    site.baseline("local", attestations=text)
    [one] = site.run("-m", "monthly", "-k", "attestations").results
    assert one.controls == ("ISO A.5.18",)
    return one.outcome.value, one.reason


def confirmed(days_ago: float, key: str = "SHA256:" + "a" * 43) -> str:
    at = clock.now() - timedelta(days=days_ago)
    return SAYS + CONFIRMED.format(key=key, at=f"{at:%Y-%m-%dT%H:%M:%SZ}")


@pytest.mark.parametrize(
    ("text", "outcome", "said"),
    [
        (SAYS, "RED", "access-review was never confirmed: The rights of all accounts"),
        (confirmed(1), "GREEN", "confirmation access-review 91 days"),
        (confirmed(80), "YELLOW", "<= warn 14 days"),
        (confirmed(93), "RED", "<= crit 0 days"),
        (confirmed(-1), "RED", "was confirmed in the future"),
        (confirmed(1) + "    signature: forged\n", "RED", "its signature does not fit"),
    ],
    ids=["never", "fresh", "soon", "expired", "future", "forged"],
)
@needs("ssh-keygen")
def test_confirmation(site: Site, text: str, outcome: str, said: str) -> None:
    """A person's word expires, too."""
    found, reason = run(site, text)

    assert found == outcome
    assert said in reason


@needs("ssh-keygen")
def test_signature_of_a_person(
    site: Site, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What `pytest-ddd waiver sign` prints is green; by another key it is red."""
    key, other = make_key(site.root / "alice"), make_key(site.root / "eve")
    text = confirmed(1, key.fingerprint)
    site.baseline("local", attestations=text)
    monkeypatch.chdir(site.root)
    assert main(["waiver", "sign", "local", "access-review", "--key", str(key.path)]) == 0
    signed = text + capsys.readouterr().out

    assert run(site, signed)[0] == "GREEN"
    assert "does not fit" in run(site, signed.replace("were reviewed", "are fine"))[1]
    assert "does not fit" in run(site, signed.replace(key.fingerprint, other.fingerprint))[1]

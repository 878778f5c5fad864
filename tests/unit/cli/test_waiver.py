"""`pytest-ddd waiver`: list, check and sign."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from pytest_ddd import clock
from pytest_ddd.cli.main import main
from tests.support.keys import Key, make_key
from tests.support.sshd import needs

pytestmark = needs("ssh-keygen")

WAIVERS = """\
waivers:
  W-1:
    checks: [morning-health-check/*]
    targets: [web1]
    reason: Replaced in spring
    risk: Low
    compensating_control: By hand
    approver: {{principal: alice, key: "{key}"}}
    approved_at: "{approved}"
    expires_at: "{expires}"
"""


@pytest.fixture
def key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Key:
    monkeypatch.chdir(tmp_path)
    prod = tmp_path / "baselines" / "prod"
    prod.mkdir(parents=True)
    (prod / "hosts.yaml").write_text("hosts: {web1: {connection: 'local://'}}\n")
    key = make_key(tmp_path / "alice")
    write(key, days=60)
    return key


def write(key: Key, *, days: float, signature: str = "") -> None:
    now = clock.now()
    stamps = {
        "approved": f"{now - timedelta(days=90):%Y-%m-%dT%H:%M:%SZ}",
        "expires": f"{now + timedelta(days=days):%Y-%m-%dT%H:%M:%SZ}",
    }
    text = WAIVERS.format(key=key.fingerprint, **stamps) + signature
    Path("baselines/prod/waivers.yaml").write_text(text)


def test_list_says_who_accepts_what(key: Key, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["waiver", "list"]) == 0

    said = capsys.readouterr().out
    assert "✓ prod W-1: until " in said
    assert "alice, not signed (baselines/prod/waivers.yaml:2)" in said
    assert "1 waiver, 0 of them not in force" in said


def test_expired_fails_check_but_not_list(key: Key, capsys: pytest.CaptureFixture[str]) -> None:
    write(key, days=-1)

    assert main(["waiver", "list"]) == 0
    assert main(["waiver", "check"]) == 1
    assert "✗ prod W-1" in capsys.readouterr().out


def test_no_waivers(key: Key, capsys: pytest.CaptureFixture[str]) -> None:
    Path("baselines/prod/waivers.yaml").unlink()

    assert main(["waiver", "check", "prod"]) == 0
    assert capsys.readouterr().out == "no waivers\n"


def test_signature_is_pasted_and_vouched_for(
    key: Key, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    signers, others = tmp_path / "signers", tmp_path / "others"
    signers.write_text(f"alice {key.public}\n")
    others.write_text(f"alice {make_key(tmp_path / 'eve').public}\n")
    assert main(["waiver", "check", "--signers", str(signers)]) == 1  # not signed yet
    capsys.readouterr()

    assert main(["waiver", "sign", "prod", "W-1", "--key", str(key.path)]) == 0
    file = Path("baselines/prod/waivers.yaml")
    file.write_text(file.read_text() + capsys.readouterr().out)

    assert main(["waiver", "check", "--signers", str(signers)]) == 0
    assert main(["waiver", "check", "--signers", str(others)]) == 1
    assert "does not vouch" in capsys.readouterr().out
    file.write_text(file.read_text().replace("risk: Low", "risk: None"))
    assert main(["waiver", "check"]) == 1


@pytest.mark.parametrize(("ended_days_ago", "status"), [(30, 0), (120, 1)])
def test_the_approvers_key_had_to_be_valid_when_it_was_approved(
    key: Key, tmp_path: Path, capsys: pytest.CaptureFixture[str], ended_days_ago: int, status: int
) -> None:
    signers = tmp_path / "signers"
    until = clock.now() - timedelta(days=ended_days_ago)
    signers.write_text(f'alice valid-before="{until:%Y%m%d%H%M%SZ}" {key.public}\n')
    assert main(["waiver", "sign", "prod", "W-1", "--key", str(key.path)]) == 0
    file = Path("baselines/prod/waivers.yaml")
    file.write_text(file.read_text() + capsys.readouterr().out)

    assert main(["waiver", "check", "--signers", str(signers)]) == status


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["sign", "prod", "W-2", "--key", "alice"], "did you mean 'W-1'"),
        (["sign", "prod", "W-1", "--key", "nowhere"], "cannot sign with nowhere"),
        (["sign", "prod", "W-1", "--key", "eve"], "names SHA256:"),
        (["check", "--signers", "nowhere"], "no such file"),
        (["list", "prud"], "did you mean 'prod'"),
    ],
)
def test_mistakes_are_told(
    key: Key, tmp_path: Path, words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    make_key(tmp_path / "eve")

    assert main(["waiver", *words]) == 4
    assert said in capsys.readouterr().err

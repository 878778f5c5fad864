"""The examples of own parts do what they say: healthy, broken, healed."""

from __future__ import annotations

import mailbox
import socket
from datetime import timedelta
from pathlib import Path

import pytest

from pytest_ddd import clock
from tests.examples.conftest import Copy, Example
from tests.lab.net import free_port
from tests.lab.svc.tls import Authority

ALICE = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIExampleExampleExampleExampleExampleExamp"
STRANGER = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIStrangerStrangerStrangerStrangerStran"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """The home of an account whose keys may be changed."""
    (tmp_path / "home" / ".ssh").mkdir(parents=True)
    return tmp_path / "home"


def authorized_keys(site: Example, home: Path) -> tuple[str, str]:
    """Return outcome and reason of the example's check."""
    run = site.look(env={"HOME": str(home)})
    (found,) = [one for one in run.results if one.check_id == "daily-checks/authorized_keys"]
    return found.outcome.value, found.reason


def test_own_check(example: Copy, home: Path) -> None:
    """Known keys and no file are green, a stranger's is red, what cannot be read is unknown."""
    site = example("own-check")
    file = home / ".ssh" / "authorized_keys"
    assert authorized_keys(site, home)[0] == "GREEN"

    file.write_text(f"# ours\n{ALICE} alice\nno-pty {STRANGER} mallory\n")
    outcome, reason = authorized_keys(site, home)
    assert (outcome, "1 of the keys that may log in are not in keys.txt" in reason) == ("RED", True)

    file.unlink()
    file.mkdir()
    assert authorized_keys(site, home)[0] == "UNKNOWN"

    file.rmdir()
    file.write_text(f"{ALICE} another comment\n")
    assert authorized_keys(site, home)[0] == "GREEN"


@pytest.mark.needs("openssl")
def test_own_probe(example: Copy, tmp_path: Path) -> None:
    """Days left of a file: green, yellow and red by its limits; unknown when there is none."""
    site = example("own-probe")
    authority = Authority(tmp_path / "ca")
    certificate = site.root / "certificates" / "mail-client.pem"
    certificate.parent.mkdir()

    found = {}
    for days in (300, 10, 3):
        pair = authority.issue("mail", not_after=clock.now() + timedelta(days=days, hours=1))
        certificate.write_bytes(pair.cert.read_bytes())
        found[days] = site.look().of("localhost", "mail-client")
    certificate.unlink()
    gone = site.look().of("localhost", "mail-client")

    assert [one.outcome.value for one in found.values()] == ["GREEN", "YELLOW", "RED"]
    assert "mail-client 3 days <= crit 7 days (baselines/local/probes.yaml:6)" in found[3].reason
    assert found[3].readings[0].detail.startswith("notAfter=")
    assert gone.outcome.value == "UNKNOWN"
    assert "mail-client.pem" in gone.reason


def test_own_channel(example: Copy) -> None:
    """A letter opens the incident and one ends it; what cannot be delivered waits."""
    site = example("own-channel")
    site.init()
    port = free_port()
    endpoints = site.root / "baselines" / "local" / "endpoints.yaml"
    endpoints.write_text(endpoints.read_text().replace(":8080", f":{port}"))
    box = site.root / "letters"
    box.write_text("in the way\n")

    first = site.look("--ddd-escalate=on", "-k", "health_endpoints")
    assert first.status == 75, first.text
    assert "letters" in first.text

    box.unlink()
    second = site.look("--ddd-escalate=on", "-k", "health_endpoints")
    with socket.create_server(("127.0.0.1", port)):
        third = site.look("--ddd-escalate=on", "-k", "health_endpoints")

    assert (second.status, third.status) == (1, 0), second.text + third.text
    subjects = sorted(str(letter["Subject"]) for letter in mailbox.Maildir(box, create=False))
    assert [one.split()[0] for one in subjects] == ["[resolve]", "[trigger]"], subjects

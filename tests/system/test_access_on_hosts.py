"""Log-ins of a real host, from its journal, wtmp and btmp."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pytest_ddd import clock
from pytest_ddd.baseline.model import Declaration
from pytest_ddd.baseline.sections.access import Access as Model
from pytest_ddd.connections import Connections
from pytest_ddd.errors import CannotLookError
from pytest_ddd.probes.access import AccessLog, AccessReview
from pytest_ddd.results import Origin
from tests.lab.host import LabHost
from tests.lab.lab import Lab
from tests.lab.proc import wait_for
from tests.support.reaching import reaching

pytestmark = pytest.mark.needs("lab")

HOST = "web1"


class Door:
    """A host, its log, and people who come to its door."""

    def __init__(self, lab: Lab, host: LabHost, connections: Connections) -> None:
        self.lab, self.host, self.connections = lab, host, connections
        oldest = self.host.run("journalctl -q -o short-unix | head -n 1", check=True).stdout
        self._oldest_s = float(oldest.split()[0])

    def ssh(self, user: str, *options: str, command: str = "true") -> int:
        words = ["ssh", "-F", str(self.lab.ssh_config), "-o", "BatchMode=yes", *options]
        return self.lab.exec([*words, f"{user}@{self.host.name}", command]).returncode

    def journal(self) -> str:
        """What sshd has told."""
        return self.host.run("journalctl -q -t sshd", check=True).stdout

    def review(self, **says: object) -> AccessReview:
        self.host.run("journalctl --sync")  # some hosts here have none
        reaches_ms = int((clock.now().timestamp() - self._oldest_s) * 1000)
        values: dict[str, object] = {
            "journal": True, "since": f"{reaches_ms}ms", "applies_to": ["all"],
            "allowed": {"ops": {}}, "sudo": ["ops"], **says,
        }  # fmt: skip
        declaration = Declaration(
            section="access",
            key="servers",
            model=Model.model_validate(values),
            origins={(): Origin(file="baselines/prod/access.yaml", line=2)},
        )
        return AccessLog(declaration, host=HOST, connections=self.connections, zone="UTC").read()

    def problems(self, **says: object) -> list[str]:
        return [one.text for one in self.review(**says).problems]


@pytest.fixture
def door(lab: Lab) -> Iterator[Door]:
    """A fresh host: what is logged stays logged, so each test has its own."""
    host = lab.fresh("door")
    with reaching(lab, host, name=HOST, sudo=True) as connections:
        made = Door(lab, host, connections)
        assert made.problems() == []
        yield made
    lab.remove(host)


def test_each_stranger_is_told_until_he_is_allowed(door: Door) -> None:
    assert door.ssh("root") == 0
    assert door.ssh("noisy") == 0
    assert door.ssh("sudopw", command="sudo -n id") != 0

    told = door.problems()

    assert any(one.startswith("root logged in from ") for one in told), told
    assert any(one.startswith("noisy, who may not, logged in") for one in told), told
    assert any(one.startswith("sudopw was refused: ") for one in told), told
    everybody: dict[str, object] = {name: {} for name in ("ops", "root", "noisy", "sudopw")}
    assert [one for one in door.problems(allowed=everybody) if "sudopw was" not in one] == []


def test_networks_and_failures(door: Door) -> None:
    assert door.ssh("ops") == 0
    assert door.ssh("ops", "-o", "PubkeyAuthentication=no") != 0
    assert door.ssh("nobodyhere") != 0

    review = door.review(allowed={"ops": {"networks": ["192.0.2.0/24"]}})

    assert ["outside of the allowed networks" in one.text for one in review.problems] == [True]
    assert int(str(review.failed.value)) >= 1
    assert int(str(review.unknown.value)) >= 1
    assert "nobodyhere from " in review.unknown.detail


def test_wrong_password_is_counted(door: Door, tmp_path: Path) -> None:
    door.host.write("/etc/ssh/sshd_config.d/00-password.conf", "PasswordAuthentication yes\n")
    door.host.run("systemctl restart ssh", check=True)  # unlike a reload, ends when sshd listens
    ask = tmp_path / "ask"
    ask.write_text("#!/bin/sh\necho wrong\n")
    ask.chmod(0o755)
    words = ["ssh", "-F", str(door.lab.ssh_config), "-o", "PubkeyAuthentication=no"]
    words += ["-o", "BatchMode=no", "-o", "NumberOfPasswordPrompts=1"]
    words += [f"sudopw@{door.host.name}", "true"]
    env = {"SSH_ASKPASS": str(ask), "SSH_ASKPASS_REQUIRE": "force", "DISPLAY": ":0"}
    done = door.lab.exec(words, env=env)
    assert "Permission denied" in done.stderr
    # sshd tells of the password, and of the end once the client is gone.
    assert wait_for(lambda: "closed by authenticating user sudopw" in door.journal())
    assert "Failed password for sudopw" in door.journal()

    review = door.review()

    assert review.failed.value == 1
    assert "sudopw from " in review.failed.detail


def test_btmp_may_know_more_than_the_log(door: Door) -> None:
    at = f"{clock.now():%Y-%m-%dT%H:%M:%S},000000+00:00"
    line = f"[6] [00123] [    ] [eve     ] [ssh:notty   ] [192.0.2.1           ] [192.0.2.1      ] [{at}]"
    lines = "\\n".join([line] * 3)
    door.host.run(f"printf '{lines}\\n' | utmpdump -r >/var/log/btmp", check=True)

    assert door.review().failed.value == 3


def test_session_whose_log_was_cut_is_told(door: Door) -> None:
    assert door.ssh("ops", "-tt") == 0
    log = "/root/auth.log"
    door.host.run(f"journalctl --sync; journalctl -q -a -o short-iso >{log}", check=True)
    assert door.problems(path=log, journal=False) == []

    door.host.run(f"sed -i '/sshd.*Accepted/d' {log}", check=True)

    [told] = door.problems(path=log, journal=False)
    assert told.startswith("wtmp knows a log-in of ops from ")


@pytest.mark.parametrize(
    ("harm", "says", "why"),
    [
        ("true", {"since": "31d"}, "the journal begins at "),
        ("rm /var/log/btmp", {}, "/var/log/btmp does not exist"),
        ("mv /usr/bin/last /usr/bin/last.off", {}, "last is missing"),
        ("mv /usr/bin/journalctl /usr/bin/journalctl.off", {}, "journalctl is missing"),
    ],
    ids=["too short", "no btmp", "no last", "no journalctl"],
)
def test_what_is_not_there_is_unknown(
    door: Door, harm: str, says: dict[str, object], why: str
) -> None:
    door.host.run(harm, check=True)

    with pytest.raises(CannotLookError, match=why):
        door.problems(**says)


def test_journal_of_others_is_not_seen_without_root(door: Door, lab: Lab) -> None:
    with reaching(lab, door.host, name=HOST, sudo=False) as connections:
        door.connections = connections
        with pytest.raises(CannotLookError, match="cannot be read in full"):
            door.problems(sessions=False)

"""Access logs: what may not be is told, and a log that is not all there is never green."""

from __future__ import annotations

import gzip
import os
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from pytest_ddd import clock
from pytest_ddd.baseline.model import Declaration
from pytest_ddd.baseline.sections.access import Access as Model
from pytest_ddd.connections import Connections, parse_hostspec
from pytest_ddd.errors import CannotLookError
from pytest_ddd.probes.access import AccessLog, AccessReview
from pytest_ddd.probes.login_search import answer
from pytest_ddd.probes.login_search.judging import is_within, unlogged
from pytest_ddd.results import Origin

NOON = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
ALLOWED = {"alice": {"networks": ["10.0.0.0/8"]}, "ops": {}}


class Host:
    """A directory with auth logs, read with this machine's tools."""

    def __init__(self, directory: Path, connections: Connections) -> None:
        self.directory, self.connections, self.now = directory, connections, clock.now()
        self.write(["systemd: started"], "auth.log.1", days=40)
        self.write([])

    def line(self, text: str, *, days: float = 0.01, old_style: bool = False) -> str:
        at = self.now - timedelta(days=days)
        if old_style:
            local = at.astimezone()
            return f"{local:%b} {local.day:2d} {local:%H:%M:%S} web1 {text}"
        return f"{at:%Y-%m-%dT%H:%M:%S.%f}+00:00 web1 {text}"

    def write(
        self, texts: Sequence[str], name: str = "auth.log", *, days: float = 0.01, old: bool = False
    ) -> Path:
        lines = [self.line(text, days=days, old_style=old) for text in texts]
        content = "".join(f"{line}\n" for line in lines).encode()
        path = self.directory / name
        path.write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
        at = (self.now - timedelta(days=days)).timestamp()
        os.utime(path, (at, at))
        return path

    def review(self, **says: object) -> AccessReview:
        values: dict[str, object] = {
            "path": str(self.directory / "auth.log"), "applies_to": ["all"], "allowed": ALLOWED,
            "sudo": ["ops"], "sessions": False, **says,
        }  # fmt: skip
        declaration = Declaration(
            section="access",
            key="servers",
            model=Model.model_validate(values),
            origins={(): Origin(file="baselines/prod/access.yaml", line=2)},
        )
        return AccessLog(declaration, host="web1", connections=self.connections, zone="UTC").read()

    def problems(self, **says: object) -> list[str]:
        return [one.text for one in self.review(**says).problems]


@pytest.fixture(scope="module")
def connections() -> Iterator[Connections]:
    made = Connections({"web1": parse_hostspec("local://", name="web1")})
    yield made
    made.close()


@pytest.fixture
def host(tmp_path: Path, connections: Connections) -> Host:
    return Host(tmp_path, connections)


@pytest.mark.parametrize("old", [False, True], ids=["rfc3339", "traditional"])
@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("sshd[7]: Accepted password for eve from 10.0.0.9 port 22 ssh2", "eve, who may not, logged in"),
        ("sshd-session[7]: Accepted publickey for root from 10.0.0.9 port 22 ssh2: ED25519 SHA256:x", "root logged in from 10.0.0.9"),
        ("sshd[7]: Accepted publickey for alice from 192.0.2.1 port 22 ssh2", "outside of the allowed networks"),
        ("login[7]: pam_unix(login:session): session opened for user eve(uid=1000) by LOGIN(uid=0)", "eve, who may not, logged in from console"),
        ("sudo:    alice : TTY=pts/0 ; PWD=/home/alice ; USER=root ; COMMAND=/usr/bin/id", "alice, who may not, ran as somebody else: /usr/bin/id"),
        ("sudo[9]:    eve : user NOT in sudoers ; TTY=pts/0 ; PWD=/ ; USER=root ; COMMAND=/bin/sh", "eve was refused: /bin/sh"),
        ("sudo:    ops : 3 incorrect password attempts ; TTY=pts/0 ; PWD=/ ; USER=root ; COMMAND=/bin/sh", "ops was refused"),
        ("su[9]: (to root) alice on pts/0", "alice, who may not, ran as somebody else: su root"),
        ("su: FAILED SU (to root) eve on pts/0", "eve was refused: su root"),
    ],
)  # fmt: skip
def test_what_may_not_be_is_told_and_without_it_all_is_well(
    host: Host, line: str, told: str, old: bool
) -> None:
    host.write([line], old=old)
    assert any(told in one for one in host.problems())
    host.write(
        [
            "sshd[7]: Accepted publickey for alice from 10.1.2.3 port 22 ssh2",
            "sudo:  ops : TTY=pts/0 ; PWD=/ ; USER=root ; COMMAND=/bin/sh",
        ],
        old=old,
    )
    assert host.problems() == []


def test_failures_and_unknown_names_are_counted(host: Host) -> None:
    host.write(
        [
            "sshd[1]: Failed password for alice from 192.0.2.1 port 22 ssh2",
            "sshd[1]: Failed password for invalid user admin from 192.0.2.1 port 22 ssh2",
            "sshd[1]: Failed publickey for alice from 10.0.0.1 port 22 ssh2",
            "sshd[2]: Connection closed by authenticating user root 192.0.2.1 port 22 [preauth]",
            "sshd[1]: Invalid user admin from 192.0.2.1 port 22",
            "cron[1]: Failed password for nobody from nowhere port 1",
        ]
    )

    review = host.review()

    assert (review.failed.value, review.unknown.value) == (3, 1)
    assert "admin from 192.0.2.1: 1 time" in review.failed.detail


def test_failures_that_rsyslog_tells_together_are_counted_one_by_one(host: Host) -> None:
    """Its $RepeatedMsgReduction writes the first line, and how often the same followed."""
    wrong = "Failed password for alice from 192.0.2.1 port 22 ssh2"
    host.write([f"sshd[1]: {wrong}", f"sshd[1]: message repeated 4 times: [ {wrong}]"])

    review = host.review()

    assert review.failed.value == 5
    assert "alice from 192.0.2.1" in review.failed.detail


def test_the_end_of_a_connection_that_failed_is_no_failure_more(host: Host) -> None:
    """Two wrong passwords are two; a process of the same number that only ends is one more."""
    wrong = "sshd[1]: Failed password for alice from 192.0.2.1 port 22 ssh2"
    end = "sshd[1]: Connection closed by authenticating user alice 192.0.2.1 port 22 [preauth]"
    host.write([wrong, wrong, end])
    assert host.review().failed.value == 2

    accepted = "sshd[1]: Accepted publickey for alice from 192.0.2.1 port 22 ssh2"
    elsewhere = end.replace("192.0.2.1", "192.0.2.2")
    for another in (end, elsewhere):
        host.write([wrong, wrong, end, another])
        assert host.review().failed.value == 3
    for between in (accepted, elsewhere):
        host.write([wrong, between, end])
        assert host.review().failed.value == 2


def test_rotated_and_packed_logs_are_read(host: Host) -> None:
    intruder = "sshd[7]: Accepted password for eve from 10.0.0.9 port 22 ssh2"
    host.write([intruder], "auth.log.2.gz", days=9)
    host.write([intruder], "auth.log.1", days=3)
    host.write(["systemd: started"], "auth.log.3.gz", days=50)

    [told] = host.problems()

    assert "2 times in all" in told


def test_what_is_older_than_asked_is_not_told(host: Host) -> None:
    host.write(["sshd[7]: Accepted password for eve from 10.0.0.9 port 22 ssh2"], days=32)

    assert host.problems() == []


@pytest.mark.parametrize(
    ("harm", "why"),
    [
        (lambda host: (host.directory / "auth.log").unlink(), "does not exist"),
        (lambda host: (host.directory / "auth.log.1").unlink(), "holds no line that says when"),
        (lambda host: host.write(["x"], "auth.log.1", days=3), "begins at .* are missing"),
        (lambda host: (host.directory / "auth.log.2.gz").write_bytes(b"\x1f\x8bno"), "cannot be unpacked"),
        (lambda host: (host.directory / "auth.log.2").mkdir(), "is no regular file"),
        (lambda host: (host.directory / "auth.log").write_text("sudo: no time\n"), "does not say when"),
    ],
    ids=["missing", "never rotated", "too short", "damaged", "directory", "no stamps"],
)  # fmt: skip
def test_log_that_is_not_all_there_is_unknown(host: Host, harm: object, why: str) -> None:
    assert host.problems() == []
    assert callable(harm)
    harm(host)

    with pytest.raises(CannotLookError, match=why):
        host.problems()


def test_a_known_fault_is_not_hidden_by_a_blind_spot(host: Host) -> None:
    host.write(["sshd[7]: Accepted password for eve from 10.0.0.9 port 22 ssh2"])
    (host.directory / "auth.log.2").mkdir()

    first, second = host.review().problems

    assert "eve" in first.text
    assert second.blind


def test_name_that_an_attacker_chose_is_no_log_in(host: Host) -> None:
    host.write(
        ["sshd[7]: Invalid user Accepted password for ops from 10.0.0.1 from 192.0.2.1 port 9"]
    )

    review = host.review()

    assert review.problems == ()
    assert review.unknown.value == 1


@pytest.mark.parametrize(
    ("hours", "at", "inside"),
    [
        ("Mon-Fri 07:00-19:00", NOON, True),
        ("Mon-Fri 07:00-12:00", NOON, False),
        ("Sat-Sun 07:00-19:00", NOON, False),
        ("Sat-Wed 07:00-19:00", NOON, True),
        ("22:00-06:00", NOON.replace(hour=5), True),
        ("Tue 22:00-06:00", NOON.replace(hour=5), True),
        ("Wed 22:00-06:00", NOON.replace(hour=5), False),
        ("Wed 22:00-06:00", NOON.replace(hour=23), True),
    ],
)
def test_hours(hours: str, at: datetime, inside: bool) -> None:
    assert is_within(at, [hours], ZoneInfo("UTC")) is inside


def test_hours_are_local(host: Host) -> None:
    assert is_within(NOON, ["13:00-14:00"], ZoneInfo("Europe/Berlin"))


def _parsed(*lines: str) -> answer.Found:
    text = "\n".join(["#N 1795608000 +0000", *lines, "#E", ""])
    return answer.parse(text, since=NOON - timedelta(days=31))


def test_session_that_the_log_does_not_know_is_told() -> None:
    wtmp = "#W alice    pts/0        10.0.0.9         2026-11-25T08:00:02+00:00 - 2026-11-25T09:00:00+00:00  (01:00)"
    log = ":2026-11-25T08:00:01+00:00 web1 sshd[1]: Accepted publickey for alice from 10.0.0.9 port 1 ssh2"

    assert [one.who for one in unlogged(_parsed(wtmp))] == ["alice"]
    assert unlogged(_parsed(wtmp, log)) == []
    assert (
        unlogged(_parsed("#W reboot   system boot  6.1  2026-11-25T08:00:02+00:00   still running"))
        == []
    )


def test_search_that_broke_off_is_unknown() -> None:
    with pytest.raises(CannotLookError, match="did not come to its end"):
        answer.parse("#N 1795608000 +0000\n:line", since=NOON)

"""sshd, passwords and firewall of a real host, made worse by hand and healed."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from pytest_ddd.baseline.model import Declaration, Path
from pytest_ddd.baseline.sections.security import Safeguard as Model
from pytest_ddd.connections import Connections
from pytest_ddd.errors import CannotLookError
from pytest_ddd.probes.security import Safeguard
from pytest_ddd.results import Origin
from tests.lab.host import LabHost
from tests.lab.lab import Lab
from tests.support.reaching import reaching

pytestmark = pytest.mark.needs("lab")

HOST = "web1"
RULES = """
flush ruleset
table inet filter {
  chain input {
    type filter hook input priority 0; policy drop;
    ct state established,related accept
    iifname "lo" accept
    ip protocol 1 accept
    meta l4proto 58 accept
    tcp dport { 22, 80, 443 } accept
  }
}
"""
SSHD: dict[str, object] = {
    "kind": "sshd",
    "settings": {
        "PermitRootLogin": "prohibit-password",
        "PasswordAuthentication": False,
        "MaxAuthTries": "<=6",
        "LogLevel": ["VERBOSE", "INFO"],
    },
    "forbidden": {"ciphers": ["*-cbc"], "PubkeyAcceptedAlgorithms": ["ssh-dss"]},
}
PASSWORDS: dict[str, object] = {"kind": "passwords", "max_age": "90d", "min_length": 12}
FIREWALL: dict[str, object] = {"kind": "firewall", "open": ["tcp:22", "tcp:80", "tcp:443"]}


def safeguard(connections: Connections, says: dict[str, object]) -> Safeguard:
    model = Model.model_validate({"applies_to": ["all"], **says})
    origins: dict[Path, Origin] = {(): Origin(file="baselines/prod/security.yaml", line=2)}
    declaration = Declaration(section="security", key="x", model=model, origins=origins)
    return Safeguard(declaration, target=HOST, host=HOST, connections=connections)


def problems(connections: Connections, says: dict[str, object]) -> list[str]:
    return [one.text for one in safeguard(connections, says).read().problems]


@pytest.fixture(scope="module")
def host(lab: Lab) -> Iterator[LabHost]:
    """A host of this file's own, hardened."""
    host = lab.fresh("hardened")
    host.run("sed -i 's/^PASS_MAX_DAYS.*/PASS_MAX_DAYS 90/' /etc/login.defs", check=True)
    host.run("sed -i '/pam_unix.so/ s/$/ minlen=12/' /etc/pam.d/common-password", check=True)
    host.run("chage -M 90 -d $(date +%F) sudopw", check=True)
    host.write("/etc/nftables.conf", RULES)
    host.run("nft -f /etc/nftables.conf", check=True)
    yield host
    lab.remove(host)


@pytest.fixture(scope="module")
def way(lab: Lab, host: LabHost) -> Iterator[Connections]:
    with reaching(lab, host, name=HOST, sudo=True) as connections:
        yield connections


CONF = "/etc/ssh/sshd_config.d/00-fault.conf"
RELOAD = (  # sshd writes its number anew once it listens
    "rm -f /run/sshd.pid; systemctl reload ssh; until [ -s /run/sshd.pid ]; do sleep 0.05; done"
)
UNDO_SSHD = f"rm -f {CONF}; {RELOAD}"
UNDO_PAM = "sed -i 's/minlen=[0-9]*/minlen=12/' /etc/pam.d/common-password"
UNDO_NFT = "nft -f /etc/nftables.conf"

CASES: dict[str, tuple[dict[str, object], str, str, str]] = {
    "root may log in": (
        SSHD, f"echo PermitRootLogin yes >{CONF}; {RELOAD}", UNDO_SSHD,
        "PermitRootLogin is yes, expected prohibit-password",
    ),
    "passwords are taken": (
        SSHD, f"echo PasswordAuthentication yes >{CONF}; {RELOAD}", UNDO_SSHD,
        "PasswordAuthentication is yes, expected no",
    ),
    "more tries": (
        SSHD, f"echo MaxAuthTries 20 >{CONF}; {RELOAD}", UNDO_SSHD,
        "MaxAuthTries is 20, expected <=6",
    ),
    "quiet": (
        SSHD, f"echo LogLevel QUIET >{CONF}; {RELOAD}", UNDO_SSHD,
        "LogLevel is SILENT, expected VERBOSE, INFO",
    ),
    "old cipher": (
        SSHD, f"echo Ciphers +aes256-cbc >{CONF}; {RELOAD}", UNDO_SSHD, "ciphers allows aes256-cbc",
    ),
    "weaker for one user": (
        SSHD, f"printf 'Match User noisy\\n  PasswordAuthentication yes\\n' >{CONF}; {RELOAD}",
        UNDO_SSHD, "PasswordAuthentication is yes for Match User noisy, expected no",
    ),
    "old algorithm for one user": (
        SSHD, f"printf 'Match User noisy\\n  PubkeyAcceptedAlgorithms +ssh-dss\\n' >{CONF}; {RELOAD}",
        UNDO_SSHD, "PubkeyAcceptedAlgorithms allows ssh-dss for Match User noisy",
    ),
    "not reloaded": (
        SSHD, f"touch -d '+1 minute' {CONF}", f"rm {CONF}",
        f"{CONF} changed after sshd read it: reload ssh",
    ),
    "started otherwise": (
        SSHD,
        "mkdir -p /run/systemd/system/ssh.service.d; printf '[Service]\\nEnvironment=SSHD_OPTS=-oMaxAuthTries=50\\n'"
        " >/run/systemd/system/ssh.service.d/x.conf; sed -i 's/^/#/' /etc/default/ssh;"
        " systemctl daemon-reload; systemctl restart ssh",
        "rm /run/systemd/system/ssh.service.d/x.conf; sed -i 's/^#//' /etc/default/ssh;"
        " systemctl daemon-reload; systemctl restart ssh",
        "MaxAuthTries is 50, expected <=6",
    ),
    "another file": (
        SSHD,
        "(echo PasswordAuthentication yes; cat /etc/ssh/sshd_config) >/etc/ssh/other;"
        " mkdir -p /run/systemd/system/ssh.service.d; sed -i 's/^/#/' /etc/default/ssh;"
        " printf '[Service]\\nEnvironment=\"SSHD_OPTS=-f /etc/ssh/other\"\\n'"
        " >/run/systemd/system/ssh.service.d/x.conf; systemctl daemon-reload; systemctl restart ssh",
        "rm /run/systemd/system/ssh.service.d/x.conf; sed -i 's/^#//' /etc/default/ssh;"
        " systemctl daemon-reload; systemctl restart ssh; rm /etc/ssh/other",
        "PasswordAuthentication is yes, expected no",
    ),
    "empty password": (
        PASSWORDS, "passwd -q -d noisy", "passwd -q -l noisy", "account noisy has an empty password",
    ),
    "old hash": (
        PASSWORDS, "echo 'noisy:$1$abcdefgh$irWbblnpmw.5z7wgBnprh0' | chpasswd -e; chage -M 90 noisy",
        "usermod -p '!' noisy", "account noisy stores its password as md5",
    ),
    "never expires": (
        PASSWORDS, "chage -M 99999 sudopw", "chage -M 90 sudopw", "expires after 99999 days, not 90",
    ),
    "too old": (
        PASSWORDS, "chage -d $(date -d '-120 days' +%F) sudopw", "chage -d $(date +%F) sudopw",
        "has a password of 120 days, at most 90",
    ),
    "no day of the last change": (
        PASSWORDS, "sed -i.kept 's/^\\(sudopw:[^:]*\\):[0-9]*:/\\1::/' /etc/shadow",
        "mv /etc/shadow.kept /etc/shadow", "has a password that never expires: no day of its last change",
    ),
    "changed in the future": (
        PASSWORDS, "chage -d 2099-01-01 sudopw", "chage -d $(date +%F) sudopw",
        "has a password that was changed in the future",
    ),
    "no password at all": (
        PASSWORDS, "sed -i.kept 's/^noisy:x:/noisy::/' /etc/passwd", "mv /etc/passwd.kept /etc/passwd",
        "account noisy has an empty password",
    ),
    "hash where everybody can read it": (
        PASSWORDS, "sed -i.kept 's/^noisy:x:/noisy:$1$abcdefgh$irWbblnpmw.5z7wgBnprh0:/' /etc/passwd",
        "mv /etc/passwd.kept /etc/passwd", "account noisy stores its password as md5",
    ),
    "short ones": (
        PASSWORDS, "sed -i 's/minlen=12/minlen=6/' /etc/pam.d/common-password", UNDO_PAM,
        "a new password needs 6 characters, expected 12",
    ),
    "written where nobody reads it": (
        PASSWORDS,
        "sed -i 's/ minlen=12//' /etc/pam.d/common-password; echo minlen=14 >/etc/security/pwquality.conf",
        "sed -i '/pam_unix.so/ s/$/ minlen=12/' /etc/pam.d/common-password; rm /etc/security/pwquality.conf",
        "a new password needs no characters, expected 12",
    ),
    "quality module asks for less": (
        PASSWORDS,
        "sed -i '1i password requisite pam_pwquality.so retry=3' /etc/pam.d/common-password;"
        " echo 'minlen = 10' >/etc/security/pwquality.conf",
        "sed -i 1d /etc/pam.d/common-password; rm /etc/security/pwquality.conf",
        "a new password needs 10 characters, expected 12",
    ),
    "quality module reads its own file last": (
        PASSWORDS,
        "sed -i '1i password requisite pam_pwquality.so' /etc/pam.d/common-password;"
        " mkdir -p /etc/security/pwquality.conf.d; echo 'minlen = 14' >/etc/security/pwquality.conf.d/x.conf;"
        " echo 'minlen = 9' >/etc/security/pwquality.conf",
        "sed -i 1d /etc/pam.d/common-password; rm -r /etc/security/pwquality.conf*",
        "a new password needs 9 characters, expected 12",
    ),
    "quality module asks for its default": (
        PASSWORDS, "sed -i '1i password requisite pam_pwquality.so' /etc/pam.d/common-password",
        "sed -i 1d /etc/pam.d/common-password", "a new password needs 8 characters, expected 12",
    ),
    "new accounts": (
        PASSWORDS, "sed -i 's/^PASS_MAX_DAYS.*/PASS_MAX_DAYS 99999/' /etc/login.defs",
        "sed -i 's/^PASS_MAX_DAYS.*/PASS_MAX_DAYS 90/' /etc/login.defs",
        "PASS_MAX_DAYS is 99999, expected at most 90",
    ),
    "no rules": (FIREWALL, "nft flush ruleset", UNDO_NFT, "ip: what no rule accepts is let in"),
    "open by default": (
        FIREWALL, "nft 'chain inet filter input { policy accept; }'", UNDO_NFT,
        "ip6: what no rule accepts is let in",
    ),
    "only for one family": (
        FIREWALL, "sed 's/table inet/table ip/; /l4proto/d' /etc/nftables.conf | nft -f -", UNDO_NFT,
        "ip6: what no rule accepts is let in",
    ),
    "one port more": (
        FIREWALL, "nft add rule inet filter input tcp dport 8080 accept", UNDO_NFT, "lets in tcp:8080",
    ),
    "everything": (
        FIREWALL, "nft insert rule inet filter input accept", UNDO_NFT, "lets in everything",
    ),
    "a whole network": (
        FIREWALL, "nft add rule inet filter input ip saddr 10.0.0.0/8 accept", UNDO_NFT,
        "lets in every port on a condition",
    ),
    "asleep": (
        FIREWALL, "nft 'table inet filter { flags dormant; }'",
        f"nft delete table inet filter; {UNDO_NFT}", "ip: what no rule accepts is let in",
    ),
    "drops only what is too much": (
        FIREWALL,
        "nft 'chain inet filter input { policy accept; }';"
        " nft add rule inet filter input limit rate over 100/second drop",
        UNDO_NFT, "ip: what no rule accepts is let in",
    ),
    "one port more by a verdict map": (
        FIREWALL, "nft 'add rule inet filter input tcp dport vmap { 8080 : accept, 25 : drop }'",
        UNDO_NFT, "lets in tcp:8080",
    ),
    "one port more by a named map": (
        FIREWALL,
        "nft 'add map inet filter m { type inet_service : verdict; elements = { 8080 : accept }; }';"
        " nft add rule inet filter input tcp dport vmap @m",
        UNDO_NFT, "lets in tcp:8080",
    ),
    "new connections": (
        FIREWALL, "nft 'add rule inet filter input ct state { established, new } accept'", UNDO_NFT,
        "lets in every port on a condition",
    ),
    "all but old connections": (
        FIREWALL, "nft 'add rule inet filter input ct state != established accept'", UNDO_NFT,
        "lets in every port on a condition",
    ),
    "all but this machine": (
        FIREWALL, "nft 'add rule inet filter input iifname != \"lo\" accept'", UNDO_NFT,
        "lets in every port on a condition",
    ),
    "one port less": (
        FIREWALL, "sed 's/22, 80, 443/22, 80/' /etc/nftables.conf | nft -f -", UNDO_NFT,
        "does not let in tcp:443",
    ),
}  # fmt: skip
"""What the baseline says, the change, its undoing, and what has to be said."""


@pytest.mark.parametrize("case", CASES)
def test_weakness_is_told_and_gone_when_healed(way: Connections, host: LabHost, case: str) -> None:
    says, change, heal, told = CASES[case]
    assert problems(way, says) == []
    host.run(change, check=True)
    try:
        found = problems(way, says)
    finally:
        host.run(heal, check=True)
    assert any(told in one for one in found), found
    assert problems(way, says) == []


def test_verdict_maps_may_accept_what_rules_may(way: Connections, host: LabHost) -> None:
    states = "ct state vmap { established : accept, related : accept, invalid : drop }"
    ports = "tcp dport vmap { 22 : accept, 80 : accept, 443 : accept, 25 : drop }"
    rules = RULES.replace("ct state established,related accept", states)
    host.write("/run/maps.nft", rules.replace("tcp dport { 22, 80, 443 } accept", ports))
    host.run("nft -f /run/maps.nft", check=True)
    try:
        assert problems(way, FIREWALL) == []
    finally:
        host.run(UNDO_NFT, check=True)


def test_settings_for_one_user_are_those_of_its_match_block(way: Connections) -> None:
    says: dict[str, object] = {"kind": "sshd", "settings": {"banner": "none"}}

    assert problems(way, says) == [
        "banner is /etc/ssh/noisy-banner for Match User noisy, expected none"
    ]
    assert problems(way, {**says, "match": {"user": "ops"}}) == []
    assert problems(way, {**says, "match": {"user": "noisy"}}) == [
        "banner is /etc/ssh/noisy-banner, expected none"
    ]


def test_forbidden_values_of_a_keyword_that_sshd_does_not_know_are_unknown(
    way: Connections,
) -> None:
    says: dict[str, object] = {"kind": "sshd", "forbidden": {"cipher": ["*-cbc"]}}

    with pytest.raises(CannotLookError, match="sshd tells of no cipher"):
        problems(way, says)
    assert problems(way, {**says, "forbidden": {"AllowUsers": ["root"]}}) == []


WEAK = "PasswordAuthentication yes"


@pytest.mark.parametrize(
    ("text", "included"),
    [
        (f"Match User noisy\\n  Include {CONF}.weak\\n", WEAK),
        (f"Include {CONF}.weak\\n", f"Match User noisy\\n  {WEAK}"),
    ],
    ids=["block", "file"],
)
def test_what_a_block_or_an_included_file_includes_is_not_taken_for_good(
    way: Connections, host: LabHost, text: str, included: str
) -> None:
    write = f"printf '{included}\\n' >{CONF}.weak; printf '{text}' >{CONF}"
    host.run(f"{write}; {RELOAD}", check=True)
    try:
        with pytest.raises(CannotLookError, match=f"{CONF} includes {CONF}.weak"):
            problems(way, SSHD)
    finally:
        host.run(f"rm {CONF}.weak; {UNDO_SSHD}", check=True)


def test_hashes_stay_on_the_host(way: Connections) -> None:
    found = safeguard(way, PASSWORDS).read()

    assert any("sudopw: yescrypt" in one.detail for one in found.readings)
    assert not any("$y$" in f"{one.value}{one.detail}" for one in found.readings)


@pytest.mark.parametrize(
    ("says", "why"),
    [(SSHD, "sshd -T"), (PASSWORDS, "/etc/shadow"), (FIREWALL, "nft -j list ruleset")],
    ids=["sshd", "passwords", "firewall"],
)
def test_what_an_unprivileged_login_may_not_see_is_unknown(
    lab: Lab, host: LabHost, says: dict[str, object], why: str
) -> None:
    with (
        reaching(lab, host, name=HOST, sudo=False) as way,
        pytest.raises(CannotLookError, match=why) as failure,
    ):
        problems(way, says)
    assert "sudo: true" in failure.value.hint


@pytest.mark.parametrize(
    ("says", "program"), [(SSHD, "/usr/sbin/sshd"), (FIREWALL, "/usr/sbin/nft")]
)
def test_missing_program_is_unknown(
    way: Connections, host: LabHost, says: dict[str, object], program: str
) -> None:
    host.run(f"mv {program} {program}.off", check=True)
    try:
        with pytest.raises(CannotLookError, match="is not installed"):
            problems(way, says)
    finally:
        host.run(f"mv {program}.off {program}", check=True)

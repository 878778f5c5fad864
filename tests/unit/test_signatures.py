"""Signatures by ssh-keygen: file, agent, expiry, and every byte of the armor."""

from __future__ import annotations

import base64
import os
import signal
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pytest_ddd import signatures
from pytest_ddd.armor import read_signature
from pytest_ddd.errors import CannotLookError, RecordError, UntrustedError, UsageError
from pytest_ddd.evidence.files import NAMESPACE
from pytest_ddd.signatures import fingerprint
from tests.unit.evidence.packages import new_key, trusting

pytestmark = pytest.mark.needs("ssh-keygen")

CONTENT = b"what is signed\n"
NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)


def sign(content: bytes, key: Path) -> bytes:
    return signatures.sign(content, key, NAMESPACE)


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return new_key(tmp_path_factory.mktemp("keys") / "key")


def test_a_trusted_key_is_named(tmp_path: Path, key: Path) -> None:
    trust = trusting(tmp_path / "trusted", key)
    assert trust.signer(CONTENT, sign(CONTENT, key), NAMESPACE, NOW) == "ops1@example.org"


def test_changed_content_is_not_what_was_signed(tmp_path: Path, key: Path) -> None:
    trust = trusting(tmp_path / "trusted", key)
    with pytest.raises(UntrustedError, match="incorrect signature"):
        trust.signer(CONTENT + b"x", sign(CONTENT, key), NAMESPACE, NOW)


def test_a_strange_key_is_not_trusted(tmp_path: Path, key: Path) -> None:
    trust = trusting(tmp_path / "trusted", new_key(tmp_path / "other"))
    with pytest.raises(UntrustedError, match="allowed signers"):
        trust.signer(CONTENT, sign(CONTENT, key), NAMESPACE, NOW)


def test_only_the_identity_that_was_asked_for_counts(tmp_path: Path, key: Path) -> None:
    other = new_key(tmp_path / "other")
    trust = trusting(tmp_path / "trusted", key, other, identity="ops2@example.org")
    with pytest.raises(UntrustedError):
        trust.signer(CONTENT, sign(CONTENT, key), NAMESPACE, NOW)
    assert trust.signer(CONTENT, sign(CONTENT, other), NAMESPACE, NOW) == "ops2@example.org"


@pytest.mark.parametrize(("year", "trusted"), [(2026, True), (2028, False)])
def test_a_key_counts_as_long_as_it_was_valid_when_it_signed(
    tmp_path: Path, key: Path, year: int, trusted: bool
) -> None:
    trust = trusting(tmp_path / "trusted", key, options='valid-before="20270101"')
    at = datetime(year, 6, 1, tzinfo=UTC)
    try:
        found = trust.signer(CONTENT, sign(CONTENT, key), NAMESPACE, at)
    except UntrustedError:
        found = ""
    assert bool(found) is trusted


def hang(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put an ssh-keygen in front that waits for somebody who does not come."""
    slow = place / "ssh-keygen"
    slow.write_text("#!/bin/sh\nexec sleep 60\n")
    slow.chmod(0o755)
    monkeypatch.setenv("PATH", f"{place}:{os.environ['PATH']}")


@pytest.fixture
def agent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    socket = tmp_path / "agent"
    process = subprocess.Popen(
        ["ssh-agent", "-D", "-a", socket], stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    assert process.stdout is not None
    process.stdout.readline()  # it listens now
    monkeypatch.setenv("SSH_AUTH_SOCK", str(socket))
    yield
    process.send_signal(signal.SIGTERM)
    process.wait()
    process.stdout.close()


@pytest.mark.usefixtures("agent")
def test_an_agent_signs_for_a_public_key(tmp_path: Path) -> None:
    own = new_key(tmp_path / "own")
    subprocess.run(["ssh-add", "-q", own], check=True, stderr=subprocess.DEVNULL)
    own.unlink()
    public = own.with_name("own.pub")
    trust = trusting(tmp_path / "trusted", own)
    assert trust.signer(CONTENT, sign(CONTENT, public), NAMESPACE, NOW) == "ops1@example.org"


def test_a_key_that_nobody_holds_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = new_key(tmp_path / "own")
    own.unlink()
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    with pytest.raises(UsageError, match="cannot sign with") as told:
        sign(CONTENT, own.with_name("own.pub"))
    assert "ssh-add" in told.value.hint


def test_a_fingerprint_is_that_of_ssh_keygen(key: Path) -> None:
    listed = subprocess.run(
        ["ssh-keygen", "-l", "-f", key], capture_output=True, text=True, check=True
    )
    assert fingerprint(key) == listed.stdout.split()[1]
    assert read_signature(sign(CONTENT, key)).fingerprint == fingerprint(key)


@pytest.mark.parametrize("content", [None, "no key\n"])
def test_what_is_no_key_is_a_mistake_of_the_user(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / "key").write_text(content)
    with pytest.raises(UsageError, match="--ddd-sign") as told:
        fingerprint(tmp_path / "key")
    assert "ssh-keygen -t ed25519" in told.value.hint


def test_changed_bytes_of_the_armor_are_seen(tmp_path: Path, key: Path) -> None:
    """ssh-keygen itself takes some of these for the same signature."""
    armor, trust = sign(CONTENT, key), trusting(tmp_path / "trusted", key)
    unseen = []
    for at in range(0, len(armor), 5):
        changed = armor[:at] + bytes([armor[at] ^ 1]) + armor[at + 1 :]
        try:
            read_signature(changed)
            trust.signer(CONTENT, changed, NAMESPACE, NOW)
            unseen.append(at)
        except (RecordError, UntrustedError):
            continue
    assert unseen == []


@pytest.mark.parametrize("extra", [b"\n", b" ", b"x", b"\r\n"])
def test_bytes_around_the_armor_are_seen(key: Path, extra: bytes) -> None:
    armor = sign(CONTENT, key)
    for changed in (armor + extra, extra + armor, armor.replace(b"\n", extra + b"\n", 1)):
        with pytest.raises(RecordError):
            read_signature(changed)


@pytest.mark.parametrize("blob", [b"", b"SSHSIG", b"SSHSIG\0\0\0\1\0\0\0\xff", b"\xa7" * 100])
def test_a_blob_that_is_no_signature_is_refused(blob: bytes) -> None:
    text = base64.b64encode(blob)
    lines = [text[at : at + 70] for at in range(0, len(text), 70)]
    begin, end = b"-----BEGIN SSH SIGNATURE-----", b"-----END SSH SIGNATURE-----"
    with pytest.raises(RecordError):
        read_signature(b"\n".join((begin, *lines, end, b"")))


def test_without_ssh_keygen_it_says_what_to_install(
    tmp_path: Path, key: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(CannotLookError, match="not installed") as told:
        sign(CONTENT, key)
    assert "openssh-client" in told.value.hint


def test_without_ssh_keygen_a_key_to_sign_with_is_a_mistake_of_the_user(
    tmp_path: Path, key: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UsageError, match="--ddd-sign: ssh-keygen is not installed"):
        fingerprint(key)


def test_verifying_that_never_ends_is_told(
    tmp_path: Path, key: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    armor, trust = sign(CONTENT, key), trusting(tmp_path / "trusted", key)
    hang(tmp_path, monkeypatch)
    monkeypatch.setattr(signatures, "_ASK_TIMEOUT_S", 0.2)
    with pytest.raises(CannotLookError, match="did not end within"):
        trust.signer(CONTENT, armor, NAMESPACE, NOW)


def test_signing_that_never_ends_is_told(
    tmp_path: Path, key: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hang(tmp_path, monkeypatch)
    monkeypatch.setattr(signatures, "_SIGN_TIMEOUT_S", 0.2)
    with pytest.raises(UsageError, match="took longer than"):
        sign(CONTENT, key)

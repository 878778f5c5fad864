"""SSH signatures, made and verified by `ssh-keygen -Y`."""

from __future__ import annotations

import json
import os
import re
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from pytest_ddd.armor import read_signature
from pytest_ddd.errors import CannotLookError, UntrustedError, UsageError
from pytest_ddd.plain import Json

_GOOD = re.compile(r'Good "[^"]*" signature with \S+ key (SHA256:[A-Za-z0-9+/]{43})')

_SIGN_TIMEOUT_S = 120.0
"""A person may have to touch a key or type its passphrase."""

_ASK_TIMEOUT_S = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Signed:
    """Whose key signed a text; of a signature that does not fit, what is wrong with it."""

    fingerprint: str = ""
    problem: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trust:
    """Whom somebody trusts: a file of `allowed_signers`, and perhaps one identity of it."""

    allowed_signers: Path
    identity: str = ""

    def signer(self, message: bytes, signature: bytes, namespace: str, at: datetime) -> str:
        """Return which trusted identity signed a message.

        Args:
            message: what was signed.
            signature: its armor.
            namespace: what the signature has to be for.
            at: when it was signed; a key that had expired by then is not trusted.

        Raises:
            UntrustedError: nobody who is trusted did; it says what ssh-keygen said.
            CannotLookError: there is no ssh-keygen.
        """
        moment = f"verify-time={at.astimezone(UTC):%Y%m%d%H%M%S}"
        with tempfile.NamedTemporaryFile(suffix=".sig") as file:
            file.write(signature)
            file.flush()
            common = ["-s", file.name, "-f", str(self.allowed_signers), "-O", moment]
            identity = self.identity or _first_principal(common)
            words = ["-Y", "verify", "-I", identity, "-n", namespace, *common]
            done = _ask(words, message)
        if done.returncode != 0:
            raise UntrustedError(_said(done))
        return identity


def canonical(content: Mapping[str, Json]) -> bytes:
    """Return the bytes that are signed: JSON with sorted keys and no blanks."""
    return json.dumps(
        content, sort_keys=True, ensure_ascii=False, allow_nan=False, separators=(",", ":")
    ).encode()


def sign(message: bytes, key: Path, namespace: str) -> bytes:
    """Return the armored signature of a message.

    Args:
        message: what is signed.
        key: a private key, the handle of a hardware key, or a public key whose other half an
            agent holds.
        namespace: what the signature is for: it counts for nothing else.

    Raises:
        UsageError: ssh-keygen cannot sign with that key.
        CannotLookError: there is no ssh-keygen.
    """
    words = ["-Y", "sign", "-q", "-f", str(key), "-n", namespace]
    try:
        done = _keygen(words, message, _SIGN_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        raise UsageError(
            f"signing with {key} took longer than {_SIGN_TIMEOUT_S:.0f} s",
            hint="load the key into an agent: ssh-add KEY",
        ) from None
    if done.returncode != 0:
        raise UsageError(
            f"cannot sign with {key}: {_said(done)}",
            hint=f"ssh-add {key}, or ssh-add -l to see what the agent holds",
        )
    read_signature(done.stdout)
    return done.stdout


def public_half(key: Path) -> str:
    """Return the public line of a key: `ssh-ed25519 AAAA…`.

    Raises:
        UsageError: there is no such key.
    """
    for file in (key, key.with_name(f"{key.name}.pub")):
        try:
            text = file.read_text(errors="replace").strip()
        except OSError:
            continue
        if text.startswith(("ssh-", "ecdsa-", "sk-")):
            return text
    done = _ask(["-y", "-P", "", "-f", str(key)])
    if done.returncode != 0:
        raise UsageError(
            f"{key}: its public half is not to be found: {_said(done)}",
            hint=f"put it beside it: ssh-keygen -y -f {key} >{key}.pub",
        )
    return done.stdout.decode().strip()


def fingerprint(key: Path, option: str = "--ddd-sign") -> str:
    """Return the fingerprint of a key, of its public half or of one that an agent holds.

    Raises:
        UsageError: there is no such key, or no ssh-keygen; it names the option that asks for it.
    """
    hint = "make one: ssh-keygen -t ed25519 -f KEY"
    if not key.is_file():
        raise UsageError(f"{option}: no key {key}", hint=hint)
    try:
        done = _ask(["-l", "-f", str(key)])
    except CannotLookError as failure:
        raise UsageError(f"{option}: {failure.message}", hint=failure.hint) from None
    words = done.stdout.split()
    if done.returncode != 0 or len(words) < 2:
        raise UsageError(f"{option}: {key} is no SSH key: {_said(done)}", hint=hint)
    return words[1].decode(errors="replace")


def signed_by(message: bytes, signature: bytes, namespace: str) -> Signed:
    """Return whose key signed the message; who holds the key is for the caller to know.

    Raises:
        CannotLookError: there is no ssh-keygen.
    """
    with tempfile.NamedTemporaryFile(suffix=".sig") as file:
        file.write(signature)
        file.flush()
        done = _ask(["-Y", "check-novalidate", "-n", namespace, "-s", file.name], message)
    good = _GOOD.search(done.stdout.decode(errors="replace"))
    if done.returncode != 0 or good is None:
        return Signed(problem="its signature does not fit what it says")
    return Signed(fingerprint=good[1])


def _first_principal(common: Sequence[str]) -> str:
    done = _ask(["-Y", "find-principals", *common])
    names = done.stdout.decode(errors="replace").splitlines()
    if done.returncode != 0 or not names:
        raise UntrustedError("its key is not in the file of allowed signers, or had expired")
    return names[0].split(",")[0]


def _ask(words: Sequence[str], message: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    try:
        return _keygen(words, message, _ASK_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        raise CannotLookError(f"ssh-keygen did not end within {_ASK_TIMEOUT_S:.0f} s") from None


def _keygen(
    words: Sequence[str], message: bytes, timeout_s: float
) -> subprocess.CompletedProcess[bytes]:
    """Run ssh-keygen; it speaks English, and reads times without a zone as UTC."""
    try:
        return subprocess.run(
            ["ssh-keygen", *words],
            input=message,
            capture_output=True,
            env={**os.environ, "TZ": "UTC", "LC_ALL": "C"},
            timeout=timeout_s,
            check=False,
        )
    except FileNotFoundError:
        raise CannotLookError(
            "ssh-keygen is not installed", hint="apt-get install openssh-client"
        ) from None


def _said(done: subprocess.CompletedProcess[bytes]) -> str:
    lines = (done.stderr or done.stdout).decode(errors="replace").split("\n")
    said = "; ".join(line.strip() for line in lines if line.strip())
    return said or f"exit status {done.returncode}"

"""Signs packages with an SSH key, and says whose signature one is."""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
import struct
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from pytest_ddd.errors import RecordError, UsageError

NAMESPACE = "pytest-ddd-evidence"
"""What a signature is for: one that was made for a mail or a commit is not valid here."""

_BEGIN, _END = b"-----BEGIN SSH SIGNATURE-----\n", b"-----END SSH SIGNATURE-----\n"
_MAGIC = b"SSHSIG"
_COLUMNS = 70
_HASHES = (b"sha256", b"sha512")

_SIGN_TIMEOUT_S = 120.0
"""A person may have to touch a key or type its passphrase."""

_ASK_TIMEOUT_S = 30.0
_NO_PROGRAM = "apt-get install openssh-client"


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """What a signature says of itself; nothing of it is verified yet."""

    fingerprint: str
    kind: str
    namespace: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Trust:
    """Whom the verifier trusts: a file of `allowed_signers`, and perhaps one identity of it."""

    allowed_signers: Path
    identity: str = ""

    def signer(self, content: bytes, armor: bytes, at: datetime) -> str:
        """Return which trusted identity signed the content.

        Args:
            content: what was signed.
            armor: the signature.
            at: when it was signed; a key that had expired by then is not trusted.

        Raises:
            UntrustedError: nobody who is trusted did.
        """
        moment = f"verify-time={at.astimezone(UTC):%Y%m%d%H%M%S}"
        with tempfile.TemporaryDirectory() as place:
            file = Path(place, "signature")
            file.write_bytes(armor)
            common = ["-s", str(file), "-f", str(self.allowed_signers), "-O", moment]
            identity = self.identity or _first_principal(common)
            words = ["-Y", "verify", "-I", identity, "-n", NAMESPACE, *common]
            done = _ask(words, content)
        if done.returncode != 0:
            raise UntrustedError(_said(done) or "the signature does not match")
        return identity


class UntrustedError(Exception):
    """No trusted identity signed this; the text says what ssh-keygen said."""


def fingerprint(key: Path) -> str:
    """Return the fingerprint of a key, of its public half or of one that an agent holds.

    Raises:
        UsageError: there is no such key.
    """
    hint = "make one: ssh-keygen -t ed25519 -f KEY"
    if not key.is_file():
        raise UsageError(f"--ddd-sign: no key {key}", hint=hint)
    done = _ask(["-l", "-f", str(key)])
    words = done.stdout.split()
    if done.returncode != 0 or len(words) < 2:
        raise UsageError(f"--ddd-sign: {key} is no SSH key: {_said(done)}", hint=hint)
    return words[1].decode(errors="replace")


def sign(content: bytes, key: Path) -> bytes:
    """Return the signature of some bytes.

    Args:
        content: what is signed.
        key: a private key, the handle of a hardware key, or a public key whose other half an
            agent holds.

    Raises:
        RecordError: ssh-keygen could not sign.
    """
    try:
        done = _ask(["-Y", "sign", "-f", str(key), "-n", NAMESPACE], content, _SIGN_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        message = f"signing with {key} took longer than {_SIGN_TIMEOUT_S:.0f} s"
        raise RecordError(message, hint="load the key into an agent: ssh-add KEY") from None
    if done.returncode != 0:
        message = f"cannot sign with {key}: {_said(done)}"
        raise RecordError(message, hint=f"ssh-add {key}, or ssh-add -l to see what the agent holds")
    read_signature(done.stdout)
    return done.stdout


def read_signature(armor: bytes) -> Signature:
    """Return what a signature says of itself, if its armor is exactly as ssh-keygen writes it.

    ssh-keygen itself passes over some changed bytes: line breaks, padding, a reserved field.

    Raises:
        RecordError: a byte of it is not as ssh-keygen writes it.
    """
    body = armor.removeprefix(_BEGIN).removesuffix(_END)
    try:
        blob = base64.b64decode(body.replace(b"\n", b""), validate=True)
    except binascii.Error:
        blob = b""
    if armor != _armored(blob):
        raise RecordError("not a signature in the form in which ssh-keygen writes it")
    return _read_blob(blob)


def _armored(blob: bytes) -> bytes:
    text = base64.b64encode(blob)
    lines = [text[at : at + _COLUMNS] + b"\n" for at in range(0, len(text), _COLUMNS)]
    return b"".join((_BEGIN, *lines, _END))


def _read_blob(blob: bytes) -> Signature:
    """Read a blob as `PROTOCOL.sshsig` of OpenSSH describes it."""
    head = _MAGIC + struct.pack(">I", 1)
    key, namespace, reserved, algorithm, made, rest = _strings(blob.removeprefix(head), 5)
    wrong = not blob.startswith(head) or reserved or rest or algorithm not in _HASHES or not made
    if wrong:
        raise RecordError("not a signature in the form in which ssh-keygen writes it")
    text = base64.b64encode(hashlib.sha256(key).digest()).rstrip(b"=").decode()
    return Signature(
        fingerprint=f"SHA256:{text}",
        kind=_strings(key, 1)[0].decode(errors="replace"),
        namespace=namespace.decode(errors="replace"),
    )


def _strings(data: bytes, count: int) -> Sequence[bytes]:
    """Return so many length-prefixed strings, and what follows them."""
    found = []
    for _ in range(count):
        if len(data) < 4:
            raise RecordError("a signature that is cut")
        (length,) = struct.unpack(">I", data[:4])
        if length > len(data) - 4:
            raise RecordError("a signature that is cut")
        found.append(data[4 : 4 + length])
        data = data[4 + length :]
    return [*found, data]


def _first_principal(common: Sequence[str]) -> str:
    done = _ask(["-Y", "find-principals", *common])
    names = done.stdout.decode(errors="replace").splitlines()
    if done.returncode != 0 or not names:
        raise UntrustedError("its key is not in the file of allowed signers, or had expired")
    return names[0].split(",")[0]


def _ask(
    words: Sequence[str], content: bytes = b"", timeout_s: float = _ASK_TIMEOUT_S
) -> subprocess.CompletedProcess[bytes]:
    environment = {**os.environ, "TZ": "UTC", "LC_ALL": "C"}
    try:
        return subprocess.run(
            ["ssh-keygen", *words],
            input=content,
            capture_output=True,
            env=environment,
            timeout=timeout_s,
            check=False,
        )
    except FileNotFoundError:
        raise RecordError("ssh-keygen is not installed", hint=_NO_PROGRAM) from None


def _said(done: subprocess.CompletedProcess[bytes]) -> str:
    lines = (done.stderr or done.stdout).decode(errors="replace").split("\n")
    return "; ".join(line.strip() for line in lines if line.strip())

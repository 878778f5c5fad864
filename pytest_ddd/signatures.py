"""SSH signatures over small texts, made and read by `ssh-keygen -Y`."""

from __future__ import annotations

import json
import re
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pytest_ddd.errors import CannotLookError, UsageError
from pytest_ddd.plain import Json

_GOOD = re.compile(r'Good "[^"]*" signature with \S+ key (SHA256:[A-Za-z0-9+/]{43})')
_TIMEOUT_S = 60.0
"""Long enough to touch a hardware key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Signed:
    """Whose key signed a text; of a signature that does not fit, what is wrong with it."""

    fingerprint: str = ""
    problem: str = ""


def canonical(content: Mapping[str, Json]) -> bytes:
    """Return the bytes that are signed: JSON with sorted keys and no blanks."""
    return json.dumps(
        content, sort_keys=True, ensure_ascii=False, allow_nan=False, separators=(",", ":")
    ).encode()


def sign(message: bytes, key: Path, namespace: str) -> str:
    """Return the armored signature by a key: a private one, or a public one that an agent holds.

    Raises:
        UsageError: ssh-keygen cannot sign with that key.
    """
    done = _keygen(["-Y", "sign", "-q", "-f", str(key), "-n", namespace], message)
    if done.returncode != 0:
        raise UsageError(
            f"cannot sign with {key}: {_said(done)}", hint=f"look at the key: ssh-keygen -lf {key}"
        )
    return done.stdout.decode()


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
    done = _keygen(["-y", "-P", "", "-f", str(key)], b"")
    if done.returncode != 0:
        raise UsageError(
            f"{key}: its public half is not to be found: {_said(done)}",
            hint=f"put it beside it: ssh-keygen -y -f {key} >{key}.pub",
        )
    return done.stdout.decode().strip()


def fingerprint(key: Path) -> str:
    """Return the fingerprint of a key; nothing when there is no such key."""
    done = _keygen(["-l", "-f", str(key)], b"")
    words = done.stdout.decode(errors="replace").split()
    return words[1] if done.returncode == 0 and len(words) > 1 else ""


def signed_by(message: bytes, signature: str, namespace: str) -> Signed:
    """Return whose key signed the message; who holds the key is for the caller to know.

    Raises:
        CannotLookError: there is no ssh-keygen.
    """
    with tempfile.NamedTemporaryFile("w", suffix=".sig") as file:
        file.write(signature)
        file.flush()
        done = _keygen(["-Y", "check-novalidate", "-n", namespace, "-s", file.name], message)
    good = _GOOD.search(done.stdout.decode(errors="replace"))
    if done.returncode != 0 or good is None:
        return Signed(problem="its signature does not fit what it says")
    return Signed(fingerprint=good[1])


def not_vouched(
    message: bytes, signature: str, namespace: str, *, principal: str, signers: Path
) -> str:
    """Return why a file of allowed signers does not vouch for a signature; nothing when it does.

    Raises:
        CannotLookError: there is no ssh-keygen.
    """
    with tempfile.NamedTemporaryFile("w", suffix=".sig") as file:
        file.write(signature)
        file.flush()
        words = ["-Y", "verify", "-f", str(signers), "-I", principal, "-n", namespace]
        done = _keygen([*words, "-s", file.name], message)
    if done.returncode == 0:
        return ""
    return f"{signers} does not vouch for its signature by {principal}: {_said(done)}"


def _keygen(words: Sequence[str], message: bytes) -> subprocess.CompletedProcess[bytes]:
    try:
        return subprocess.run(
            ["ssh-keygen", *words],
            input=message,
            capture_output=True,
            timeout=_TIMEOUT_S,
            check=False,
        )
    except FileNotFoundError:
        raise CannotLookError(
            "ssh-keygen is not installed", hint="apt-get install openssh-client"
        ) from None
    except subprocess.TimeoutExpired:
        raise CannotLookError(f"ssh-keygen did not end within {_TIMEOUT_S:.0f} s") from None


def _said(done: subprocess.CompletedProcess[bytes]) -> str:
    lines = done.stderr.decode(errors="replace").strip().splitlines()
    return lines[-1] if lines else f"exit status {done.returncode}"

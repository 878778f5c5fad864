"""SSH keys of people who sign."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Key:
    """A private key, its public line and its fingerprint."""

    path: Path
    public: str
    fingerprint: str


def make_key(path: Path) -> Key:
    """Make a key without a passphrase."""
    subprocess.run(
        ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", str(path)], check=True
    )
    public = path.with_suffix(".pub")
    said = subprocess.run(
        ["ssh-keygen", "-lf", str(public)], check=True, capture_output=True, text=True
    )
    return Key(path=path, public=public.read_text().strip(), fingerprint=said.stdout.split()[1])

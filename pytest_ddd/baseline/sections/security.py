"""Security settings that must be in force: sshd, passwords, TLS, the firewall."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, model_validator

from pytest_ddd.baseline.fields import Duration, Entry, Text, Whole

_ONLY_FOR = {
    "settings": "sshd",
    "forbidden": "sshd",
    "match": "sshd",
    "max_age": "passwords",
    "min_length": "passwords",
    "hashes": "passwords",
    "address": "tls",
    "server_name": "tls",
    "minimum": "tls",
    "rsa_bits": "tls",
    "ca": "tls",
    "deadline": "tls",
    "policy": "firewall",
    "open": "firewall",
}
"""Keys that other kinds would pass over, so that less is looked at than the baseline says."""


def _yes_or_no(value: object) -> object:
    """Take `true` for sshd's `yes`; a number for its digits."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value) if isinstance(value, int) else value


Setting = Annotated[str | list[str], BeforeValidator(_yes_or_no)]
"""A value, a condition (`<=4`), or the list of values that may occur."""


Hash = Literal["yescrypt", "gost-yescrypt", "sha512", "sha256", "bcrypt", "scrypt"]


class Safeguard(Entry):
    """One thing that protects. Lives in the environment (tls) or on the hosts of `applies_to`."""

    kind: Literal["sshd", "passwords", "tls", "firewall"]
    settings: dict[str, Setting] = Field(default_factory=dict)
    """sshd: keyword -> what `sshd -T` must say."""
    forbidden: dict[str, list[Text]] = Field(default_factory=dict)
    """sshd: keyword -> globs of values that may not occur: `ciphers: ["*-cbc"]`."""
    match: dict[Literal["user", "host", "addr"], Text] = Field(default_factory=dict)
    """sshd: for whom; `Match` blocks may say something else to others."""
    max_age: Duration | None = None
    """passwords: after which a password has to be changed."""
    min_length: Annotated[Whole, Field(ge=1, le=128)] | None = None
    hashes: list[Hash] = Field(
        default=["yescrypt", "gost-yescrypt", "sha512", "bcrypt", "scrypt"], min_length=1
    )
    """passwords: how they may be stored."""
    address: str = ""
    """tls: `name:port`; with applies_to `{address}:443`."""
    server_name: str = ""
    """The name that the certificate has to have."""
    minimum: Literal["TLSv1.2", "TLSv1.3"] = "TLSv1.2"
    """tls: the oldest version that the server may speak."""
    rsa_bits: Annotated[Whole, Field(ge=1024)] = 2048
    """Shorter keys are RED."""
    ca: Path | None = None
    deadline: Duration = 10.0
    """For the whole look."""
    policy: Literal["drop"] = "drop"
    """firewall: what happens to a packet that no rule accepts."""
    open: list[str] | None = None
    """firewall: ports that may be reached, and no other: `tcp:22`."""

    @model_validator(mode="after")
    def _complete(self) -> Safeguard:
        for name, kind in _ONLY_FOR.items():
            if name in self.model_fields_set and kind != self.kind:
                raise ValueError(f"{name} has no meaning for {self.kind} (only {kind})")
        if self.kind == "sshd" and not (self.settings or self.forbidden):
            raise ValueError("sshd needs settings or forbidden: without one nothing can turn red")
        if self.kind == "tls":
            name, _, port = self.address.rpartition(":")
            if not name or not port.isdigit() or not 0 < int(port) < 65536:
                raise ValueError('tls needs an address: write "shop.example.org:443"')
        elif not self.applies_to:
            raise ValueError(f"{self.kind} needs applies_to: which hosts? (all = every host)")
        return self

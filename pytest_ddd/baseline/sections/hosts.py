"""Hosts, their groups and how to reach them."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, ClassVar

from pydantic import AfterValidator, Field

from pytest_ddd.baseline.fields import Duration, Model, Secret

KINDS = (
    "ssh",
    "local",
    "docker",
    "podman",
    "kubectl",
    "ansible",
    "chroot",
    "lxc",
    "openshift",
    "paramiko",
    "safe-ssh",
    "salt",
    "winrm",
)
"""Kinds of connection: ours, then those that keep testinfra's own backend."""


_KEY = ': write it into the connection: "ssh://USER@HOST?ssh_identity_file=PATH"'
_PART = ': it is a part of `connection: "ssh://USER@HOST:PORT"`'


def _reachable(hostspec: str) -> str:
    kind, separator, rest = hostspec.partition("://")
    if not separator:
        raise ValueError(f"not a hostspec: write ssh://{hostspec or 'ops@10.0.0.1'} or local://")
    if kind not in KINDS:
        near = difflib.get_close_matches(kind, KINDS, n=1)
        known = f"did you mean {near[0]}://?" if near else f"known: {', '.join(KINDS)}"
        raise ValueError(f"unknown kind of connection {kind!r} ({known})")
    address = rest.partition("?")[0].rpartition("@")[2]
    if kind not in ("local", "ansible") and not address:
        raise ValueError(f"a hostspec needs an address: write {kind}://NAME")
    if address.startswith("-") or rest.startswith("-"):
        raise ValueError("an address may not begin with a dash: ssh takes it for an option")
    return hostspec


Hostspec = Annotated[str, AfterValidator(_reachable)]
"""A way to a host, as testinfra writes it."""


class Host(Model):
    """One machine. `set` overrides sections for this host only and is resolved by the loader."""

    elsewhere: ClassVar[Mapping[str, str]] = {
        **dict.fromkeys(("key", "key_file", "identity", "identity_file", "private_key"), _KEY),
        **dict.fromkeys(("user", "username", "port", "address", "host", "hostname", "ip"), _PART),
        **dict.fromkeys(("password", "pass"), ": ssh takes keys here: ssh-copy-id USER@HOST"),
        **dict.fromkeys(("become", "root"), ": write `sudo: true`"),
    }
    """Where that belongs for which people look for a key of its own."""

    connection: Hostspec
    """A hostspec: ssh://user@name:port, local://, docker://, podman://, kubectl://, …"""
    groups: list[str] = Field(default_factory=list)
    """The groups that it is in."""
    description: str = ""
    sudo: bool = False
    """Read as root."""
    sudo_user: str = ""
    """Read as this account instead of root."""
    sudo_password: Secret | None = None
    """What sudo asks for, if it asks."""
    ssh_config: Path | None = None
    """A file for `ssh -F`; your own settings count without it."""
    connect_timeout: Duration = 10.0
    """So long is waited for a connection, once a run."""
    command_timeout: Duration = 30.0
    """A command that takes longer is killed."""
    set: dict[str, object] = Field(default_factory=dict)
    """Values of sections that hold for this host only."""


class Group(Model):
    """A named set of hosts; a host joins by naming the group. `set` as for a host."""

    description: str = ""
    set: dict[str, object] = Field(default_factory=dict)
    """Values of sections that hold for these hosts only."""

"""Hosts, their groups and how to reach them."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from pytest_ddd.baseline.fields import Duration, Model, Secret


class Host(Model):
    """One machine. `set` overrides sections for this host only and is resolved by the loader."""

    connection: str = "local://"
    """A hostspec: ssh://user@name:port, local://, docker://, podman://, kubectl://, …"""
    groups: list[str] = Field(default_factory=list)
    description: str = ""
    sudo: bool = False
    sudo_user: str = ""
    sudo_password: Secret | None = None
    ssh_config: Path | None = None
    connect_timeout: Duration = 10.0
    command_timeout: Duration = 30.0
    set: dict[str, object] = Field(default_factory=dict)


class Group(Model):
    """A named set of hosts; a host joins by naming the group. `set` as for a host."""

    description: str = ""
    set: dict[str, object] = Field(default_factory=dict)

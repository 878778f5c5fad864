"""Packages, services, files and kernel settings as they should be."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from pytest_ddd.baseline.fields import Entry, Model, Pattern, Whole


def _mode(value: object) -> object:
    """Accept `"0644"` only: YAML 1.1 reads a bare 0644 as the number 420."""
    if isinstance(value, str) and value.strip("01234567") == "" and 3 <= len(value) <= 5:
        return value.zfill(4)
    raise ValueError('not a file mode: write "0644", in quotes')


def _version(value: object) -> object:
    """Accept a text only: YAML reads 1.10 as the number 1.1."""
    if isinstance(value, str):
        return value
    raise ValueError("write a version in quotes: YAML reads 1.10 as 1.1")


def _sha256(text: str) -> str:
    if not re.fullmatch("[0-9a-f]{64}", text):
        raise ValueError("not a SHA-256: 64 digits and letters a to f, as sha256sum prints them")
    return text


Sha256 = Annotated[str, AfterValidator(_sha256)]
Mode = Annotated[str, BeforeValidator(_mode)]
Version = Annotated[str, BeforeValidator(_version)]
Severity = Literal["red", "yellow"]


class Package(Entry):
    """A package that is installed (or absent); `version` is exact or a glob such as `1.22.*`."""

    installed: bool = True
    """`false`: it must not be there."""
    version: Version | None = None
    """Exact, or a glob such as `1.22.*`."""


class Service(Entry):
    """A service as systemd (or the host's own init) knows it."""

    running: bool = True
    """Whether it runs."""
    enabled: bool | None = True
    """Whether it starts at boot."""
    responds: str = ""
    """`tcp:443` or `udp:53` or a command: a service can be active and answer nobody."""


class File(Entry):
    """A file, directory or link."""

    state: Literal["file", "directory", "symlink", "absent"] = "file"
    """What is there."""
    owner: str | None = None
    group: str | None = None
    mode: Mode | None = None
    """Such as `"0644"`, in quotes."""
    sha256: Sha256 | None = None
    """Digest of its content."""
    content: str | None = None
    """The whole expected text; the difference is shown as a unified diff."""
    contains: list[Pattern] = Field(default_factory=list)
    """Patterns that some line has to match."""
    lacks: list[Pattern] = Field(default_factory=list)
    """Patterns that no line may match."""
    target: str | None = None
    """Where a symlink points."""


class Sysctl(Entry):
    """A kernel setting."""

    value: str | Whole


class User(Entry):
    """An account."""

    exists: bool = True
    uid: Whole | None = None
    gid: Whole | None = None
    shell: str | None = None
    home: str | None = None
    groups: list[str] | None = None


class UserGroup(Entry):
    """A group of accounts."""

    exists: bool = True
    gid: Whole | None = None
    members: list[str] | None = None


class Listener(Entry):
    """A listening socket, keyed `tcp:443`, `tcp:127.0.0.1:5432` or `udp:53`."""

    listening: bool = True
    """`false`: nothing may listen there."""


class Mount(Entry):
    """A mount point."""

    device: str | None = None
    filesystem: str | None = None
    options: list[str] = Field(default_factory=list)


class Cron(Entry):
    """A line of a crontab, keyed by any name."""

    user: str = "root"
    """Whose crontab; `system` for /etc/crontab and /etc/cron.d."""
    schedule: str
    """The five fields."""
    command: str


class Unlisted(Entry):
    """What is said about things that are there and not in the baseline; absent = not looked for."""

    listeners: Severity | None = None
    users: Severity | None = None
    setuid: Severity | None = None
    """Files with the setuid or setgid bit below `setuid_paths` that `setuid_files` leaves out."""
    setuid_paths: list[str] = Field(default_factory=lambda: ["/usr", "/opt", "/bin", "/sbin"])
    setuid_files: list[str] = Field(default_factory=list)
    packages: Severity | None = None
    services: Severity | None = None


class Configuration(Model):
    """The expected configuration. Lives on every host.

    `configuration` is a mapping of kinds, each a mapping by name; `services.nginx` is the entry
    `service:nginx`.
    """

    packages: dict[str, Package] = Field(default_factory=dict)
    services: dict[str, Service] = Field(default_factory=dict)
    files: dict[str, File] = Field(default_factory=dict)
    sysctl: dict[str, Sysctl] = Field(default_factory=dict)
    users: dict[str, User] = Field(default_factory=dict)
    groups: dict[str, UserGroup] = Field(default_factory=dict)
    listeners: dict[str, Listener] = Field(default_factory=dict)
    mounts: dict[str, Mount] = Field(default_factory=dict)
    cron: dict[str, Cron] = Field(default_factory=dict)
    unlisted: Unlisted = Unlisted()


KINDS = {
    "packages": "package",
    "services": "service",
    "files": "file",
    "sysctl": "sysctl",
    "users": "user",
    "groups": "group",
    "listeners": "listener",
    "mounts": "mount",
    "cron": "cron",
}
"""Key of the mapping -> first part of the entry's name."""

"""Read a hostspec such as `ssh://ops@10.0.0.1:22?sudo=true` into a `ConnectionSpec`."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, unquote, urlsplit

from pytest_ddd.baseline.sections.hosts import KINDS
from pytest_ddd.errors import UsageError
from pytest_ddd.units import parse_duration

SESSION_KINDS = ("ssh", "local", "docker", "podman", "kubectl")
"""Kinds that run over a session of ours."""

OTHER_KINDS = tuple(kind for kind in KINDS if kind not in SESSION_KINDS)
"""Kinds that keep testinfra's own backend."""


_ACCOUNT = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*\$?")
"""What useradd allows; it is put into a remote command line without quotes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionSpec:
    """How to reach one host of the inventory.

    `name` is the inventory name, `hostspec` what the user wrote, `address` the host, container
    or pod. `sudo_password` returns the password when it is needed and is called at most once.
    """

    name: str
    kind: str
    hostspec: str
    address: str = ""
    user: str = ""
    port: int | None = None
    ssh_config: str = ""
    identity_file: str = ""
    namespace: str = ""
    container: str = ""
    context: str = ""
    kubeconfig: str = ""
    connect_timeout_s: float = 10.0
    command_timeout_s: float = 30.0
    sudo: bool = False
    sudo_user: str = ""
    sudo_password: Callable[[], str] | None = field(default=None, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.sudo_user and not _ACCOUNT.fullmatch(self.sudo_user):
            raise UsageError(f"{self.name}: {self.sudo_user!r} is no account for sudo")

    @property
    def has_session(self) -> bool:
        """Whether commands run over a session of ours, not over testinfra's own backend."""
        return self.kind in SESSION_KINDS

    @property
    def destination(self) -> str:
        """User and address as ssh takes them: `ops@10.0.0.1`."""
        return f"{self.user}@{self.address}" if self.user else self.address

    @property
    def label(self) -> str:
        """Name and hostspec for messages: `web1 (ssh://ops@10.0.0.1)`."""
        return self.name if self.name == self.hostspec else f"{self.name} ({self.hostspec})"


_SUDO = ("sudo", "sudo_user")
_TIMES = ("timeout", "connect_timeout", "command_timeout")
_KEYS: Mapping[str, tuple[str, ...]] = {
    "ssh": (*_SUDO, *_TIMES, "ssh_config", "ssh_identity_file"),
    "local": (*_SUDO, "command_timeout"),
    "docker": (*_SUDO, *_TIMES),
    "podman": (*_SUDO, *_TIMES),
    "kubectl": (*_SUDO, *_TIMES, "namespace", "container", "context", "kubeconfig"),
}
_FIELDS = {
    "timeout": "connect_timeout_s",
    "connect_timeout": "connect_timeout_s",
    "command_timeout": "command_timeout_s",
    "ssh_identity_file": "identity_file",
}


def parse_hostspec(hostspec: str, *, name: str = "") -> ConnectionSpec:
    """Return the connection that a hostspec describes; a bare `user@host` means ssh.

    Raises:
        UsageError: unknown kind or option, impossible port, missing address.
    """
    text = hostspec if "://" in hostspec else f"ssh://{hostspec}"
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError as error:
        raise UsageError(f"{hostspec}: {error}", hint="write ssh://user@host:22") from error
    kind = parts.scheme
    if kind in OTHER_KINDS:
        return ConnectionSpec(name=name or hostspec, kind=kind, hostspec=hostspec)
    if kind not in SESSION_KINDS:
        nearest = _nearest(kind, (*SESSION_KINDS, *OTHER_KINDS))
        raise UsageError(
            f"{hostspec}: unknown kind of connection {kind!r}",
            hint=f"write {nearest or 'ssh'}://...; known: {', '.join(SESSION_KINDS)}",
        )
    if parts.password is not None:
        raise UsageError(
            f"{name or parts.hostname}: a hostspec holds no password",
            hint="use a key or an agent: ssh-copy-id USER@HOST",
        )
    address, user = _address(kind, parts.netloc, hostspec)
    fields: dict[str, str | bool | float] = {"address": address, "user": user}
    for key, value in parse_qsl(parts.query, keep_blank_values=True):
        fields[_FIELDS.get(key, key)] = _option(kind, key, value, hostspec)
    if port is not None and kind != "ssh":
        raise UsageError(f"{hostspec}: a port makes sense for ssh only", hint=f"{kind}://NAME")
    return ConnectionSpec(
        name=name or hostspec,
        kind=kind,
        hostspec=hostspec,
        port=port,
        **fields,  # type: ignore[arg-type]  # _option gives each key its type
    )


def _address(kind: str, netloc: str, hostspec: str) -> tuple[str, str]:
    """Return address and user; keeps upper case, which container and pod names may have."""
    user, _, rest = netloc.rpartition("@")
    bracketed = rest.startswith("[")  # an IPv6 address
    address = rest[1:].partition("]")[0] if bracketed else rest.partition(":")[0]
    address, user = unquote(address), unquote(user)
    if kind == "local":
        if address or user:
            raise UsageError(f"{hostspec}: local has no address", hint="write local://")
        return "", ""
    if not address:
        raise UsageError(f"{hostspec}: no address", hint=f"write {kind}://NAME")
    for what in (address, user):
        if what.startswith("-") or any(not char.isprintable() or char.isspace() for char in what):
            raise UsageError(f"{hostspec}: {what!r} cannot be an address or a user")
    if kind == "kubectl" and user:
        raise UsageError(f"{hostspec}: kubectl exec takes no user", hint=f"kubectl://{address}")
    return address, user


def _option(kind: str, key: str, value: str, hostspec: str) -> str | bool | float:
    known = _KEYS[kind]
    if key not in known:
        nearest = _nearest(key, known)
        raise UsageError(
            f"{hostspec}: unknown option {key!r}",
            hint=f"did you mean {nearest}?" if nearest else f"known: {', '.join(known)}",
        )
    if key == "sudo":
        if value.lower() not in ("true", "false"):
            raise UsageError(f"{hostspec}: sudo={value}", hint="write sudo=true or sudo=false")
        return value.lower() == "true"
    if key in _TIMES:
        return _seconds(key, value, hostspec)
    if not value or value.startswith("-"):
        raise UsageError(f"{hostspec}: {key}={value!r} is no usable value")
    return value


def _seconds(key: str, value: str, hostspec: str) -> float:
    try:
        seconds = float(value) if value.replace(".", "", 1).isdigit() else parse_duration(value)
    except ValueError as error:
        raise UsageError(f"{hostspec}: {key}: {error}") from error
    if seconds <= 0:
        raise UsageError(f"{hostspec}: {key} must be more than 0", hint=f"write {key}=10s")
    return seconds


def _nearest(word: str, known: Iterable[str]) -> str:
    return next(iter(difflib.get_close_matches(word, list(known), n=1)), "")

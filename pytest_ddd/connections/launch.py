"""Say which local program opens a connection, and with which arguments."""

from __future__ import annotations

import math
import secrets
from dataclasses import dataclass, field

from pytest_ddd.connections.specs import ConnectionSpec

_SHELL = "/bin/sh"
_KEEPALIVE = ("-o", "ServerAliveInterval=5", "-o", "ServerAliveCountMax=3")
_QUIET = (
    *("-o", "BatchMode=yes"),
    # A master that the user's ssh_config keeps open is used; we never leave one behind.
    *("-o", "ControlMaster=no"),
    # ssh adds further keys of a known host to known_hosts by itself; looking changes nothing.
    *("-o", "UpdateHostKeys=no"),
    *("-o", "RemoteCommand=none", "-o", "ClearAllForwardings=yes", "-o", "PermitLocalCommand=no"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Launch:
    """A program to start; `prompt` is what sudo prints when it wants its password."""

    argv: tuple[str, ...]
    prompt: str = ""


@dataclass(frozen=True, slots=True)
class SudoGate:
    """How a password reaches sudo, and only sudo.

    Sudo asks or does not ask; a password that nobody asked for must not reach a shell that would
    run it. So a loop eats lines until the word `go`, which follows once `ready` was seen.
    """

    prompt: str = field(default_factory=lambda: f"[sudo-{secrets.token_hex(8)}]")

    @property
    def ready(self) -> str:
        """What the far side prints once sudo has let us in."""
        return self.prompt.strip("[]") + "-open"

    def shell_words(self, sudo: tuple[str, ...]) -> str:
        """Return the command line that every login shell understands."""
        words = " ".join((*sudo[:1], "-S", "-p", f"'{self.prompt}'", *sudo[2:]))
        loop = f'echo {self.ready}; until [ "$l" = go ]; do IFS= read -r l || exit 1; done'
        return f"{words} {_SHELL} -c '{loop}; exec {_SHELL}'"


def launch(spec: ConnectionSpec, gate: SudoGate | None = None) -> Launch:
    """Return the program that opens `spec`; `gate` when sudo gets a password."""
    shell: tuple[str, ...] = (_SHELL,)
    if spec.sudo:
        sudo = ("sudo", "-n", *(("-u", spec.sudo_user) if spec.sudo_user else ()))
        shell = (*sudo, _SHELL)
        if gate is not None:
            shell = (_SHELL, "-c", f"exec {gate.shell_words(sudo)}")
    if spec.kind == "ssh":
        return Launch(argv=(*_ssh(spec), _as_line(shell, gate)))
    return Launch(argv=(*_PREFIXES[spec.kind](spec), *shell))


def _as_line(shell: tuple[str, ...], gate: SudoGate | None) -> str:
    """Return the words as ssh sends them: one line for a login shell that may be fish or csh."""
    return shell[2] if gate is not None else " ".join(("exec", *shell))


def ssh_arguments(spec: ConnectionSpec) -> tuple[str, ...]:
    """Return the arguments that say where to, as a person would type them."""
    words: list[str] = []
    for flag, value in (("-F", spec.ssh_config), ("-i", spec.identity_file)):
        words += (flag, value) if value else ()
    words += ("-p", str(spec.port)) if spec.port else ()
    return (*words, spec.destination)


def _ssh(spec: ConnectionSpec) -> tuple[str, ...]:
    *where, destination = ssh_arguments(spec)
    timeout = f"ConnectTimeout={math.ceil(spec.connect_timeout_s)}"
    return ("ssh", "-T", "-x", *_QUIET, *_KEEPALIVE, "-o", timeout, *where, "--", destination)


def _local(_spec: ConnectionSpec) -> tuple[str, ...]:
    return ()


def _engine(spec: ConnectionSpec) -> tuple[str, ...]:
    user = ("-u", spec.user) if spec.user else ()
    return (spec.kind, "exec", "-i", *user, spec.address)


def _kubectl(spec: ConnectionSpec) -> tuple[str, ...]:
    words = ["kubectl"]
    for flag, value in (
        ("--kubeconfig", spec.kubeconfig),
        ("--context", spec.context),
        ("--namespace", spec.namespace),
    ):
        words += (f"{flag}={value}",) if value else ()
    container = (f"--container={spec.container}",) if spec.container else ()
    return (*words, "exec", "-i", spec.address, *container, "--")


_PREFIXES = {
    "local": _local,
    "docker": _engine,
    "podman": _engine,
    "kubectl": _kubectl,
}

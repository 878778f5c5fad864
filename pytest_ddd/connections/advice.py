"""What to type when a host cannot be reached: one function a kind of refusal, all read the same.

Each takes the connection and what the local program said, and returns the hint of the error.
"""

from __future__ import annotations

import os
import re
import shlex

from pytest_ddd.connections.launch import ssh_arguments
from pytest_ddd.connections.specs import ConnectionSpec

_LOST_KEY = re.compile(r"(?:no such identity: |Identity file )(.+?)(?:: No such| not accessible)")


def try_it(spec: ConnectionSpec, _text: str) -> str:
    """Reach the host in the plainest way, with everything told."""
    if spec.kind == "ssh":
        return f"ssh -v {shlex.join(ssh_arguments(spec))} true"
    if spec.kind == "local":
        return "/bin/sh -c true"
    return (
        f"{spec.kind} exec {spec.address}{' --' if spec.kind == 'kubectl' else ''} /bin/sh -c true"
    )


def let_it_speak(spec: ConnectionSpec, text: str) -> str:
    """Show what the login shell says in the place of working."""
    if spec.kind != "ssh":
        return try_it(spec, text)
    return (
        f"ssh {shlex.join(ssh_arguments(spec))} true   # says why: an account without a shell, "
        "or a start-up file that ends"
    )


def _host_and_port(spec: ConnectionSpec) -> tuple[str, str]:
    port = f"-p {spec.port} " if spec.port else ""
    known_as = f"[{spec.address}]:{spec.port}" if spec.port not in (None, 22) else spec.address
    return port, known_as


def key_unknown(spec: ConnectionSpec, _text: str) -> str:
    """Compare the key before it is taken."""
    port, _ = _host_and_port(spec)
    return (
        f"ssh-keyscan {port}{spec.address} | ssh-keygen -lf -   # compare with the host's own "
        "/etc/ssh/ssh_host_*_key.pub, then: "
        f"ssh {shlex.join(ssh_arguments(spec))} true"
    )


def key_changed(spec: ConnectionSpec, text: str) -> str:
    """Repeat ssh's own advice where it gives one: it knows the file and the name."""
    advice = re.search(r"^\s*(ssh-keygen -f .* -R .*?)\s*$", text, re.MULTILINE)
    _, known_as = _host_and_port(spec)
    command = advice[1] if advice else f"ssh-keygen -R {shlex.quote(known_as)}"
    return f"ask who changed the host; only if the new key is right: {command}"


def sudoers(spec: ConnectionSpec, _text: str) -> str:
    """Give sudo what it asks for, or ask it not to."""
    account = spec.sudo_user or "root"
    return (
        f"give the host a `sudo_password` (a reference to a secret), or allow it with visudo: "
        f"{spec.user or 'USER'} ALL=({account}) NOPASSWD: /bin/sh"
    )


def loose_key(spec: ConnectionSpec, text: str) -> str:
    """Close the key to others."""
    named = re.search(r"Permissions \S+ for '(.+?)' are too open", text)
    return f"chmod 600 {shlex.quote(named[1])}" if named else try_it(spec, text)


def no_key(spec: ConnectionSpec, text: str) -> str:
    """Say what is most likely missing: the key file, an agent, or our key over there."""
    if lost := _LOST_KEY.search(text):
        asked_by = f"ssh -G {shlex.join(ssh_arguments(spec))}"
        return f"ls -l {shlex.quote(lost[1])}   # IdentityFile of: {asked_by}"
    there = f"ssh-copy-id {shlex.join(ssh_arguments(spec))}"
    if not os.environ.get("SSH_AUTH_SOCK"):
        return (
            'eval "$(ssh-agent)" && ssh-add   # no ssh agent runs here; '
            f"if the host lacks your key: {there}"
        )
    return f"ssh-add -l   # the keys that your agent offers; if the host lacks yours: {there}"


def show_configuration(spec: ConnectionSpec, _text: str) -> str:
    """Let ssh read its configuration and stop at the bad line."""
    return f"ssh -G {shlex.join(ssh_arguments(spec))}   # reads the same files, connects nowhere"


def look_up_name(spec: ConnectionSpec, _text: str) -> str:
    """Ask the resolver what ssh asked it."""
    return f"getent hosts {shlex.quote(spec.address)}   # nothing? mend the name, or ~/.ssh/config"


def account(spec: ConnectionSpec, _text: str) -> str:
    """Ask the host for the account that sudo is to become."""
    return f"ssh {shlex.join(ssh_arguments(spec))} id {shlex.quote(spec.sudo_user or 'root')}"


def install_sudo(spec: ConnectionSpec, _text: str) -> str:
    """Put sudo there, or do without."""
    return "apt install sudo there, or log in as root and take `sudo: true` out"


def engine_state(spec: ConnectionSpec, _text: str) -> str:
    """Ask the engine or the cluster how it is."""
    return {"docker": "docker info", "podman": "podman info"}.get(spec.kind, "kubectl cluster-info")


def list_containers(spec: ConnectionSpec, _text: str) -> str:
    """List what is there, also what is stopped."""
    return "kubectl get pods -A" if spec.kind == "kubectl" else f"{spec.kind} ps --all"

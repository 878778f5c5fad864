"""Turn what ssh, sudo or a container engine said into the error that helps."""

from __future__ import annotations

import errno
import os
import re
import shlex
from collections.abc import Callable
from dataclasses import dataclass

from pytest_ddd.connections.answers import decode
from pytest_ddd.connections.launch import ssh_arguments
from pytest_ddd.connections.specs import ConnectionSpec
from pytest_ddd.errors import CannotLookError, RefusedError, UnreachableError


@dataclass(frozen=True, slots=True)
class _Rule:
    """A pattern in stderr, the kind of error it means, and the command that helps."""

    pattern: re.Pattern[str]
    error: type[CannotLookError]
    what: str
    hint: Callable[[ConnectionSpec, str], str]


def explain_end(spec: ConnectionSpec, status: int | None, stderr: bytes) -> CannotLookError:
    """Return the error for a connection that never became ready.

    Args:
        spec: whose connection it was.
        status: exit status of the local program; None when it was killed for its slowness.
        stderr: the last of what the program said.
    """
    text = decode(stderr)
    rules = _RULES.get(spec.kind, ()) + (_SUDO_RULES if spec.sudo else ())
    for rule in rules:
        found = _last_line(rule.pattern, text)
        if found:
            return rule.error(f"{spec.label}: {rule.what}: {found}", hint=rule.hint(spec, text))
    return _unexplained(spec, status, text)


def explain_missing(spec: ConnectionSpec, program: str, error: OSError) -> CannotLookError:
    """Return the error for a local program that cannot be started."""
    package = {"ssh": "openssh-client", "docker": "docker.io", "kubectl": "kubernetes-client"}
    hint = f"apt install {package.get(program, program)}"
    if error.errno in (errno.EMFILE, errno.ENFILE):
        hint = "ulimit -n 65536   # each open connection takes 4 descriptors"
    elif not isinstance(error, FileNotFoundError):
        hint = f"command -v {program}"
    return CannotLookError(
        f"{spec.label}: cannot start {program}: {error.strerror}",
        hint=hint,
    )


def explain_no_room(spec: ConnectionSpec, tried: str) -> CannotLookError:
    """Return the error for a host where answers cannot be kept for a moment."""
    return CannotLookError(
        f"{spec.label}: no directory there can be written (tried {tried or 'none'})",
        hint="mount a tmpfs on /dev/shm, or free space in one of these",
    )


def _unexplained(spec: ConnectionSpec, status: int | None, text: str) -> CannotLookError:
    said = _tail(text)
    if status is None:
        return UnreachableError(
            f"{spec.label}: no answer in time" + (f"; it said: {said}" if said else ""),
            hint=_try_it(spec, text),
        )
    if spec.kind == "ssh" and status == 255:
        what = f"connection failed: {said or 'ssh gave no reason'}"
        return UnreachableError(f"{spec.label}: {what}", hint=_try_it(spec, text))
    what = f"ended with {status} before it was ready" + (f": {said}" if said else "")
    return RefusedError(f"{spec.label}: the shell {what}", hint=_try_it(spec, text))


def _try_it(spec: ConnectionSpec, _text: str) -> str:
    if spec.kind == "ssh":
        return f"ssh -v {shlex.join(ssh_arguments(spec))} true"
    if spec.kind == "local":
        return "/bin/sh -c true"
    return (
        f"{spec.kind} exec {spec.address}{' --' if spec.kind == 'kubectl' else ''} /bin/sh -c true"
    )


def _host_and_port(spec: ConnectionSpec) -> tuple[str, str]:
    port = f"-p {spec.port} " if spec.port else ""
    known_as = f"[{spec.address}]:{spec.port}" if spec.port not in (None, 22) else spec.address
    return port, known_as


def _key_unknown(spec: ConnectionSpec, _text: str) -> str:
    port, _ = _host_and_port(spec)
    return (
        f"ssh-keyscan {port}{spec.address} | ssh-keygen -lf -   # compare with the host's own "
        "/etc/ssh/ssh_host_*_key.pub, then: "
        f"ssh {shlex.join(ssh_arguments(spec))} true"
    )


def _key_changed(spec: ConnectionSpec, text: str) -> str:
    """Repeat ssh's own advice where it gives one: it knows the file and the name."""
    advice = re.search(r"^\s*(ssh-keygen -f .* -R .*?)\s*$", text, re.MULTILINE)
    _, known_as = _host_and_port(spec)
    command = advice[1] if advice else f"ssh-keygen -R {shlex.quote(known_as)}"
    return f"ask who changed the host; only if the new key is right: {command}"


def _sudoers(spec: ConnectionSpec, _text: str) -> str:
    account = spec.sudo_user or "root"
    return (
        f"give the host a `sudo_password` (a reference to a secret), or allow it with visudo: "
        f"{spec.user or 'USER'} ALL=({account}) NOPASSWD: /bin/sh"
    )


def _loose_key(spec: ConnectionSpec, text: str) -> str:
    named = re.search(r"Permissions \S+ for '(.+?)' are too open", text)
    return f"chmod 600 {shlex.quote(named[1])}" if named else _try_it(spec, text)


_LOST_KEY = re.compile(r"(?:no such identity: |Identity file )(.+?)(?:: No such| not accessible)")


def _no_key(spec: ConnectionSpec, text: str) -> str:
    """Say what is most likely missing: the key file, an agent, or our key over there."""
    lost = re.search(
        r"(?:no such identity: |Identity file )(.+?)(?:: No such| not accessible)", text
    )
    if lost:
        return f"ls -l {shlex.quote(lost[1])}   # IdentityFile of: ssh -G {shlex.join(ssh_arguments(spec))}"
    there = f"ssh-copy-id {shlex.join(ssh_arguments(spec))}"
    if not os.environ.get("SSH_AUTH_SOCK"):
        return (
            f'no ssh agent runs here: eval "$(ssh-agent)" && ssh-add, then again; '
            f"if the host lacks your key: {there}"
        )
    return f"ssh-add -l   # the keys that your agent offers; if the host lacks yours: {there}"


def _unreadable_configuration(spec: ConnectionSpec, _text: str) -> str:
    return f"ssh -G {shlex.join(ssh_arguments(spec))}   # reads the same files, connects nowhere"


def _name(spec: ConnectionSpec, _text: str) -> str:
    return f"getent hosts {shlex.quote(spec.address)}   # nothing? mend the name, or ~/.ssh/config"


def _account(spec: ConnectionSpec, _text: str) -> str:
    return f"ssh {shlex.join(ssh_arguments(spec))} id {shlex.quote(spec.sudo_user or 'root')}"


def _install_sudo(spec: ConnectionSpec, _text: str) -> str:
    return "apt install sudo there, or log in as root and take `sudo: true` out"


def _engine_state(spec: ConnectionSpec, _text: str) -> str:
    return {"docker": "docker info", "podman": "podman info"}.get(spec.kind, "kubectl cluster-info")


def _list_them(spec: ConnectionSpec, _text: str) -> str:
    return "kubectl get pods -A" if spec.kind == "kubectl" else f"{spec.kind} ps --all"


def _last_line(pattern: re.Pattern[str], text: str) -> str:
    for line in reversed(text.splitlines()):
        if pattern.search(line):
            return line.strip()[:300]
    return ""


def _tail(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return " / ".join(lines[-3:])[:400]


def _rule(
    pattern: str,
    error: type[CannotLookError],
    what: str,
    hint: Callable[[ConnectionSpec, str], str] = _try_it,
) -> _Rule:
    return _Rule(re.compile(pattern), error, what, hint)


_SUDO_RULES = (
    _rule(r"sudo: a password is required", RefusedError, "sudo wants a password here", _sudoers),
    _rule(r"sudo: .*incorrect password", RefusedError, "sudo refused the password", _sudoers),
    _rule(r"^Sorry, try again", RefusedError, "sudo refused the password", _sudoers),
    _rule(r"is not in the sudoers file", RefusedError, "sudo refused", _sudoers),
    _rule(
        r"(is not allowed to|may not) (execute|run sudo)", RefusedError, "sudo refused", _sudoers
    ),
    _rule(r"sudo: .*(tty|terminal)", RefusedError, "sudo wants a terminal", _sudoers),
    _rule(
        r"sudo: ?(command )?not found|[Uu]nknown command:? sudo",
        RefusedError,
        "no sudo there",
        _install_sudo,
    ),
    _rule(r"sudo: (unknown user|.*not found)", RefusedError, "sudo refused", _account),
)

_ENGINE_RULES = (
    _rule(
        r"[Nn]o such container|no container with name",
        UnreachableError,
        "no such container",
        _list_them,
    ),
    _rule(
        r"is not running|is paused|is restarting|container state improper",
        UnreachableError,
        "down",
        _list_them,
    ),
    _rule(
        r"[Cc]annot connect to|permission denied",
        CannotLookError,
        "the engine does not answer",
        _engine_state,
    ),
)

_RULES: dict[str, tuple[_Rule, ...]] = {
    "ssh": (
        _rule(
            r"REMOTE HOST IDENTIFICATION HAS CHANGED|^Offending \S+ key in",
            RefusedError,
            "the host key has changed",
            _key_changed,
        ),
        _rule(r"revoked (host )?key|marked as revoked", RefusedError, "the host key is revoked"),
        _rule(
            r"No \S+ host key is known for|Host key verification failed",
            RefusedError,
            "the host key is unknown",
            _key_unknown,
        ),
        _rule(
            r"^Permissions \S+ for '.+' are too open",
            RefusedError,
            "ssh will not use a key that others can read",
            _loose_key,
        ),
        _rule(
            r"Permission denied( \(|,)|Too many authentication failures|No more authentication",
            RefusedError,
            "authentication refused",
            _no_key,
        ),
        _rule(
            r"Bad configuration option|Bad owner or permissions|Can't open user config file|"
            r"ControlPath too long",
            RefusedError,
            "ssh cannot use its configuration",
            _unreadable_configuration,
        ),
        _rule(
            r"bad configuration options",
            RefusedError,
            "ssh cannot use its configuration",
            _unreadable_configuration,
        ),
        _rule(r"Unable to negotiate with", RefusedError, "no common algorithm"),
        _rule(
            r"Temporary failure in name resolution", CannotLookError, "our resolver is dead", _name
        ),
        _rule(r"Could not resolve hostname", UnreachableError, "the name is not known", _name),
        _rule(r"Connection refused", UnreachableError, "connection refused"),
        _rule(
            r"banner exchange.*|during banner exchange",
            UnreachableError,
            "it takes connections but does not speak ssh in time",
        ),
        _rule(r"timed out|not responding", UnreachableError, "no answer in time"),
        _rule(r"No route to host|unreachable", UnreachableError, "no route to it"),
        _rule(
            r"Connection (closed|reset) by|closed by remote host",
            UnreachableError,
            "it closed the connection",
        ),
    ),
    "docker": _ENGINE_RULES,
    "podman": _ENGINE_RULES,
    "kubectl": (
        _rule(r"NotFound|not found", UnreachableError, "no such pod", _list_them),
        _rule(
            r"Forbidden|Unauthorized|must be logged in",
            RefusedError,
            "the cluster refused",
            _engine_state,
        ),
        _rule(
            r"Unable to connect|connection to the server",
            CannotLookError,
            "no cluster answers",
            _engine_state,
        ),
        _rule(r"cannot exec|not running|completed pod", UnreachableError, "the pod is down"),
    ),
}
"""In order of weight: a changed host key is told before the refusal that follows from it."""

"""Turn what ssh, sudo or a container engine said into the error that helps."""

from __future__ import annotations

import errno
import re
from collections.abc import Callable
from dataclasses import dataclass

from pytest_ddd.connections import advice
from pytest_ddd.connections.answers import decode
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
            hint=advice.try_it(spec, text),
        )
    if spec.kind == "ssh" and status == 255:
        what = f"connection failed: {said or 'ssh gave no reason'}"
        return UnreachableError(f"{spec.label}: {what}", hint=advice.try_it(spec, text))
    what = f"ended with {status} before it was ready" + (f": {said}" if said else "")
    return RefusedError(f"{spec.label}: the shell {what}", hint=advice.let_it_speak(spec, text))


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
    hint: Callable[[ConnectionSpec, str], str] = advice.try_it,
) -> _Rule:
    return _Rule(re.compile(pattern), error, what, hint)


_SUDO_RULES = (
    _rule(
        r"sudo: a password is required", RefusedError, "sudo wants a password here", advice.sudoers
    ),
    _rule(r"sudo: .*incorrect password", RefusedError, "sudo refused the password", advice.sudoers),
    _rule(r"^Sorry, try again", RefusedError, "sudo refused the password", advice.sudoers),
    _rule(r"is not in the sudoers file", RefusedError, "sudo refused", advice.sudoers),
    _rule(
        r"(is not allowed to|may not) (execute|run sudo)",
        RefusedError,
        "sudo refused",
        advice.sudoers,
    ),
    _rule(r"sudo: .*(tty|terminal)", RefusedError, "sudo wants a terminal", advice.sudoers),
    _rule(
        r"sudo: ?(command )?not found|[Uu]nknown command:? sudo",
        RefusedError,
        "no sudo there",
        advice.install_sudo,
    ),
    _rule(r"sudo: (unknown user|.*not found)", RefusedError, "sudo refused", advice.account),
)

_ENGINE_RULES = (
    _rule(
        r"[Nn]o such container|no container with name",
        UnreachableError,
        "no such container",
        advice.list_containers,
    ),
    _rule(
        r"is not running|is paused|is restarting|container state improper",
        UnreachableError,
        "down",
        advice.list_containers,
    ),
    _rule(
        r"[Cc]annot connect to|permission denied",
        CannotLookError,
        "the engine does not answer",
        advice.engine_state,
    ),
)

_RULES: dict[str, tuple[_Rule, ...]] = {
    "ssh": (
        _rule(
            r"REMOTE HOST IDENTIFICATION HAS CHANGED|^Offending \S+ key in",
            RefusedError,
            "the host key has changed",
            advice.key_changed,
        ),
        _rule(r"revoked (host )?key|marked as revoked", RefusedError, "the host key is revoked"),
        _rule(
            r"No \S+ host key is known for|Host key verification failed",
            RefusedError,
            "the host key is unknown",
            advice.key_unknown,
        ),
        _rule(
            r"^Permissions \S+ for '.+' are too open",
            RefusedError,
            "ssh will not use a key that others can read",
            advice.loose_key,
        ),
        _rule(
            r"Permission denied( \(|,)|Too many authentication failures|No more authentication",
            RefusedError,
            "authentication refused",
            advice.no_key,
        ),
        _rule(
            r"Bad configuration option|Bad owner or permissions|Can't open user config file|"
            r"ControlPath too long",
            RefusedError,
            "ssh cannot use its configuration",
            advice.show_configuration,
        ),
        _rule(
            r"bad configuration options",
            RefusedError,
            "ssh cannot use its configuration",
            advice.show_configuration,
        ),
        _rule(r"Unable to negotiate with", RefusedError, "no common algorithm"),
        _rule(
            r"Temporary failure in name resolution",
            CannotLookError,
            "our resolver is dead",
            advice.look_up_name,
        ),
        _rule(
            r"Could not resolve hostname",
            UnreachableError,
            "the name is not known",
            advice.look_up_name,
        ),
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
        _rule(r"NotFound|not found", UnreachableError, "no such pod", advice.list_containers),
        _rule(
            r"Forbidden|Unauthorized|must be logged in",
            RefusedError,
            "the cluster refused",
            advice.engine_state,
        ),
        _rule(
            r"Unable to connect|connection to the server",
            CannotLookError,
            "no cluster answers",
            advice.engine_state,
        ),
        _rule(r"cannot exec|not running|completed pod", UnreachableError, "the pod is down"),
    ),
}
"""In order of weight: a changed host key is told before the refusal that follows from it."""

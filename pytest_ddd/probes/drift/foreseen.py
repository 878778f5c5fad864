"""Knows which commands the looks at a host's declarations will send, to send them together.

It is a guess, and only a matter of speed: a command that is missing here is sent when it is needed,
one too many is answered for nobody.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import cast

from pytest_ddd.baseline.fields import Entry
from pytest_ddd.baseline.model import Declaration
from pytest_ddd.baseline.sections.configuration import File, Service
from pytest_ddd.connections.answers import Completed
from pytest_ddd.connections.together import Runs, together
from pytest_ddd.probes.drift import packages, services, sysctl

_EVERY_HOST = ("uname -s", "uname -m", "cat /etc/os-release", "command -v command")


def foresee(session: Runs, declarations: Iterable[Declaration[Entry]]) -> dict[str, Completed]:
    """Return the answers to what the looks at these declarations will ask.

    Raises:
        CannotLookError: the host did not answer.
    """
    ours = list(declarations)
    first = together(session, [*_EVERY_HOST, *(one for each in ours for one in _of(each))])
    later = [one for each in ours for one in _later(each, first) if one not in first]
    return first | together(session, later) if later else first


def _of(declaration: Declaration[Entry]) -> Iterator[str]:
    kind, _, name = declaration.key.partition(":")
    if kind in _COMMANDS:
        yield from _COMMANDS[kind](shlex.quote(name), declaration.model)


def _package(name: str, _model: Entry) -> Iterator[str]:
    yield f"dpkg-query -f '${{Status}}' -W {name}"
    yield f"LC_ALL=C dpkg-query -f {shlex.quote(packages.DPKG_FORMAT)} -W {name}"
    yield f"rpm -q --quiet {name} 2>&1"
    yield f'rpm -q --queryformat="%{{VERSION}}" {name}'
    yield f'rpm -q --queryformat="%{{RELEASE}}" {name}'


def _service(name: str, _model: Entry) -> Iterator[str]:
    yield from ("test -d /run/systemd/system/", "test -d /run/systemd/system")
    yield from ("command -v systemctl", "realpath /sbin/init")
    yield f"systemctl show {name}"


def _later(declaration: Declaration[Entry], known: Mapping[str, Completed]) -> Iterator[str]:
    """What follows from the first answers: a unit's process, and its own name."""
    kind, _, name = declaration.key.partition(":")
    shown = known.get(f"systemctl show {shlex.quote(name)}") if kind == "service" else None
    if shown is None:
        return
    unit = dict(line.partition("=")[::2] for line in shown.text.splitlines())
    if unit.get("MainPID", "0") != "0":
        yield services.process_script(unit["MainPID"])
    if cast("Service", declaration.model).enabled is not None:
        yield f"LC_ALL=C systemctl is-enabled -- {shlex.quote(unit.get('Id', name))}"


def _file(name: str, model: Entry) -> Iterator[str]:
    file = cast("File", model)
    yield from (f"test -{letter} {name}" for letter in ("L", "f"))
    if file.state == "directory":
        yield f"test -d {name}"
    if file.owner is not None:
        yield f"stat -Lc %{'u' if file.owner.isdigit() else 'U'} {name}"
    if file.group is not None:
        yield f"stat -Lc %{'g' if file.group.isdigit() else 'G'} {name}"
    if file.mode is not None:
        yield f"stat -Lc %a {name}"
    if file.sha256 is not None:
        yield f"sha256sum {name} | cut -d ' ' -f 1"
    if file.content is not None or file.contains or file.lacks:
        yield from (f"LC_ALL=C test -r {name}", f"stat -Lc %s {name}")


def _sysctl(name: str, _model: Entry) -> Iterator[str]:
    yield f"LC_ALL=C ls -d -- {shlex.quote(sysctl.path_of(name))}"
    yield "command -v sysctl"
    yield from (f"{folder}/sysctl -n {name}" for folder in ("/usr/sbin", "/sbin"))


def _listener(_name: str, _model: Entry) -> Iterator[str]:
    yield from ("command -v ss", "/usr/bin/ss --numeric --listening")


_COMMANDS: Mapping[str, Callable[[str, Entry], Iterator[str]]] = {
    "package": _package,
    "service": _service,
    "file": _file,
    "sysctl": _sysctl,
    "listener": _listener,
}
"""First part of a declaration's key -> what a look at it sends; `unlisted` and others go alone."""

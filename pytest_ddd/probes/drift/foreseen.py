"""Knows which commands the looks at a host's declarations will send, to send them together.

It is a guess, and only a matter of speed: a command that is missing here is sent when it is needed,
one too many is answered for nobody.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator, Mapping
from typing import cast

from pytest_ddd.baseline.fields import Entry
from pytest_ddd.baseline.model import Declaration
from pytest_ddd.baseline.sections.configuration import File, Service
from pytest_ddd.connections.answers import Completed
from pytest_ddd.connections.families.systemd import main_process
from pytest_ddd.probes.drift import packages, sysctl

_EVERY_HOST = ("uname -s", "uname -m", "cat /etc/os-release", "command -v command")
"""What testinfra asks of a host before it chooses its modules."""

_UNITS = (".service", ".socket", ".timer", ".mount", ".path", ".target")


def commands(declaration: Declaration[Entry], known: Mapping[str, Completed]) -> Iterator[str]:
    """Yield what a look at this declaration will ask, as far as the answers so far tell."""
    kind, _, name = declaration.key.partition(":")
    if kind not in _COMMANDS:
        return
    if not known:
        yield from _EVERY_HOST
        yield from _COMMANDS[kind](shlex.quote(name), declaration.model)
    elif kind == "service":
        yield from _process(known.get(f"systemctl show {shlex.quote(name)}"))


def _package(name: str, _model: Entry) -> Iterator[str]:
    yield f"dpkg-query -f '${{Status}}' -W {name}"
    yield f"LC_ALL=C dpkg-query -f {shlex.quote(packages.DPKG_FORMAT)} -W {name}"
    yield f"rpm -q --quiet {name} 2>&1"
    yield f'rpm -q --queryformat="%{{VERSION}}" {name}'
    yield f'rpm -q --queryformat="%{{RELEASE}}" {name}'


def _service(name: str, model: Entry) -> Iterator[str]:
    yield from ("test -d /run/systemd/system/", "test -d /run/systemd/system")
    yield from ("command -v systemctl", f"systemctl show {name}")
    if cast("Service", model).enabled is not None:
        unit = name if name.endswith(_UNITS) else f"{name}.service"
        yield f"LC_ALL=C systemctl is-enabled -- {unit}"


def _process(shown: Completed | None) -> Iterator[str]:
    """Yield what looks at the main process of a unit, once that is known."""
    lines = shown.text.splitlines() if shown is not None else ()
    pid = next((line[8:] for line in lines if line.startswith("MainPID=")), "0")
    if pid != "0":
        yield main_process(pid)


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

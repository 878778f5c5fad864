"""The packages and services of a host, as texts that can be compared."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from re import search
from typing import TYPE_CHECKING

from pytest_ddd.errors import CannotLookError
from pytest_ddd.probes import commands

if TYPE_CHECKING:
    from pytest_ddd.connections import Session

_PACKAGES = """\
if command -v dpkg-query >/dev/null; then
  dpkg-query -W -f '${binary:Package} ${Version} ${db:Status-Status} ${db:Status-Eflag}\\n'
elif command -v rpm >/dev/null; then
  rpm -qa --qf '%{NAME}.%{ARCH} %{EPOCHNUM}:%{VERSION}-%{RELEASE} installed ok\\n'
else
  echo 'neither dpkg-query nor rpm is there' >&2; exit 1
fi
"""
_SERVICES = "systemctl list-units --type=service --all --plain --no-legend --no-pager --full"
_GONE = ("not-installed", "config-files")


def packages(session: Session, timeout_s: float) -> tuple[str, list[str]]:
    """Return a line `NAME VERSION` for each package, and what is installed by half.

    Raises:
        CannotLookError: there is no list of packages.
    """
    done = commands.look(session, _PACKAGES, shown="list of packages", timeout_s=timeout_s)
    rows = [line.split(" ") for line in done.text.splitlines()]
    if not done.ok or not rows or any(len(row) != 4 for row in rows):
        hint = "without a package manager: `packages: false`"
        raise commands.blind(session, "list of packages", done, hint=hint)
    there = [row for row in rows if row[2] not in _GONE]
    lines = sorted(f"{name} {version}" for name, version, _, _ in there)
    half = [
        f"{name} {version} is {state}" + ("" if flag == "ok" else f", {flag}")
        for name, version, state, flag in there
        if state != "installed" or flag != "ok"
    ]
    return "\n".join(lines), half


def services(session: Session, ignored: Sequence[str], timeout_s: float) -> tuple[str, list[str]]:
    """Return a line `UNIT STATE` for each loaded service, and those that have failed.

    Raises:
        CannotLookError: systemd does not answer.
    """
    done = commands.look(session, _SERVICES, shown="systemctl list-units", timeout_s=timeout_s)
    rows = [line.split(None, 4) for line in done.text.splitlines()]
    if not done.ok or not rows or any(len(row) < 4 for row in rows):
        hint = "where systemd does not run: `services: false`"
        raise commands.blind(session, "systemctl list-units", done, hint=hint)
    kept = [row for row in rows if not any(search(one, row[0]) for one in ignored)]
    lines = sorted(f"{unit} {active}" for unit, load, active, *_ in kept if load != "not-found")
    return "\n".join(lines), sorted(row[0] for row in kept if row[2] == "failed")


def stopped(before: str, now: str) -> list[str]:
    """Return a sentence for each service that ran before and does not run now."""
    then, since = _pairs(before.splitlines()), _pairs(now.splitlines())
    return [
        f"{unit} was active before and is {since.get(unit, 'gone')} now"
        for unit, state in then.items()
        if state == "active" and since.get(unit) not in ("active", "reloading", "refreshing")
    ]


def changed(before: str, now: str) -> list[str]:
    """Return `NAME OLD -> NEW` for each package that is not as it was."""
    then, since = _pairs(before.splitlines()), _pairs(now.splitlines())
    return [
        f"{name} {then.get(name, '(new)')} -> {since.get(name, '(removed)')}"
        for name in sorted({**then, **since})
        if then.get(name) != since.get(name)
    ]


def _pairs(lines: Iterable[str]) -> Mapping[str, str]:
    pairs = (line.partition(" ") for line in lines)
    found = {name: value for name, _, value in pairs if value}
    if not found:
        raise CannotLookError("there is nothing to compare: a list is empty")
    return found

"""Things that are there and that the baseline of the host does not list."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from pytest_ddd import clock
from pytest_ddd.baseline.sections.configuration import Unlisted
from pytest_ddd.errors import CannotLookError
from pytest_ddd.probes.drift.accounts import Account, all_accounts
from pytest_ddd.probes.drift.comparison import Comparison, capped
from pytest_ddd.probes.drift.setuid import canonical, setuid_files
from pytest_ddd.probes.drift.sockets import Listener, covers, listeners, parse_key
from pytest_ddd.results import Reading

FIRST_PERSON_UID = 1000
"""UID_MIN of login.defs on every common distribution."""
NOBODY_UID = 65534
EPHEMERAL_PORT = 32768
SECOND_LOOK_S = 1.0

_LOGIN_UNITS = re.compile(r"^(user@|user-runtime-dir@|session-).*")
"""Units that come and go with whoever logs in."""

Found = tuple[list[str], str]
"""What is not listed, and how it was looked for."""


def compare(comparison: Comparison) -> None:
    """Count what is there and not listed; how bad that is, a threshold says."""
    with comparison.looking(""):
        look = _LOOKS.get(comparison.name)
        if look is None:
            raise CannotLookError(f"there is no way to look for unlisted {comparison.name}")
        started_s = clock.monotonic()
        extra, source = look(comparison)
        comparison.note(
            "", len(extra), expected="none", source=source, path=(comparison.name,),
            detail="\n".join(extra),
        )  # fmt: skip
        comparison.extra = Reading(
            name=f"unlisted {comparison.name}",
            value=len(extra),
            source=source,
            at=clock.now(),
            took_s=clock.monotonic() - started_s,
            expected="none",
            detail=capped(", ".join(extra)),
            origin=comparison.origin(comparison.name),
        )


def _listeners(comparison: Comparison) -> Found:
    extra, source = _extra_listeners(comparison)
    if any(map(is_ephemeral, extra)):
        clock.wait(SECOND_LOOK_S)  # a client's own datagram socket is gone by then
        extra &= _extra_listeners(comparison)[0]
    owners = _owners(comparison) if extra else {}
    return [f"{one}{owners.get(one, '')}" for one in sorted(extra)], source


def _extra_listeners(comparison: Comparison) -> tuple[set[Listener], str]:
    listed = [parse_key(name) for name in comparison.names_listed("listener")]
    found, source = listeners(comparison)
    return {one for one in found if not any(covers(key, one) for key in listed)}, source


def is_ephemeral(one: Listener) -> bool:
    """Whether a socket may be a client's own: it looks like a server's, and is gone in a moment."""
    return one.protocol == "udp" and one.port >= EPHEMERAL_PORT


def _owners(comparison: Comparison) -> Mapping[Listener, str]:
    """Return ` (nginx, pid 12)` for the sockets whose program ss may tell."""
    owners = {}
    for line in comparison.run("ss", "-Hltnup").text.splitlines():
        fields = line.split()
        program = re.search(r'\(\("([^"]+)",pid=(\d+)', line)
        if program is None or len(fields) < 5:
            continue
        address, _, port = fields[4].rpartition(":")
        bare = address.strip("[]").partition("%")[0]
        for one in ("::", "0.0.0.0") if bare == "*" else (bare,):  # noqa: S104  # compared, not bound
            key = Listener(protocol=fields[0], address=one, port=int(port))
            owners[key] = f" ({program[1]}, pid {program[2]})"
    return owners


def _users(comparison: Comparison) -> Found:
    """Report people's accounts, and every account that is root by its number."""
    listed = comparison.names_listed("user")
    extra = []
    for account in all_accounts(comparison):
        second_root = account.uid == 0 and account.name != "root"
        if (is_person(account) or second_root) and account.name not in listed:
            extra.append(f"{account.name} (uid {account.uid}, {account.shell})")
    return sorted(extra), "getent passwd"


def is_person(account: Account) -> bool:
    """Whether an account belongs to a person, by its number."""
    return account.uid >= FIRST_PERSON_UID and account.uid != NOBODY_UID


def _setuid(comparison: Comparison) -> Found:
    model = comparison.model(Unlisted)
    listed = set(model.setuid_files) | comparison.names_listed("file")
    found = set(setuid_files(comparison, model.setuid_paths))
    if found - listed:
        listed |= canonical(comparison, sorted(listed))
    return sorted(found - listed), f"find {' '.join(model.setuid_paths)} -xdev -perm /6000"


_PACKAGE_COMMANDS = {
    "DebianPackage": ("dpkg-query", "-f", r"${db:Status-Abbrev}|${binary:Package}\n", "-W"),
    "RpmPackage": ("rpm", "-qa", "--queryformat", r"ii |%{NAME}\n"),
    "AlpinePackage": ("apk", "info", "-q"),
    "ArchPackage": ("pacman", "-Qq"),
}


def package_manager(comparison: Comparison) -> str:
    """Return the name of testinfra's module for the host's packages."""
    return type(comparison.host.package("any")).__name__


def _packages(comparison: Comparison) -> Found:
    manager = package_manager(comparison)
    if manager not in _PACKAGE_COMMANDS:
        raise CannotLookError(f"there is no way to list all packages ({manager})")
    words = _PACKAGE_COMMANDS[manager]
    answer = comparison.run(*words)
    if not answer.ok or not answer.text.strip():
        raise CannotLookError(answer.error_text.strip() or f"{words[0]} lists no package")
    rows = [line.rpartition("|") for line in answer.text.splitlines()]
    names = {name for state, _, name in rows if state[1:2] not in ("n", "c")}
    listed = comparison.names_listed("package")
    extra = {name for name in names if not {name, name.partition(":")[0]} & listed}
    return sorted(extra), words[0]


def _services(comparison: Comparison) -> Found:
    """Report services that run, or start at boot, without being listed."""
    found = _units(comparison, "list-units", "active,activating,reloading,failed")
    found |= _units(comparison, "list-unit-files", "enabled,enabled-runtime")
    extra = {unit for unit in found - _listed_units(comparison) if not comes_and_goes(unit)}
    return sorted(extra), "systemctl list-units, list-unit-files"


def running_services(comparison: Comparison) -> list[str]:
    """Return the units of all services that have a process now."""
    return sorted(_units(comparison, "list-units", "running"))


def comes_and_goes(unit: str) -> bool:
    """Whether a unit is there because somebody is logged in."""
    return _LOGIN_UNITS.match(unit) is not None


def _units(comparison: Comparison, verb: str, states: str) -> set[str]:
    """Return the units of services in certain states."""
    if not comparison.host.file("/run/systemd/system").is_directory:
        raise CannotLookError("systemd does not run on this host")
    kind = ("--type=service", "--no-legend", "--no-pager", "--plain", "--full")
    answer = comparison.run("systemctl", verb, f"--state={states}", *kind)
    if not answer.ok:
        raise CannotLookError(answer.error_text.strip() or "systemctl failed")
    return {line.split()[0] for line in answer.text.splitlines() if line.strip()}


def _listed_units(comparison: Comparison) -> set[str]:
    """Return the units that the baseline lists, by all their names."""
    listed = comparison.names_listed("service")
    units = {name if "." in name else f"{name}.service" for name in listed}
    if not units:
        return units
    answer = comparison.run("systemctl", "show", "--property=Names", "--value", *sorted(units))
    if not answer.ok:
        raise CannotLookError(answer.error_text.strip() or "systemctl show failed")
    return units | set(answer.text.split())


_LOOKS: Mapping[str, Callable[[Comparison], Found]] = {
    "listeners": _listeners,
    "users": _users,
    "setuid": _setuid,
    "packages": _packages,
    "services": _services,
}
"""What can be looked for, by the name of its key under `unlisted`."""

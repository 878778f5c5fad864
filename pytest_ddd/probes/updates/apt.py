"""Ask apt which updates a host waits for, without a lock and without a change."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_ddd.baseline.sections.patches import Apt
from pytest_ddd.probes import commands

if TYPE_CHECKING:
    from pytest_ddd.connections import Session

_TIMEOUT_S = 120.0
NO_CACHE = "-o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache="
"""A look writes nothing, and so not even apt's index of what it knows."""

_SIMULATE = f"apt-get -s -qq -o APT::Get::Show-User-Simulation-Note=0 --no-remove {NO_CACHE}"
_INST = re.compile(
    r"Inst (?P<name>\S+)(?: \[(?P<old>[^\]]*)\])? "
    r"\((?P<new>\S+) (?P<origin>.*?)(?: \[(?P<arch>\S+)\])?\)"
)
"""A line of a simulation: `Inst NAME [OLD] (NEW ORIGIN [ARCHITECTURE])`, see apt-get(8)."""

_HINT = "run it yourself there: apt-get -s upgrade"


@dataclass(frozen=True, slots=True, kw_only=True)
class Update:
    """One package that would change; `old` is empty for one that is new on the host."""

    name: str
    old: str
    new: str
    origin: str = ""

    def __str__(self) -> str:
        return f"{self.name} {self.old or '(new)'} -> {self.new}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pending:
    """What apt would do.

    Attributes:
        updates: everything that changes when the selected updates are installed.
        held: selected updates that a hold keeps away.
        others: updates that are not selected.
    """

    updates: tuple[Update, ...]
    held: tuple[Update, ...]
    others: tuple[Update, ...]


def pending(session: Session, apt: Apt) -> Pending:
    """Return what would be updated, by the package lists that the host has now.

    Raises:
        CannotLookError: apt cannot say.
    """
    offered = _simulated(session, "--with-new-pkgs upgrade", "apt-get -s upgrade")
    selected, others = _selected(session, offered, apt)
    changes: Sequence[Update] = ()
    if selected:
        words = " ".join(shlex.quote(f"{one.name}={one.new}") for one in selected)
        changes = _simulated(session, f"install {words}", "apt-get -s install")
    names = {one.name for one in changes}
    return Pending(
        updates=tuple(changes),
        held=tuple(_held(session, apt)),
        others=tuple(one for one in others if one.name not in names),
    )


def installed(session: Session, names: Iterable[str]) -> dict[str, str]:
    """Return the version of each package that is installed and whole; of others nothing.

    Raises:
        CannotLookError: dpkg cannot say.
    """
    words = " ".join(shlex.quote(name) for name in names)
    form = shlex.quote("${binary:Package} ${Package} ${db:Status-Abbrev} ${Version}\\n")
    script = f"dpkg-query -W -f {form} {words}; [ $? -le 1 ]"
    done = commands.look(session, script, shown="dpkg-query", timeout_s=_TIMEOUT_S)
    if not done.ok:
        raise commands.blind(session, "dpkg-query", done)
    found = {}
    for line in done.text.splitlines():
        qualified, name, *rest = line.split()
        if len(rest) == 2 and rest[0][1:] == "i":
            found[qualified] = found[name] = rest[1]
    return found


def audit(session: Session) -> str:
    """Return what dpkg says of packages that are installed by half; nothing when all is whole.

    Raises:
        CannotLookError: dpkg cannot say.
    """
    done = commands.look(session, "dpkg --audit", shown="dpkg --audit", timeout_s=_TIMEOUT_S)
    if not done.ok and not done.text:
        raise commands.blind(session, "dpkg --audit", done)
    return done.text.strip()


def _selected(
    session: Session, offered: Sequence[Update], apt: Apt
) -> tuple[list[Update], list[Update]]:
    old = [one for one in offered if one.old]
    if apt.select == "all":
        return old, []
    chosen = {one.name for one in old if _is_security(one.origin, apt)}
    rest = [one for one in old if one.name not in chosen]
    chosen |= _behind(session, rest, apt)
    return [one for one in old if one.name in chosen], [
        one for one in old if one.name not in chosen
    ]


def _behind(session: Session, others: Sequence[Update], apt: Apt) -> set[str]:
    """Return packages for which another archive offers more than the security archive does.

    apt then names the other archive alone, and the fix would be overlooked.
    """
    if not others:
        return set()
    words = " ".join(shlex.quote(one.name) for one in others)
    done = commands.look(
        session,
        f"apt-cache {NO_CACHE} madison {words}",
        shown="apt-cache madison",
        timeout_s=_TIMEOUT_S,
    )
    if not done.ok:
        raise commands.blind(session, "apt-cache madison", done, _HINT)
    old = {one.name.partition(":")[0]: one for one in others}
    offers = [
        (old[name], version)
        for line in done.text.splitlines()
        for name, version, source in [[part.strip() for part in (line + "||").split("|")[:3]]]
        if name in old and _is_security(source, apt)
    ]
    lines = [
        f"dpkg --compare-versions {shlex.quote(version)} gt {shlex.quote(one.old)} && echo {n}"
        for n, (one, version) in enumerate(offers)
    ]
    script = "\n".join([*lines, "true"])
    newer = commands.look(session, script, shown="dpkg --compare-versions", timeout_s=_TIMEOUT_S)
    return {offers[int(number)][0].name for number in newer.text.split()}


def _held(session: Session, apt: Apt) -> list[Update]:
    done = commands.look(
        session,
        f"apt-mark {NO_CACHE} showhold",
        shown="apt-mark showhold",
        timeout_s=_TIMEOUT_S,
    )
    if not done.ok:
        raise commands.blind(session, "apt-mark showhold", done)
    names = set(done.text.split())
    if not names:
        return []
    offered = _simulated(
        session,
        "--ignore-hold --allow-change-held-packages upgrade",
        "apt-get -s --ignore-hold upgrade",
    )
    held = [one for one in offered if one.name in names]
    return _selected(session, held, apt)[0]


def _simulated(session: Session, words: str, shown: str) -> list[Update]:
    done = commands.look(session, f"{_SIMULATE} {words}", shown=shown, timeout_s=_TIMEOUT_S)
    if not done.ok:
        raise commands.blind(session, shown, done, _HINT)
    return [
        Update(
            name=found["name"],
            old=found["old"] or "",
            new=found["new"],
            origin=found["origin"],
        )
        for line in done.text.splitlines()
        if (found := _INST.match(line)) is not None
    ]


def _is_security(origin: str, apt: Apt) -> bool:
    return any(re.search(pattern, origin) for pattern in apt.security)

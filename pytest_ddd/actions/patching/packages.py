"""Keep the packages that an update will replace, as files, and put exactly those back."""

from __future__ import annotations

import posixpath
import shlex
from collections.abc import Sequence
from typing import cast

from pytest_ddd import clock
from pytest_ddd.actions.patching import shell
from pytest_ddd.actions.patching.jobs import Job
from pytest_ddd.baseline.sections.patches import Apt, Patch
from pytest_ddd.connections import Session
from pytest_ddd.errors import DddError
from pytest_ddd.probes import commands
from pytest_ddd.probes.rollback import Point, RollbackPoint, folder_of
from pytest_ddd.probes.updates import apt
from pytest_ddd.probes.updates.apt import Update

QUIET = (
    "DEBIAN_FRONTEND=noninteractive NEEDRESTART_SUSPEND=1 APT_LISTCHANGES_FRONTEND=none "
    "apt-get -y -q -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold "
    "-o Dpkg::Use-Pty=0"
)
"""apt without questions: a configuration file that somebody changed stays as it is."""

_LOCK = "-o DPkg::Lock::Timeout=120"
"""The way back waits longer than the way there."""

_NOBODY_OFFERS = (
    "the archive has the old version no more: put its .deb into /var/cache/apt/archives of the "
    "host (dpkg-repack makes one), or use another kind of rollback point"
)


class KeptPackages:
    """The exact versions that `apt` patches of one host will replace."""

    def __init__(self, entry: RollbackPoint) -> None:
        self._entry = entry
        declared = entry.scope.baseline.for_host[entry.host].get("patches", ())
        models = [cast("Patch", one.model) for one in declared]
        self._patches = [one.apt for one in models if one.apt is not None]
        self._timeout_s = entry.declaration.model.timeout

    @property
    def _session(self) -> Session:
        return self._entry.session

    def planned(self) -> tuple[str, ...]:
        """Return the packages that would be kept, by the package lists of now."""
        return tuple(f"keep {one.name} {one.old}" for one in self._updates() if one.old)

    def create(self, folder: str) -> Point:
        """Ask for new package lists, then keep the old packages and fetch the new ones.

        Raises:
            DddError: an old version is nowhere to be had, or a new one cannot be fetched.
            CannotLookError: apt cannot say.
        """
        lock_s = max((one.lock_wait for one in self._patches), default=0.0)
        options = f"-o APT::Update::Error-Mode=any -o DPkg::Lock::Timeout={lock_s:.0f}"
        at = clock.now()
        self._must(f"{QUIET} {options} update", "apt-get update")
        updates = self._updates()
        if updates:
            words = " ".join(shlex.quote(f"{one.name}={one.new}") for one in updates)
            self._must(f"{QUIET} --no-remove -d install {words}", "apt-get -d install")
        files = [self._fetch(one, folder) for one in updates if one.old]
        return Point(at=at, updates=updates, files=tuple(files))

    def wrong(self, point: Point) -> tuple[str, ...]:
        """Hold each file against its digest, and let dpkg-deb read all of it."""
        folder = folder_of(self._entry.key)
        wrong, whole = [], set()
        for name, sha256 in point.files:
            found = self._contents(posixpath.join(folder, name))
            if found is None or found[0] != sha256:
                wrong.append(f"{folder}/{name} is not the package that was kept")
            else:
                whole.add(found[1])
        return (
            *wrong,
            *(
                f"no package file of {one.name} {one.old}"
                for one in point.updates
                if one.old and _label(one) not in whole
            ),
        )

    def restore(self, point: Point) -> None:
        """Put the old versions back, and remove packages that the update brought.

        Raises:
            DddError: dpkg refuses.
            CannotLookError: nobody knows which versions there are.
        """
        there = apt.installed(self._session, [one.name for one in point.updates])
        changed = [one for one in point.updates if there.get(one.name, "") != one.old]
        if not changed and not apt.audit(self._session):
            return
        names = {one.name.partition(":")[0] for one in changed if one.old}
        files = [name for name, _ in point.files if name.partition("_")[0] in names]
        script = _restoring(
            folder_of(self._entry.key), files, [one.name for one in changed if not one.old]
        )
        Job(self._session, f"{self._entry.key}-restore").run(script, within_s=self._timeout_s)

    def _updates(self) -> tuple[Update, ...]:
        found: dict[str, Update] = {}
        for model in self._patches:
            found |= {one.name: one for one in apt.pending(self._session, model).updates}
        return tuple(found.values())

    def _fetch(self, one: Update, folder: str) -> tuple[str, str]:
        """Put the file of an old version into the folder; return its name and digest."""
        name, old = one.name.partition(":")[0], one.old.replace(":", "%3a")
        pattern = f"{shlex.quote(name)}_{shlex.quote(old)}_*.deb"
        wanted = shlex.quote(f"{one.name}={one.old}")
        script = (
            f"cd {shlex.quote(folder)} || exit 1; "
            f'for f in /var/cache/apt/archives/{pattern}; do [ ! -e "$f" ] || cp -p "$f" .; done; '
            f'set -- {pattern}; [ -e "$1" ] || apt-get -q download {wanted} >&2 || exit 1; '
            f'set -- {pattern}; [ -e "$1" ] || exit 1; printf \'%s\\n\' "$1"'
        )
        done = self._session.run(script, timeout_s=self._timeout_s)
        if not done.ok:
            text = f"{one.name} {one.old} cannot be kept: {shell.said(done)}"
            raise DddError(f"{self._session.spec.label}: {text}", hint=_NOBODY_OFFERS)
        file = done.text.strip()
        contents = self._contents(posixpath.join(folder, file))
        if contents is None or contents[1] != _label(one):
            raise DddError(f"{self._session.spec.label}: {file} is not {one.name} {one.old}")
        return file, contents[0]

    def _contents(self, path: str) -> tuple[str, str] | None:
        """Return digest, and `NAME VERSION`, of a package file; None when it is broken."""
        file = shlex.quote(path)
        form = shlex.quote("${Package} ${Version}")
        script = (
            f"dpkg-deb --fsys-tarfile {file} >/dev/null && sha256sum {file} | cut -d' ' -f1 && "
            f"dpkg-deb -W --showformat={form} {file}"
        )
        done = commands.look(self._session, script, shown="dpkg-deb", timeout_s=self._timeout_s)
        lines = done.text.split("\n")
        return (lines[0], lines[1]) if done.ok and len(lines) == 2 else None

    def _must(self, command: str, shown: str) -> None:
        shell.must(self._session, command, shown=shown, timeout_s=self._timeout_s)


def script_of(updates: Sequence[Update], model: Apt) -> str:
    """Return the script that installs exactly these versions, and removes nothing."""
    words = " ".join(shlex.quote(f"{one.name}={one.new}") for one in updates)
    lock = f"-o DPkg::Lock::Timeout={model.lock_wait:.0f}"
    return f"dpkg --configure -a\n{QUIET} {lock} --no-remove install {words}\n"


def missing(session: Session, updates: Sequence[Update]) -> list[str]:
    """Return which updates are not in force, and what is installed by half.

    Raises:
        CannotLookError: dpkg cannot say.
    """
    there = apt.installed(session, [one.name for one in updates])
    wrong = [
        f"{one.name} is {there.get(one.name, 'not installed')}, not {one.new}"
        for one in updates
        if there.get(one.name) != one.new
    ]
    return wrong + _halves(session)


def unrestored(session: Session, updates: Sequence[Update]) -> list[str]:
    """Return which packages are not as they were.

    Raises:
        CannotLookError: dpkg cannot say.
    """
    there = apt.installed(session, [one.name for one in updates])
    return [
        f"{one.name} is {there.get(one.name, 'not installed')}, and was {one.old or 'not there'}"
        for one in updates
        if there.get(one.name, "") != one.old
    ]


def _halves(session: Session) -> list[str]:
    found = apt.audit(session)
    return [f"dpkg --audit: {shell.excerpt(found)}"] if found else []


def _label(one: Update) -> str:
    """Return name and old version as the package file says them."""
    return f"{one.name.partition(':')[0]} {one.old}"


def _restoring(folder: str, files: Sequence[str], added: Sequence[str]) -> str:
    """Return the script that installs files, and removes packages that were not there before.

    dpkg can replace what is installed by half, which apt refuses to touch; apt waits for the
    lock, and brings what is still missing.
    """
    lines = ["export DEBIAN_FRONTEND=noninteractive NEEDRESTART_SUSPEND=1"]
    lines.append(f"cd {shlex.quote(folder)} || exit 1")
    if files:
        words = " ".join(shlex.quote(f"./{name}") for name in files)
        options = "--force-downgrade --force-confdef --force-confold"
        with_apt = f"{QUIET} {_LOCK} --allow-downgrades --allow-change-held-packages --no-remove"
        lines.append(f"dpkg {options} -i {words} || {with_apt} install {words} || exit")
    if added:
        words = " ".join(shlex.quote(name) for name in added)
        lines.append(f"dpkg --remove {words}")
    lines.append("dpkg --configure -a || exit")
    lines.append(f"{QUIET} {_LOCK} --no-remove -f install")
    return "\n".join(lines) + "\n"

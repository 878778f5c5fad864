"""Which package managers are at work on a host, by the locks that they hold."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from pytest_ddd.errors import CannotLookError
from pytest_ddd.probes import commands

if TYPE_CHECKING:
    from pytest_ddd.connections import Session

LOCKS = (
    "/var/lib/dpkg/lock",
    "/var/lib/dpkg/lock-frontend",
    "/var/lib/apt/lists/lock",
    "/var/cache/apt/archives/lock",
    "/var/lib/rpm/.rpm.lock",
    "/usr/lib/sysimage/rpm/.rpm.lock",
    "/var/cache/dnf/metadata_lock.pid",
    "/run/zypp.pid",
    "/lib/apk/db/lock",
    "/var/lib/pacman/db.lck",
)
"""Files that package managers lock while they work; see apt-get(8), rpm(8), dnf(8), zypper(8),
apk(8), pacman(8)."""

_SCRIPT = """\
[ "$(id -u)" = 0 ] || {{ echo 'not root: the open files of others cannot be seen' >&2; exit 1; }}
find / -maxdepth 0 -printf '' 2>/dev/null ||
  {{ echo 'this find knows no -printf: install findutils there' >&2; exit 2; }}
find /proc/[0-9]*/fd -maxdepth 1 \\( {names} \\) -printf '%p %l\\n' 2>/dev/null |
while read -r fd path; do
  pid=${{fd#/proc/}}; pid=${{pid%%/*}}
  grep -qs '^lock:' "/proc/$pid/fdinfo/${{fd##*/}}" || continue
  printf '%s is locked by %s (pid %s)\\n' "$path" "$(cat "/proc/$pid/comm" 2>/dev/null)" "$pid"
done
find {files} -maxdepth 0 -type f -printf '%p is there\\n' 2>/dev/null
true
"""
_FILES = ("/var/lib/pacman/db.lck",)
"""Locks by being there."""

SOURCE = "/proc/*/fdinfo of the files that package managers lock"


def held(session: Session, timeout_s: float) -> list[str]:
    """Return a sentence for each lock that somebody holds.

    An open file alone is no lock: the kernel's own list of locks of each open file decides.

    Raises:
        CannotLookError: the open files of other users cannot be seen, or not by this find.
    """
    names = " -o ".join(f"-lname {shlex.quote(one)}" for one in LOCKS)
    script = _SCRIPT.format(names=names, files=shlex.join(_FILES))
    done = commands.look(session, script, shown="find /proc", timeout_s=timeout_s)
    if not done.ok:
        raise CannotLookError(
            f"{session.spec.label}: locks of package managers: {done.said[-400:]}",
            hint="write `sudo: true` at this host in hosts.yaml"
            if done.exit_status == 1
            else "apk add findutils   # on that host, as its package manager does",
        )
    return list(dict.fromkeys(done.text.splitlines()))

"""Whether a host still does what it did before: units, packages, and the baseline's own checks."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence

from pytest_ddd import clock
from pytest_ddd.actions.patching import shell
from pytest_ddd.baseline.sections.patches import Patch
from pytest_ddd.connections import Completed, Session
from pytest_ddd.errors import CannotLookError, UnreachableError
from pytest_ddd.probes import commands

_LOOK_S = 60.0
_POLL_S = 0.5
_NEVER_RESTARTED = ("dbus", "systemd-", "user@", "getty@", "serial-getty@")
"""What a running host cannot do without: these wait for its next boot."""

_RUNNING = """command -v systemctl >/dev/null || exit 0
enabled=$(systemctl list-unit-files --type=service --state=enabled,enabled-runtime --plain \\
  --no-legend) && running=$(systemctl list-units --type=service --state=running --plain \\
  --no-legend) || exit
printf '%s\\n' "$enabled" "$running" | cut -d' ' -f1 | sort | uniq -d
"""
"""Both lists name a unit once, so that what stands twice is enabled and runs."""

_FAILED = """command -v systemctl >/dev/null || exit 0
failed=$(systemctl list-units --failed --plain --no-legend) || exit
printf '%s\\n' "$failed" | cut -d' ' -f1
"""
_STALE = "command -v needrestart >/dev/null || exit 0; needrestart -b -r l -l"


def running(session: Session) -> list[str]:
    """Return the enabled services that run.

    Raises:
        CannotLookError: the host does not say.
    """
    return _lines(session, _RUNNING, "systemctl list-units")


def failed(session: Session) -> list[str]:
    """Return the units that have failed.

    Raises:
        CannotLookError: the host does not say.
    """
    return _lines(session, _FAILED, "systemctl list-units --failed")


def restart(session: Session, model: Patch) -> None:
    """Start anew what the baseline names, and what needrestart says runs old code.

    Raises:
        DddError: a unit does not start.
    """
    lines = _lines(session, _STALE, "needrestart")
    stale = [line.split(": ", 1)[1] for line in lines if line.startswith("NEEDRESTART-SVC: ")]
    units = [one for one in stale if not one.startswith(_NEVER_RESTARTED)]
    for unit in dict.fromkeys([*model.restart, *units]):
        shell.must(session, f"systemctl restart {shlex.quote(unit)}", shown=f"restart {unit}")


def settled(
    session: Session, model: Patch, look: Callable[[], Sequence[str]], *, patient: bool = True
) -> list[str]:
    """Look until all is well, or `settle` is over; return what is not well then.

    A host that cannot be reached meanwhile is tried again.
    """
    until = clock.monotonic() + (model.settle if patient else 0.0)
    while True:
        try:
            wrong = list(look())
        except UnreachableError as failure:
            wrong = [failure.message]
            session.retry()
        except CannotLookError as failure:
            wrong = [failure.message]
        if not wrong or clock.monotonic() >= until:
            return wrong
        clock.wait(_POLL_S)


def ailing(
    session: Session, model: Patch, services: Sequence[str], failed_before: Sequence[str]
) -> list[str]:
    """Return what is not well now: services, units that failed since, checks.

    Raises:
        CannotLookError: the host does not say.
    """
    wrong = []
    for unit in dict.fromkeys([*model.services, *services]):
        done = _look(session, f"systemctl is-active {shlex.quote(unit)}", unit)
        if not done.ok:
            wrong.append(f"{unit} is {done.text.strip() or done.said}")
    known = {*failed_before, *services, *model.services}
    wrong += [f"{unit} has failed" for unit in failed(session) if unit not in known]
    for command in model.checks:
        done = _look(session, command, command)
        if not done.ok:
            wrong.append(f"{command}: {shell.said(done)}")
    return wrong


def _lines(session: Session, script: str, shown: str) -> list[str]:
    done = _look(session, script, shown)
    if not done.ok:
        raise commands.blind(session, shown, done)
    return [line.strip() for line in done.text.splitlines() if line.strip()]


def _look(session: Session, command: str, shown: str) -> Completed:
    return commands.look(session, command, shown=shown, timeout_s=_LOOK_S)

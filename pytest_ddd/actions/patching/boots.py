"""Boot a host, and prove that it did: what the kernel and process 1 say of their start changes."""

from __future__ import annotations

from pytest_ddd import clock
from pytest_ddd.actions.patching import shell
from pytest_ddd.baseline.sections.patches import Reboot
from pytest_ddd.connections import Session
from pytest_ddd.errors import DddError, UnreachableError
from pytest_ddd.probes import commands
from pytest_ddd.units import format_duration

_POLL_S = 0.3
_LOOK_S = 30.0
_ID = "cat /proc/sys/kernel/random/boot_id && sed 's/.*) //' /proc/1/stat | cut -d' ' -f20"
"""Containers share the kernel's id with their host; when their process 1 began is their own."""

_REQUIRED = "[ -e /run/reboot-required ] || [ -e /var/run/reboot-required ]"


def boot_id(session: Session) -> str:
    """Return what is another after each boot.

    Raises:
        CannotLookError: the host does not say.
    """
    done = commands.look(session, _ID, shown="the boot id", timeout_s=_LOOK_S)
    words = done.text.split()
    if not done.ok or len(words) != 2:
        raise commands.blind(session, "the boot id", done)
    return "/".join(words)


def is_wanted(session: Session, reboot: Reboot) -> bool:
    """Whether the host has to be booted now.

    Raises:
        CannotLookError: the host does not say.
    """
    if reboot.when != "required":
        return reboot.when == "always"
    return commands.look(session, _REQUIRED, shown=_REQUIRED, timeout_s=_LOOK_S).ok


def reboot(session: Session, *, within_s: float) -> None:
    """Boot the host, and wait until it answers with a new boot id.

    Raises:
        DddError: it did not come back, or did not boot.
    """
    before = boot_id(session)
    order = "setsid sh -c 'sleep 0.5; systemctl reboot || reboot' </dev/null >/dev/null 2>&1 &"
    shell.must(session, order, shown="reboot")
    until = clock.monotonic() + within_s
    said = "it goes on as before: its boot id is the same"
    while clock.monotonic() < until:
        clock.wait(_POLL_S)
        try:
            if boot_id(session) != before:
                return
        except UnreachableError as failure:
            said = failure.message
            session.retry()
    raise DddError(
        f"{session.spec.label}: not back {format_duration(within_s)} after its reboot: {said}"
    )

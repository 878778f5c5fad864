"""How many people are at work on a host, and how much room there is."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from pytest_ddd.baseline.sections.host_states import Sessions
from pytest_ddd.probes import commands

if TYPE_CHECKING:
    from pytest_ddd.connections import Session


def sessions(session: Session, model: Sessions, timeout_s: float) -> tuple[int, str]:
    """Return how many sessions there are, and the command that says so.

    Raises:
        CannotLookError: it says no number.
    """
    if model.command is not None:
        done = commands.look(session, model.command, shown=model.command, timeout_s=timeout_s)
        if not done.ok or not done.text.strip().isdecimal():
            hint = "`command` has to print one whole number, and to end with 0"
            raise commands.blind(session, model.command, done, hint=hint)
        return int(done.text), model.command
    ports = " or ".join(f"sport = :{port}" for port in model.ports)
    command = f"ss -Htn state established {shlex.quote(f'( {ports} )')}"
    done = commands.look(session, command, shown=command, timeout_s=timeout_s)
    if not done.ok or done.stderr.strip():
        raise commands.blind(session, command, done, hint="apt-get install iproute2")
    return len(done.text.splitlines()), command


def free_bytes(session: Session, path: str, timeout_s: float) -> tuple[int, str]:
    """Return what is free on the file system of a path, and the command that says so.

    Raises:
        CannotLookError: it says no number.
    """
    command = f"df -Pk -- {shlex.quote(path)}"
    done = commands.look(session, command, shown=command, timeout_s=timeout_s)
    columns = done.text.splitlines()[-1].split() if done.text.strip() else []
    if not done.ok or len(columns) < 4 or not columns[3].isdecimal():
        raise commands.blind(session, command, done)
    return int(columns[3]) * 1024, command

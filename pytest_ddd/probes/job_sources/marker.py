"""Marker files: a job writes one when it has ended well; its time is the end."""

from __future__ import annotations

import re
import shlex
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from pytest_ddd.baseline.sections.jobs import Marker
from pytest_ddd.errors import CannotLookError
from pytest_ddd.plain import visible
from pytest_ddd.probes import commands
from pytest_ddd.probes.job_sources.interface import Found, Run

if TYPE_CHECKING:
    from pytest_ddd.connections import Session

_HEAD_BYTES = 64 * 1024
_SHOWN = 200
_SCRIPT = """\
date +%s || exit 1
if [ -f {path} ]; then stat -L -c %Y -- {path} && exec head -c {bytes} -- {path}; exit 1; fi
if [ -e {path} ] || [ -L {path} ]; then echo it is no regular file >&2; exit 1; fi
if [ -d {folder} ] && [ ! -x {folder} ]; then echo permission denied >&2; exit 1; fi
"""


def find(session: Session, marker: Marker, timeout_s: float) -> Found:
    """Look at the file; an absent one means that no run has ended well.

    Raises:
        CannotLookError: it cannot be read.
    """
    folder = marker.path.rpartition("/")[0] or "/"
    command = _SCRIPT.format(
        path=shlex.quote(marker.path), folder=shlex.quote(folder), bytes=_HEAD_BYTES
    )
    shown = f"stat {marker.path}"
    completed = commands.look(session, command, shown=shown, timeout_s=timeout_s)
    source = f"{session.spec.label}: {shown}"
    if not completed.ok:
        raise commands.blind(session, shown, completed, hint=f"ls -l {shlex.quote(marker.path)}")
    now, *rest = completed.text.split("\n", 2)
    if not now.isdecimal():
        raise CannotLookError(f"{source}: not a clock: {now!r}")
    seen_at = datetime.fromtimestamp(int(now), UTC)
    if not rest or not rest[0]:
        return Found(run=None, source=source, seen_at=seen_at)
    if not rest[0].isdecimal():
        raise CannotLookError(f"{source}: not a time: {rest[0]!r}")
    held = rest[1] if len(rest) > 1 else ""
    succeeded, said = True, visible(held[:_SHOWN])
    if marker.contains is not None and re.search(marker.contains, held) is None:
        succeeded, said = False, f"{marker.path} holds no ~{marker.contains}; it begins {said!r}"
    ended = datetime.fromtimestamp(int(rest[0]), UTC)
    run = Run(finished_at=ended, succeeded=succeeded, said=said)
    return Found(run=run, source=source, seen_at=seen_at)

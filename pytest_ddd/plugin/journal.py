"""The commands that a check ran on its `host`, as evidence."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import pytest

from pytest_ddd import clock
from pytest_ddd.plugin.parametrize import HOST_PARAM
from pytest_ddd.results import Reading

if TYPE_CHECKING:
    from pytest_ddd.connections import Completed
    from pytest_ddd.plugin.site import Site

_EXCERPT_BYTES = 2048
"""How much of a command's output stands in the record; its digest stands for the rest."""


def host_of(item: pytest.Item) -> str:
    """Return the host that a check is given; nothing when it takes none."""
    callspec = getattr(item, "callspec", None)
    name = getattr(callspec, "params", {}).get(HOST_PARAM)
    return name if isinstance(name, str) else ""


def commands_of(host: str, site: Site) -> tuple[Reading, ...]:
    """Return, once, what was run on a host since the last call."""
    journal: list[Completed] = site.connections.host(host).backend.journal
    if not journal:
        return ()
    done, journal[:] = tuple(journal), []
    return tuple(_reading(one) for one in done)


def _reading(done: Completed) -> Reading:
    output = done.stdout + done.stderr
    excerpt = output[:_EXCERPT_BYTES].decode(errors="replace")
    more = len(output) - _EXCERPT_BYTES
    return Reading(
        name="command",
        value=done.exit_status,
        unit="exit status",
        source=done.command,
        at=clock.now(),
        took_s=done.took_s,
        detail=excerpt + (f"\n… {more} more bytes" if more > 0 else ""),
        digest=hashlib.sha256(output).hexdigest(),
    )

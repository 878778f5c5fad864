"""Take a host out of service while it is changed, and put it back."""

from __future__ import annotations

import shlex
from typing import cast

from pytest_ddd.actions.patching import shell
from pytest_ddd.baseline.sections.maintenance import Maintenance
from pytest_ddd.probes.patches import Patch

SECTION = "maintenance"


class Service:
    """The commands of the section `maintenance` that apply to one host."""

    def __init__(self, patch: Patch) -> None:
        self._patch = patch
        declared = patch.scope.baseline.for_host[patch.host].get(SECTION, ())
        models = [cast("Maintenance", one.model) for one in declared]
        self._modes = [one for one in models if one.begin is not None]

    @property
    def begins(self) -> tuple[str, ...]:
        """What takes it out of service."""
        return tuple(one.begin for one in self._modes if one.begin is not None)

    @property
    def ends(self) -> tuple[str, ...]:
        """What puts it back, the last one that was begun first."""
        return tuple(one.end for one in reversed(self._modes) if one.end is not None)

    def begin(self) -> None:
        """Take it out of service.

        Raises:
            DddError: a command fails; nothing may be changed then.
        """
        for mode in self._modes:
            self._run(mode, mode.begin)

    def end(self) -> None:
        """Put it back into service.

        Raises:
            DddError: a command fails: the host is well, and nobody uses it.
        """
        for mode in reversed(self._modes):
            self._run(mode, mode.end)

    def _run(self, mode: Maintenance, command: str | None) -> None:
        assert command is not None
        connections = self._patch.scope.connections
        session = self._patch.session if mode.from_ == "host" else connections.controller
        name = shlex.quote(self._patch.host)
        shell.must(session, f"export DDD_HOST={name}; {command}", shown=command)

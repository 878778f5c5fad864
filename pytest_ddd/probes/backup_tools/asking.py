"""Run a backup tool on a host with its secrets in the environment, and never on a command line."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_ddd.baseline.sections.backups import Backup
from pytest_ddd.errors import CannotLookError, CommandTimeoutError
from pytest_ddd.units import format_duration

if TYPE_CHECKING:
    from pytest_ddd.connections import Completed, Session

EXCERPT_CHARACTERS = 600
"""How much of a tool's own words a message holds."""

_MAX_OUTPUT_BYTES = 64 << 20
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_SYSTEM_PATHS = "/usr/local/bin:/usr/local/sbin:/usr/sbin:/sbin"
_PREPARE = f'eval "$(cat)"; PATH=$PATH:{_SYSTEM_PATHS}; export PATH; '
"""Takes the variables from stdin, so that no process ever has them among its arguments."""

_NOT_FOUND = 127


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """One look at one backup: where, as what, and with which secrets.

    `variables` are resolved; `model` holds names with `{host}` filled in.
    """

    model: Backup
    session: Session
    variables: Mapping[str, str]

    @property
    def where(self) -> str:
        """The host that is asked, for messages."""
        return self.session.spec.label

    def run(self, command: str, *, package: str = "", **variables: str) -> Completed:
        """Run a line of sh.

        Args:
            command: holds no secret; the first word is the tool.
            package: what to install when the tool is missing.
            variables: set unless the baseline sets them.

        Raises:
            CannotLookError: the tool is missing, or did not end in time.
        """
        stdin = "".join(
            f"export {name}={shlex.quote(value)}\n"
            for name, value in {**variables, **self.variables}.items()
            if _NAME.fullmatch(name)
        )
        try:
            completed = self.session.run(
                _PREPARE + command,
                timeout_s=self.model.timeout,
                stdin=stdin.encode(),
                max_output_bytes=_MAX_OUTPUT_BYTES,
                repeatable=True,
            )
        except CommandTimeoutError:
            # Not its own message: that shows the whole line of sh.
            raise CannotLookError(
                f"{self.where}: {command} did not end within {format_duration(self.model.timeout)}",
                hint="give the backup a longer timeout, or look at less (data_subset)",
            ) from None
        if completed.exit_status == _NOT_FOUND and package:
            raise CannotLookError(
                f"{self.where}: {command.split(maxsplit=1)[0]} is not installed",
                hint=f"apt-get install {package}   # on that host",
            )
        return completed

    def blind(self, command: str, completed: Completed, *, hint: str = "") -> CannotLookError:
        """Return the error for a command that could not look, with its own words."""
        return CannotLookError(f"{self.where}: {command}: {said(completed)}", hint=hint)


def said(completed: Completed) -> str:
    """Return what a command said about its end, cut."""
    return excerpt(completed.said)


def excerpt(words: str) -> str:
    """Return the end of a text, where tools put what matters."""
    words = words.strip()
    if len(words) <= EXCERPT_CHARACTERS:
        return words
    return f"… {words[-EXCERPT_CHARACTERS:]}"

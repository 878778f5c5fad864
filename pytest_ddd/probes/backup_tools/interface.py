"""What every kind of backup answers: which backups there are, and whether they can be read."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from pytest_ddd.probes.backup_tools.asking import Asking

COMPARED = 5
"""How many earlier backups the latest is compared with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Copy:
    """One backup that was finished; `size_bytes` is None where nobody knows."""

    name: str
    at: datetime
    size_bytes: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """The backups that there are.

    `copies` ends with the latest; those before it are earlier backups of the same things, at most
    `COMPARED`. `problems` are sentences. `seen_at` is what the clock of the asked host showed,
    None where the controller's counts.
    """

    copies: tuple[Copy, ...] = ()
    problems: tuple[str, ...] = ()
    source: str
    note: str = ""
    seen_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """What a look at the integrity of the latest backup, or of the whole repository, said.

    `read` says in words what was read, and what was not; `said` are the tool's own words.
    """

    good: bool
    read: str
    said: str = ""
    source: str


class BackupTool(Protocol):
    """Looks at backups of one kind; changes nothing."""

    def find(self, asking: Asking) -> Found:
        """Return the backups that there are.

        Raises:
            CannotLookError: it cannot be known.
        """

    def verify(self, asking: Asking, latest: Copy, /) -> Verified | None:
        """Look at the integrity as the baseline asks; None when this kind has nothing to look at.

        Raises:
            CannotLookError: it cannot be known.
        """

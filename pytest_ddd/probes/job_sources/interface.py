"""What every source of a job tells: how its latest run went."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """The latest run of a job; all times are aware.

    A run without `finished_at` is still running. `said` is what the source says of its end.
    """

    started_at: datetime | None = None
    finished_at: datetime | None = None
    succeeded: bool = True
    said: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What was found.

    Attributes:
        run: the latest run; None when there was none.
        source: the command, query or URL that was asked.
        problems: what else is not as it should be, in sentences.
        seen_at: what the clock of the asked host showed; None where the controller's counts.
        known_from: what was before is not known, because the source has forgotten it.
    """

    run: Run | None
    source: str
    problems: tuple[str, ...] = ()
    seen_at: datetime | None = None
    known_from: datetime | None = None

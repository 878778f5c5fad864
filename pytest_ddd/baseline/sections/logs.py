"""Log files and the error patterns that matter."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from pytest_ddd.baseline.fields import CountLimits, Duration, Entry, Size
from pytest_ddd.baseline.patterns import matches_everything, posix_extended

_PRIORITIES = Literal["emerg", "alert", "crit", "err", "warning", "notice", "info", "debug"]


Ere = Annotated[str, AfterValidator(posix_extended)]
"""A POSIX extended regular expression, matched byte-wise (LC_ALL=C), the same everywhere."""


class Log(Entry):
    """One log. Lives on every host; `applies_to` narrows it.

    Exactly one of `path` (a file, with its rotated and gzipped siblings) and `journal` (systemd).
    """

    path: str | None = None
    """A file; its rotated and packed siblings are read too."""
    journal: str | None = None
    """A systemd unit, or `*` for the whole journal."""
    priority: _PRIORITIES = "debug"
    """Journal only: least severe priority that is read."""
    critical: list[Ere] = Field(default_factory=list)
    """One such line is red."""
    error: list[Ere] = Field(default_factory=list)
    """Such lines are counted."""
    ignore: list[Ere] = Field(default_factory=list)
    """Lines that match are neither critical nor error."""
    errors: CountLimits = CountLimits(warn=1, crit=50)
    """Limits of the number of error lines."""
    optional: bool = False
    """Whether the file may be absent (a service that logs only when it fails)."""
    since: Duration | None = None
    """Look back this far instead of to the start of the night."""
    max_bytes: Size = 16 * 1024**3
    """More than this is not read: the outcome is UNKNOWN."""
    max_line: Size = 64 * 1024
    """A longer line is no log line: the outcome is UNKNOWN."""
    timeout: Duration = 300.0
    """For the whole search."""

    @model_validator(mode="after")
    def _one_source(self) -> Log:
        if (self.path is None) == (self.journal is None):
            raise ValueError("needs exactly one of path and journal")
        if not self.critical and not self.error:
            raise ValueError("needs critical or error patterns: without one nothing is looked for")
        for pattern in self.ignore:
            if matches_everything(pattern):
                raise ValueError(f"ignores every line, so that nothing is looked for: {pattern!r}")
        return self

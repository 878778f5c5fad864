"""Batch jobs: when they are due, how late they may end, and where they leave their result."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from pytest_ddd.baseline.due import Cron
from pytest_ddd.baseline.fields import Duration, DurationLimits, Entry, Model, Pattern
from pytest_ddd.baseline.patterns import matches_everything, posix_extended
from pytest_ddd.baseline.servers import Server
from pytest_ddd.baseline.sources import Query

SOURCES = ("systemd", "file", "log", "sql", "http", "command")
ON_A_HOST = ("systemd", "file", "log", "command")
"""Sources that a command looks at, here or on a host."""


def _is_unit(name: str) -> str:
    if not name.endswith((".service", ".timer")) or name.startswith("-"):
        raise ValueError(f"not a unit that runs a job: {name!r} (write report.service or .timer)")
    return name


def _is_absolute(path: str) -> str:
    if not path.startswith("/"):
        raise ValueError(f"needs the whole path from /, found {path!r}")
    return path


def _selective(pattern: str) -> str:
    if matches_everything(pattern):
        raise ValueError(f"matches every line, so that every job has succeeded: {pattern!r}")
    return posix_extended(pattern)


AbsolutePath = Annotated[str, AfterValidator(_is_absolute)]
LinePattern = Annotated[str, AfterValidator(_selective)]
"""A POSIX extended regular expression."""


class Marker(Model):
    """A file that the job writes when it has ended well; its time is when that was."""

    path: AbsolutePath
    """The file that the job writes at its end."""
    contains: Pattern | None = None
    """What its first 64 KiB must hold; else the job has failed."""


class LogLine(Model):
    """The last line of a log that tells how the job ended; it begins with its time."""

    path: AbsolutePath
    """The log that the job writes."""
    success: LinePattern
    """A pattern: it ended well."""
    failure: LinePattern | None = None
    """A pattern: it failed."""


Conditions = dict[str, str | int | float | bool | None]


class Told(Model):
    """Where a JSON answer says how the job went: dotted paths, and conditions on what is there.

    Times are RFC 3339 or seconds since 1970; `null` or absent means that there is none.
    """

    started_at: str = "started_at"
    finished_at: str = "finished_at"
    succeeded: Conditions = Field(default={"succeeded": True}, min_length=1)
    """Path -> value or condition, as in `json` of an endpoint; all hold when the job ended well."""
    failed: Conditions = Field(default_factory=dict)
    """Path -> value or condition; if one holds, the job has failed, whatever else is told."""


class Job(Entry):
    """One batch job. Lives in the environment and is looked at from the controller.

    With `applies_to` it is looked at on each of those hosts, or from the controller when
    `from: controller`.
    """

    schedule: Cron
    """When it is due, in the time zone of the environment: `"0 18 * * 1-5"`."""
    late: DurationLimits
    """How long after it was due it may end."""
    runtime: DurationLimits | None = None
    """How long it may run."""
    systemd: Annotated[str, AfterValidator(_is_unit)] | None = None
    """A service, or the timer that starts it, which must be active then."""
    file: Marker | None = None
    log: LogLine | None = None
    sql: Query | None = None
    """Gives one row with `finished_at`, and if there are any, `started_at` and `succeeded`."""
    http: Server | None = None
    """Answers one JSON object, read as `told` says."""
    command: str = ""
    """Prints one JSON object, read as `told` says."""
    told: Told = Told()
    from_: Literal["controller", "host"] | None = Field(default=None, alias="from")
    timeout: Duration = 30.0
    """Of a command that looks."""

    @model_validator(mode="after")
    def _one_source(self) -> Job:
        if sum(bool(getattr(self, name)) for name in SOURCES) != 1:
            raise ValueError(f"needs exactly one of {', '.join(SOURCES)}")
        if "told" in self.model_fields_set and not (self.http or self.command):
            raise ValueError("told has a meaning for http and command only")
        if self.runtime is not None and (self.file or self.log):
            raise ValueError("a file or a line of a log does not tell when the job began")
        return self

    @model_validator(mode="after")
    def _looks_somewhere(self) -> Job:
        if self.from_ is not None and not any(getattr(self, name) for name in ON_A_HOST):
            raise ValueError("from has no meaning for sql and http: they are asked from here")
        return self

"""Security scans: which tool looks, and how many findings of each severity are too many."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from pytest_ddd.baseline.fields import CountLimits, Duration, Entry, Model, Pattern, Text, Whole

Severity = Literal["critical", "high", "medium", "low", "info"]
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]+$")]
Status = Annotated[Whole, Field(ge=0, le=125)]


def _names_an_id(pattern: str) -> str:
    if "id" not in re.compile(pattern).groupindex:
        raise ValueError(f"names no finding: put a group (?P<id>…) into {pattern!r}")
    return pattern


class Lynis(Model):
    """`lynis audit system`, as root. Its warnings are high, its suggestions low."""

    groups: list[Name] = Field(default_factory=list)
    """Which groups of tests (`lynis show groups`); all without it."""


class Debsecan(Model):
    """`debsecan`: known vulnerabilities of the installed packages of Debian."""

    only_fixed: bool = True
    """Whether only what an update would mend counts."""
    suite: Name | None = None
    """`bookworm`; what /etc/os-release says without it."""
    source: Text | None = None
    """Where the lists of vulnerabilities are, if not where debsecan looks."""


class Updates(Model):
    """Security updates that apt offers and that are not installed. Each one is high."""

    security: list[Pattern] = Field(default_factory=lambda: ["(?i)security"], min_length=1)
    """What the origin of a security update looks like."""
    severity: Severity = "high"
    max_age: Duration = 2 * 86400.0
    """How long ago the lists of packages may have been fetched; older ones are UNKNOWN."""


class JsonAnswer(Model):
    """Where things stand in the JSON that a scanner prints; paths are dotted."""

    examined: str = ""
    """The list of all that was examined; the whole answer without it. Empty is UNKNOWN."""
    findings: Text
    """In each of them: the list of its findings. One without it was not examined: UNKNOWN."""
    id: Text = "id"
    """In each finding."""
    severity: str = ""
    """In each finding; without it, all are `unrated`."""


class LinesAnswer(Model):
    """What the lines look like that a scanner prints."""

    finding: Annotated[Pattern, AfterValidator(_names_an_id)]
    """With a group `(?P<id>…)`, and `(?P<severity>…)` if the line tells."""
    examined: Pattern
    """A line for one thing that was examined, good or bad. None at all is UNKNOWN."""
    blind: Pattern | None = None
    """A line for one thing that could not be examined."""


class Command(Model):
    """Any other scanner, by its exit status and what it prints."""

    run: Text
    clean: list[Status] = Field(default=[0], min_length=1)
    """Exit statuses that say that it looked and found nothing."""
    found: list[Status] = Field(default=[1], min_length=1)
    """Exit statuses that say that it looked and found something. Any other one is UNKNOWN."""
    json_: JsonAnswer | None = Field(default=None, alias="json")
    lines: LinesAnswer | None = None
    severities: dict[str, Severity] = Field(default_factory=dict)
    """What the scanner calls them -> what we do: `{IMPORTANT: high}`."""
    unrated: Severity = "medium"
    """Findings without a severity, or with one that is not in `severities`."""

    @model_validator(mode="after")
    def _one_answer(self) -> Command:
        if self.json_ is not None and self.lines is not None:
            raise ValueError("json or lines, not both")
        if set(self.clean) & set(self.found):
            raise ValueError("an exit status is either clean or found")
        return self


class SeverityLimits(Model):
    """How many findings of each severity are too many; `told` means that none are."""

    critical: CountLimits | Literal["told"] = CountLimits(crit=1)
    high: CountLimits | Literal["told"] = CountLimits(crit=1)
    medium: CountLimits | Literal["told"] = CountLimits(warn=1)
    low: CountLimits | Literal["told"] = "told"
    info: CountLimits | Literal["told"] = "told"

    @model_validator(mode="after")
    def _says_something(self) -> SeverityLimits:
        if all(getattr(self, name) == "told" for name in type(self).model_fields):
            raise ValueError("needs a limit for one severity: nothing could turn red")
        return self


class Scan(Entry):
    """One scan. Runs on this machine, or on each host of `applies_to`.

    Exactly one of `lynis`, `debsecan`, `updates` and `command`.
    """

    lynis: Lynis | None = None
    debsecan: Debsecan | None = None
    updates: Updates | None = None
    command: Command | None = None
    limits: SeverityLimits = SeverityLimits()
    timeout: Duration = 900.0

    @model_validator(mode="after")
    def _one_scanner(self) -> Scan:
        ways = (self.lynis, self.debsecan, self.updates, self.command)
        if sum(way is not None for way in ways) != 1:
            raise ValueError("needs exactly one of lynis, debsecan, updates and command")
        return self

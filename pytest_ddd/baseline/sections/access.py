"""Who may log in to hosts, from where and when, and who may become root."""

from __future__ import annotations

import ipaddress
import re
from typing import Annotated

from pydantic import AfterValidator, Field, model_validator

from pytest_ddd.baseline.fields import CountLimits, Duration, Entry, Model, Size

DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_DAY = "|".join(DAYS)
HOURS = re.compile(
    rf"(?:({_DAY})(?:-({_DAY}))? )?((?:[01]\d|2[0-3]):[0-5]\d)-((?:[01]\d|2[0-3]):[0-5]\d)"
)


def _hours(text: str) -> str:
    if not HOURS.fullmatch(text):
        raise ValueError(f'not hours: {text!r} (write "Mon-Fri 07:00-19:00" or "22:00-06:00")')
    return text


def _network(text: str) -> str:
    try:
        ipaddress.ip_network(text)
    except ValueError:
        raise ValueError(f"not a network: {text!r} (write 10.0.0.0/8 or 2001:db8::/32)") from None
    return text


class Visitor(Model):
    """From where and when somebody may log in; empty = from anywhere, at any time."""

    networks: list[Annotated[str, AfterValidator(_network)]] = Field(default_factory=list)
    hours: list[Annotated[str, AfterValidator(_hours)]] = Field(default_factory=list)
    """In the time zone of the environment."""


class Access(Entry):
    """The log-ins of the hosts of `applies_to`, from a log file or the journal, and from wtmp."""

    path: str | None = None
    """A file such as /var/log/auth.log, with its siblings."""
    journal: bool = False
    """Read the journal instead of a file."""
    since: Duration = 31 * 86400.0
    """How far back; a log that does not reach so far is UNKNOWN."""
    allowed: dict[str, Visitor] = Field(default_factory=dict)
    """Accounts that may log in. Nobody else may, root neither."""
    sudo: list[str] = Field(default_factory=list)
    """Accounts that may run commands as somebody else (sudo, su)."""
    failed: CountLimits = CountLimits(warn=50, crit=500)
    """Limits of the number of failed log-ins."""
    unknown: CountLimits = CountLimits(warn=20, crit=200)
    """Limits of the number of attempts with names that no account has."""
    sessions: bool = True
    """Whether wtmp and btmp (`last`, `lastb`) are held against the log."""
    max_bytes: Size = 32 * 1024**2
    """More matching lines are not read: the outcome is UNKNOWN."""
    timeout: Duration = 120.0
    """For the whole search."""

    @model_validator(mode="after")
    def _one_source(self) -> Access:
        if (self.path is None) != self.journal:
            raise ValueError("needs exactly one of path and journal: true")
        if self.path is not None and not self.path.startswith("/"):
            raise ValueError("path needs the whole path from /")
        if not self.applies_to:
            raise ValueError("needs applies_to: which hosts? (all = every host)")
        return self

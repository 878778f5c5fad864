"""A job: one routine of one environment, and where it runs."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from pytest_ddd.scenarios.schedule import Schedule

_UNUSUAL = re.compile(r"[^A-Za-z0-9-]+")
"""What systemd, cron or Kubernetes would not take in a name."""

HEADER = "Written by `pytest-ddd schedule write`: change the baseline and write it again."

TICK_TITLE = "deliver what waits, find missed runs"


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One routine at its times. `limit_s` is when it is stopped: far beyond its budget."""

    environment: str
    title: str
    schedule: Schedule
    limit_s: int
    options: tuple[str, ...] = ()
    """What pytest is told besides."""
    red_ok: bool = False
    """Whether somebody else tells people of red checks, so that the timer need not fail."""
    command: tuple[str, ...] = ()
    """What `pytest-ddd` is told when it is not to run a routine."""

    @property
    def name(self) -> str:
        """Name of its units."""
        return unit_name(self.environment, self.schedule.scenario)

    @property
    def words(self) -> tuple[str, ...]:
        """What `pytest-ddd` is told."""
        if self.command:
            return self.command
        scenario = self.schedule.scenario
        red_ok = ("--red-ok",) if self.red_ok else ()
        more = (f"--option={option}" for option in self.options)
        return ("schedule", "run", scenario, f"--host={self.environment}", *red_ok, *more)


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """Where and as whom jobs run. `program` is the whole path of `pytest-ddd`."""

    environment: str
    directory: str
    program: str
    user: str = ""
    image: str = ""
    zone: str = ""
    """The time zone of a machine whose cron knows no other one."""

    @property
    def name(self) -> str:
        """Name of what belongs to the whole environment."""
        return unit_name(self.environment)

    @property
    def tick_name(self) -> str:
        """Name of the units that look after the others."""
        return unit_name(self.environment, "tick")

    @property
    def tick_words(self) -> tuple[str, ...]:
        """What `pytest-ddd` is told every minute."""
        return ("schedule", "tick", f"--host={self.environment}")


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """One file to write."""

    name: str
    text: str


def unit_name(*parts: str) -> str:
    """Return a name that systemd, cron and Kubernetes all take."""
    return _UNUSUAL.sub("-", "-".join(("pytest-ddd", *parts))).lower()


class Writer(Protocol):
    """A module of this package that writes jobs down."""

    NEXT_STEPS: str
    """What to type to put the files to use; `{out}` stands for their directory."""

    def files(self, jobs: Sequence[Job], site: Site) -> list[File]:
        """Return the files for all jobs and for the tick."""

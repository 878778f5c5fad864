"""When each routine is due; budgets and windows that differ from the defaults."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from pytest_ddd.baseline.days import DAILY, DaysField, Month
from pytest_ddd.baseline.fields import Duration, Model, Secret, TimeOfDay

_WINDOW = re.compile(
    r"(?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) )?([01]\d|2[0-3]):[0-5]\d-([01]\d|2[0-3]):[0-5]\d"
)


def known_window(text: str) -> str:
    """Accept a window; ValueError for anything else."""
    if not _WINDOW.fullmatch(text):
        raise ValueError(f'not a window: {text!r} (write "Tue 02:00-04:00" or "22:00-06:00")')
    return text


_DAY_S = 86400

SCENARIO_NAMES = (
    "morning-health-check",
    "end-of-day-validation",
    "security-patch-tuesday",
    "performance-review",
    "capacity-planning-review",
    "compliance-audit-prep",
    "disaster-recovery-test",
)
"""The seven routines. `scenarios` describes them; this layer stands below and knows names only."""

_OTHER_CHECKS = re.compile(r"(daily|weekly|monthly|quarterly)-checks")
"""What checks without a scenario belong to."""


def is_scenario(name: str) -> bool:
    """Return whether a baseline may say something about a scenario of this name."""
    return name in SCENARIO_NAMES or _OTHER_CHECKS.fullmatch(name) is not None


Window = Annotated[str, AfterValidator(known_window)]


def _as_list(value: object) -> object:
    return [value] if isinstance(value, str) else value


class Due(Model):
    """When a routine is due, in the time zone of the environment."""

    at: Annotated[list[TimeOfDay], BeforeValidator(_as_list), Field(min_length=1, max_length=24)]
    """One time of day or several."""
    days: DaysField = DAILY
    months: list[Month] = Field(default_factory=list)
    """Empty = every month."""
    grace: Duration = 1800.0
    """How long after the due time a run may still start; after that it is missed."""
    ping: str | Secret = ""
    """Who waits for a sign of life of each run, and calls when none comes: a URL that speaks
    the protocol of healthchecks."""

    @model_validator(mode="after")
    def _can_start(self) -> Due:
        if not 60 <= self.grace <= _DAY_S:
            raise ValueError("grace is between 1m and 1d")
        return self


class Scenario(Model):
    """What this environment changes about one of the seven routines."""

    budget: Duration | None = None
    """How long it may take before it is YELLOW."""
    due: Due | None = None
    """When it has to run."""
    window: Window | None = None
    """When it may change something."""
    actors: list[str] = Field(default_factory=list)
    """Who does it."""
    trigger: str = ""
    """What starts it."""
    step_budgets: dict[int, Duration] = Field(default_factory=dict)
    """How long single steps may take."""

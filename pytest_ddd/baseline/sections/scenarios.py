"""Time budgets and windows that differ from the defaults."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, Field

from pytest_ddd.baseline.fields import Duration, Model

_WINDOW = re.compile(
    r"(?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) )?([01]\d|2[0-3]):[0-5]\d-([01]\d|2[0-3]):[0-5]\d"
)


def _is_window(text: str) -> str:
    if not _WINDOW.fullmatch(text):
        raise ValueError(f'not a window: {text!r} (write "Tue 02:00-04:00" or "22:00-06:00")')
    return text


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


Window = Annotated[str, AfterValidator(_is_window)]


class Scenario(Model):
    """What this environment changes about one of the seven routines."""

    budget: Duration | None = None
    window: Window | None = None
    actors: list[str] = Field(default_factory=list)
    trigger: str = ""
    step_budgets: dict[int, Duration] = Field(default_factory=dict)

"""Waivers: what is not as it should be and is accepted for a time, by whom and why."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from pydantic import AfterValidator, Field, model_validator

from pytest_ddd.baseline.fields import Duration, Model, Moment, Pattern, Text
from pytest_ddd.baseline.people import Person

LONGEST = timedelta(days=366)
"""A risk is accepted anew at least once a year."""


def _check_name(text: str) -> str:
    scenario, slash, function = text.partition("/")
    if not (scenario and slash and function):
        raise ValueError(
            f"not a check: {text!r} (write SCENARIO/CHECK: morning-health-check/backup_completion)"
        )
    return text


CheckName = Annotated[str, AfterValidator(_check_name)]
"""`scenario/function without test_`, or a glob over them."""


class Waiver(Model):
    """One accepted deviation: the check still runs and shows what it sees, and is WAIVED."""

    checks: list[CheckName] = Field(min_length=1)
    """`SCENARIO/CHECK`, the function without `test_`; globs are allowed."""
    targets: list[Text] = Field(min_length=1)
    """Hosts, groups, targets such as `endpoint:shop`, or globs over them."""
    entries: list[Text] = Field(default_factory=lambda: ["*"], min_length=1)
    """Entries of the section, or globs over them: `file:/etc/nginx/*`."""
    accepts: list[Pattern] = Field(default_factory=list)
    """What may be wrong; everything that is wrong has to match one of them. Empty = anything."""
    reason: Text
    """Why it is accepted."""
    risk: Text
    """What may happen meanwhile."""
    compensating_control: Text
    """What is done instead."""
    approver: Person
    """Who accepts the risk."""
    approved_at: Moment
    """When it was accepted."""
    expires_at: Moment
    """When it ends; at most 366 days later."""
    remind: Duration = 14 * 86400.0
    """So long before its end it is yellow."""
    signature: str = ""
    """What `pytest-ddd waiver sign` prints: an SSH signature by the approver's key."""

    @model_validator(mode="after")
    def _ends(self) -> Waiver:
        if self.expires_at <= self.approved_at:
            raise ValueError("expires_at is not after approved_at")
        if self.expires_at - self.approved_at > LONGEST:
            raise ValueError(
                f"a waiver holds for {LONGEST.days} days at most: then accept the risk anew"
            )
        return self

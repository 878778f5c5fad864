"""Waivers: what is not as it should be and is accepted for a time, by whom and why."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated

from pydantic import AfterValidator, Field, model_validator

from pytest_ddd.baseline.fields import Duration, Model, Moment, Pattern, Text

LONGEST = timedelta(days=366)
"""A risk is accepted anew at least once a year."""


def _fingerprint(text: str) -> str:
    if not re.fullmatch(r"SHA256:[A-Za-z0-9+/]{43}", text):
        raise ValueError(
            f"not the fingerprint of a key: {text!r} (`ssh-keygen -lf KEY.pub` prints SHA256:…)"
        )
    return text


def _check_name(text: str) -> str:
    scenario, slash, function = text.partition("/")
    if not (scenario and slash and function):
        raise ValueError(
            f"not a check: {text!r} (write SCENARIO/CHECK: morning-health-check/backup_completion)"
        )
    return text


Fingerprint = Annotated[str, AfterValidator(_fingerprint)]
CheckName = Annotated[str, AfterValidator(_check_name)]
"""`scenario/function without test_`, or a glob over them."""


class Approver(Model):
    """Who accepts the risk: a person, and the key that this person signs with."""

    principal: Text
    key: Fingerprint


class Waiver(Model):
    """One accepted deviation: the check still runs and shows what it sees, and is WAIVED."""

    checks: list[CheckName] = Field(min_length=1)
    targets: list[Text] = Field(min_length=1)
    """Hosts, groups, targets such as `endpoint:shop`, or globs over them."""
    entries: list[Text] = Field(default_factory=lambda: ["*"], min_length=1)
    """Entries of the section, or globs over them: `file:/etc/nginx/*`."""
    accepts: list[Pattern] = Field(default_factory=list)
    """What may be wrong; everything that is wrong has to match one of them. Empty = anything."""
    reason: Text
    risk: Text
    compensating_control: Text
    approver: Approver
    approved_at: Moment
    expires_at: Moment
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

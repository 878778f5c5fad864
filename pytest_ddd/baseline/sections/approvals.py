"""Approvals: who may allow a scenario to change hosts, and the form of the file that says so."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from pydantic import Field, model_validator

from pytest_ddd.baseline.fields import Model, Moment, Text, Whole
from pytest_ddd.baseline.people import Person

LONGEST = timedelta(days=31)
"""An approval is for one change, not for a year of them."""


class Approvals(Model):
    """Who may approve one scenario."""

    needed: Annotated[Whole, Field(ge=0, le=5)] = 1
    """How many people have to sign; 0 says that nobody has to."""
    signers: list[Person] = Field(default_factory=list)

    @model_validator(mode="after")
    def _enough(self) -> Approvals:
        if len({one.key for one in self.signers}) < self.needed:
            raise ValueError(f"needs {self.needed} signers with keys of their own, or `needed: 0`")
        return self


class Approval(Model):
    """What somebody signs: one change, where, and when it may happen."""

    change: Text
    environment: Text
    scenario: Text
    hosts: list[Text] = Field(min_length=1)
    """Names of hosts; no groups and no globs, whose meaning could change later."""
    valid_from: Moment
    valid_until: Moment
    approver: Person
    note: str = ""

    @model_validator(mode="after")
    def _ends(self) -> Approval:
        if self.valid_until <= self.valid_from:
            raise ValueError("valid_until is not after valid_from")
        if self.valid_until - self.valid_from > LONGEST:
            raise ValueError(f"an approval holds for {LONGEST.days} days at most")
        return self

"""Attestations: what no program can look at, and a person confirms from time to time."""

from __future__ import annotations

from pydantic import model_validator

from pytest_ddd.baseline.fields import Duration, Entry, Moment, Text
from pytest_ddd.baseline.people import Person


class Attestation(Entry):
    """One manual step. Lives in the environment."""

    statement: Text
    """What is confirmed."""
    every: Duration
    """For so long a confirmation counts."""
    remind: Duration = 14 * 86400.0
    """So long before its end it is yellow."""
    confirmed_by: Person | None = None
    """Who did it; nobody has yet when it is absent."""
    confirmed_at: Moment | None = None
    proof: str = ""
    """Where the protocol of it is: a ticket, a path, a digest."""
    signature: str = ""
    """What `pytest-ddd waiver sign` prints: an SSH signature by that person's key."""

    @model_validator(mode="after")
    def _whole(self) -> Attestation:
        if (self.confirmed_by is None) != (self.confirmed_at is None):
            raise ValueError("confirmed_by and confirmed_at belong together")
        if self.applies_to:
            raise ValueError("applies_to has no meaning here: a person confirms it for them all")
        return self

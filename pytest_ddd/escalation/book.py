"""What escalation needs of the place where alerts are kept."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from pytest_ddd.alerts import (
    Acknowledgement,
    Alert,
    AlertKey,
    Attempt,
    Evaluation,
    Parcel,
    Silence,
)
from pytest_ddd.results import CheckResult


class Book(Protocol):
    """The alerts of one environment, inside of one transaction that nobody else looks into."""

    def unevaluated(self) -> Sequence[CheckResult]:
        """Return what no evaluation has covered, of runs that are over and of this one."""

    def alerts(self) -> Mapping[AlertKey, Alert]:
        """Return all alerts that were ever anything but OK."""

    def silences(self, now: datetime) -> Sequence[Silence]:
        """Return the silences that hold now."""

    def acknowledgements(self, now: datetime) -> Sequence[Acknowledgement]:
        """Return the acknowledgements that hold now."""

    def save(self, evaluation: Evaluation, now: datetime) -> None:
        """Keep what an evaluation came to."""


class Outbox(Protocol):
    """The messages on their way; each call is a transaction of its own."""

    def claim(
        self, channels: Collection[str], *, now: datetime, lease_s: float, limit: int
    ) -> Sequence[Parcel]:
        """Take the lease of messages that are due, in their order.

        Of one incident and channel only the oldest is ever due: nothing overtakes.
        """

    def settle(self, attempt: Attempt) -> bool:
        """Write down what became of a parcel; False when its lease was lost meanwhile."""

    def undelivered(self, environment: str = "") -> Sequence[Parcel]:
        """Return what has not arrived and no person has dropped."""

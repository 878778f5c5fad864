"""What escalation needs of the place where alerts are kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from pytest_ddd.alerts import (
    Acknowledgement,
    Alert,
    AlertKey,
    Evaluation,
    Silence,
)
from pytest_ddd.results import CheckResult


class Book(Protocol):
    """The alerts of one environment, inside of one transaction that nobody else looks into."""

    def unevaluated(self) -> Sequence[CheckResult]:
        """Return what no evaluation has covered, of runs that are over and of this one."""

    def pass_over(self) -> tuple[str, ...]:
        """Cover the same results without reading them; return their ids."""

    def alerts(self) -> Mapping[AlertKey, Alert]:
        """Return all alerts that were ever anything but OK."""

    def silences(self, now: datetime) -> Sequence[Silence]:
        """Return the silences that hold now."""

    def acknowledgements(self, now: datetime) -> Sequence[Acknowledgement]:
        """Return the acknowledgements that hold now."""

    def save(self, evaluation: Evaluation, now: datetime) -> None:
        """Keep what an evaluation came to."""

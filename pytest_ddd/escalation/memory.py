"""Alerts that are kept in memory only: to replay history with other rules."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from pytest_ddd.alerts import Acknowledgement, Alert, AlertKey, Evaluation, Silence
from pytest_ddd.results import CheckResult


class MemoryBook:
    """A book of alerts that nobody else sees; results are put in, and taken out by `save`."""

    def __init__(self) -> None:
        self.waiting: list[CheckResult] = []
        self.evaluations: list[Evaluation] = []
        self.silenced: list[Silence] = []
        self.acknowledged: list[Acknowledgement] = []
        self._alerts: dict[AlertKey, Alert] = {}

    def unevaluated(self) -> Sequence[CheckResult]:
        """Return what was put in and not covered yet."""
        return tuple(self.waiting)

    def pass_over(self) -> tuple[str, ...]:
        """Return the ids of these results."""
        return tuple(one.result_id for one in self.waiting)

    def alerts(self) -> Mapping[AlertKey, Alert]:
        """Return all alerts so far."""
        return dict(self._alerts)

    def silences(self, now: datetime) -> Sequence[Silence]:
        """Return the silences that hold now."""
        return [one for one in self.silenced if one.starts_at <= now < one.ends_at]

    def acknowledgements(self, now: datetime) -> Sequence[Acknowledgement]:
        """Return the acknowledgements that hold now."""
        return [one for one in self.acknowledged if now < one.until]

    def save(self, evaluation: Evaluation, now: datetime) -> None:
        """Keep what an evaluation came to."""
        covered = set(evaluation.result_ids)
        self.waiting = [one for one in self.waiting if one.result_id not in covered]
        self._alerts.update((one.key, one) for one in evaluation.alerts)
        self.evaluations.append(evaluation)

"""What a baseline says about escalation: the plan of an evaluation, and the open channels."""

from __future__ import annotations

from datetime import datetime

from pytest_ddd.baseline.model import Baseline
from pytest_ddd.baseline.sections.escalation import HOOK
from pytest_ddd.escalation.channels.registry import open_channel
from pytest_ddd.escalation.evaluation import Mode, Plan
from pytest_ddd.escalation.interface import Channel
from pytest_ddd.messages import DeliveryError, Message
from pytest_ddd.scenarios.schedule import schedules


def plan_of(baseline: Baseline, mode: Mode, now: datetime) -> Plan:
    """Return the plan of an evaluation.

    Raises:
        UsageError: the holidays of the environment are not known.
    """
    due = ((one.scenario, one.next_after(now)) for one in schedules(baseline))
    return Plan(
        escalation=baseline.escalation,
        timezone=baseline.environment.timezone,
        mode=mode,
        expected_again={scenario: at for scenario, at in due if at is not None},
    )


def channels_of(baseline: Baseline) -> dict[str, Channel]:
    """Return the channels of a baseline by name, but for those that a conftest registers.

    One that cannot be opened does not keep the others shut: it refuses what it is given.
    """
    found: dict[str, Channel] = {}
    for name, settings in baseline.escalation.channels.items():
        if settings.kind == HOOK:
            continue
        try:
            found[name] = open_channel(name, settings)
        except DeliveryError as reason:
            found[name] = _Shut(reason)
    return found


class _Shut:
    """A channel that cannot be opened."""

    def __init__(self, reason: DeliveryError) -> None:
        self._reason = reason

    def send(self, message: Message, *, timeout_s: float) -> None:
        """Say why nothing can be sent."""
        raise self._reason

"""What leaves the house: messages about alerts, and how a channel says that one did not arrive."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from pytest_ddd.errors import DddError


class Kind(StrEnum):
    """What a message does to the incident that its dedup key names."""

    TRIGGER = "trigger"
    """Opens it; again with a higher severity: raises it."""
    REMIND = "remind"
    RESOLVE = "resolve"
    INFO = "info"
    """Tells something that opens no incident."""


class Severity(StrEnum):
    """How much it matters, in the words of PagerDuty's Events API v2."""

    CRITICAL = "critical"
    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One message for one channel. It holds no secret: a channel adds its key while it sends.

    `message_id` is the same at each try, so that a reader recognises a message that came twice;
    `dedup_key` names the incident (at most 255 characters) over all its messages.
    """

    message_id: str
    kind: Kind
    severity: Severity
    dedup_key: str
    summary: str
    environment: str
    scenario: str = ""
    check_id: str = ""
    target: str = ""
    entry: str = ""
    rule: str = ""
    run_id: str = ""
    occurred_at: datetime
    expected_again_at: datetime | None = None
    """When the next run is due: until then silence means neither good nor bad."""
    runbook: str = ""
    details: Mapping[str, str] = field(default_factory=dict)
    members: tuple[str, ...] = ()
    """What a grouped message stands for, one line each."""


class DeliveryError(DddError):
    """A message did not arrive, and never will as it is: do not try again."""


class NotNowError(DeliveryError):
    """A message did not arrive now: try again, after `retry_after_s` if that is known."""

    def __init__(self, message: str, *, hint: str = "", retry_after_s: float | None = None) -> None:
        super().__init__(message, hint=hint)
        self.retry_after_s = retry_after_s

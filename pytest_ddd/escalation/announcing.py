"""Tell those who want to know that something is about to be changed, and how that ended."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from pytest_ddd.alerts import Outgoing, dedup_key
from pytest_ddd.baseline.sections.escalation import Escalation
from pytest_ddd.messages import Kind, Message, Severity
from pytest_ddd.outcomes import Outcome

_SEVERITIES = {
    Outcome.RED: Severity.ERROR,
    Outcome.UNKNOWN: Severity.ERROR,
    Outcome.BLOCKED: Severity.ERROR,
    Outcome.YELLOW: Severity.WARNING,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Occasion:
    """A scenario that changes something: what, where and by whom. `ticket` may be empty."""

    environment: str
    scenario: str
    title: str
    run_id: str
    operator: str
    ticket: str
    hosts: tuple[str, ...]


def begins(section: Escalation, occasion: Occasion, now: datetime) -> list[Outgoing]:
    """Return what is told before the first change, once for each channel."""
    summary = f"{occasion.title} begins in {occasion.environment}"
    return list(_to_channels(section, _message(occasion, now, summary)))


def ended(
    section: Escalation,
    occasion: Occasion,
    now: datetime,
    *,
    outcome: Outcome,
    changes: tuple[str, ...],
) -> list[Outgoing]:
    """Return what is told at the end: how it went, and what became of each change."""
    summary = f"{occasion.title} has ended in {occasion.environment}: {outcome.word}"
    severity = _SEVERITIES.get(outcome, Severity.INFO)
    message = replace(_message(occasion, now, summary), severity=severity, members=changes)
    return list(_to_channels(section, message))


def _message(occasion: Occasion, now: datetime, summary: str) -> Message:
    where, scenario, run = occasion.environment, occasion.scenario, occasion.run_id
    details = {"hosts": ", ".join(occasion.hosts), "operator": occasion.operator}
    return Message(
        message_id="",
        kind=Kind.INFO,
        severity=Severity.INFO,
        dedup_key=dedup_key(where, scenario, "announcement", run),
        summary=summary,
        environment=where,
        scenario=scenario,
        run_id=run,
        occurred_at=now,
        details=details | ({"change": occasion.ticket} if occasion.ticket else {}),
    )


def _to_channels(section: Escalation, message: Message) -> Iterator[Outgoing]:
    channels = dict.fromkeys(section.announcements.get(message.scenario, ()))
    fallback = section.fallback
    others = fallback.notify if fallback is not None else []
    for channel in channels:
        yield Outgoing(
            message=replace(message, message_id=uuid.uuid4().hex),
            channel=channel,
            fallback=tuple(name for name in others if name not in channels),
            fallback_after_s=fallback.after if fallback is not None else None,
        )

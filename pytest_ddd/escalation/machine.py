"""The state machine of one alert: pure, and safe against results that come twice or late.

The phase follows from the latest sightings in the order of their time, so that two runs at once
end in the same state whichever is heard first.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import takewhile

from pytest_ddd.alerts import Alert, Phase, Sighting, Transition, rank
from pytest_ddd.messages import Kind, Severity


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """How often bad is too often, and how often good is good again.

    `runs` bad runs in a row set it off, or `runs` of the last `of`; `recover` good ones end it.
    An event (a line in a log) has no end: it is told once, and again after `remind` at most.
    """

    runs: int = 1
    of: int | None = None
    recover: int = 1
    remind: timedelta | None = None
    event: bool = False

    @property
    def memory(self) -> int:
        """How many sightings decide."""
        return max(self.runs, self.of or 0, self.recover)


def advance(alert: Alert, sighting: Sighting, policy: Policy) -> Alert:
    """Return the alert after a sighting; the same alert when it adds nothing."""
    seen = _with(alert.seen, sighting, policy.memory)
    if seen == alert.seen:
        return alert
    phase = _phase(alert.phase, seen, policy)
    severity, episode = alert.severity, alert.episode
    if phase.is_open and not alert.phase.is_open:
        episode += 1
        severity = _worst([one.severity for one in seen])
    elif phase.is_open:
        severity = _worst([severity, sighting.severity])
    elif alert.phase.is_open:
        severity = None
    return replace(alert, phase=phase, seen=seen, severity=severity, episode=episode, blocked_by="")


def closed(alert: Alert, at: datetime, reason: str) -> tuple[Alert, Transition]:
    """Return the alert after a person has ended it, and the change; a bad run begins anew."""
    after = replace(
        alert,
        phase=Phase.OK,
        seen=(),
        severity=None,
        blocked_by="",
        reason=f"{alert.reason}; {reason}",
    )
    change = Transition(
        key=alert.key, run_id="", at=at, before=alert.phase, after=after.phase, reason=reason
    )
    return after, change


def due(alert: Alert, policy: Policy, at: datetime) -> Kind | None:
    """Return the message that people should get now; what stops a message is asked elsewhere."""
    if policy.event:
        return Kind.TRIGGER if _is_news(alert, policy, at) else None
    if not alert.announced_as:
        return Kind.TRIGGER if alert.phase is Phase.FIRING else None
    if not alert.phase.is_open:
        return Kind.RESOLVE
    if alert.phase is Phase.FIRING:
        if rank(alert.severity) > rank(alert.announced_severity):
            return Kind.TRIGGER
        if policy.remind is not None and _elapsed(alert, at, policy.remind):
            return Kind.REMIND
    return None


def told(
    alert: Alert, kind: Kind, at: datetime, *, dedup_key: str, channels: tuple[str, ...] = ()
) -> Alert:
    """Return the alert after a message of a kind has left; of an event, with an empty key."""
    if kind is Kind.RESOLVE:
        dedup_key = ""
    return replace(
        alert,
        announced_as=dedup_key,
        announced_severity=alert.severity if dedup_key else None,
        channels=tuple(dict.fromkeys((*alert.channels, *channels))) if dedup_key else (),
        notified_at=at,
    )


def _with(seen: tuple[Sighting, ...], sighting: Sighting, memory: int) -> tuple[Sighting, ...]:
    """Return the sightings with one more, in order of time, and no more than are remembered."""
    if any(one.run_id == sighting.run_id for one in seen):
        return seen
    if len(seen) >= memory and _when(sighting) < _when(seen[0]):
        return seen
    return tuple(sorted((*seen, sighting), key=_when))[-memory:]


def _when(sighting: Sighting) -> tuple[datetime, str]:
    return (sighting.at, sighting.run_id)


def _phase(before: Phase, seen: Sequence[Sighting], policy: Policy) -> Phase:
    holds = _holds(seen, policy)
    good = sum(1 for _ in takewhile(lambda one: one.severity is None, reversed(seen)))
    if before.is_open:
        if good >= policy.recover and not holds:
            return Phase.OK
        return Phase.RECOVERING if good else Phase.FIRING
    if holds:
        return Phase.FIRING
    return Phase.OK if good else Phase.SOFT


def _holds(seen: Sequence[Sighting], policy: Policy) -> bool:
    """Whether it was bad often enough."""
    latest = seen[-(policy.of or policy.runs) :]
    return sum(1 for one in latest if one.severity is not None) >= policy.runs


def _worst(severities: Sequence[Severity | None]) -> Severity | None:
    return max(severities, key=rank, default=None)


def _is_news(alert: Alert, policy: Policy, at: datetime) -> bool:
    """Whether an event was seen since people were told, and that is long enough ago."""
    if alert.phase is not Phase.FIRING:
        return False
    if alert.notified_at is None:
        return True
    return alert.seen[-1].at > alert.notified_at and (
        policy.remind is None or _elapsed(alert, at, policy.remind)
    )


def _elapsed(alert: Alert, at: datetime, least: timedelta) -> bool:
    return alert.notified_at is None or at - alert.notified_at >= least

"""The records of escalation: alerts, what was decided about them, and messages on their way."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from fnmatch import fnmatchcase

from pytest_ddd.messages import Kind, Message, Severity

LONGEST_DEDUP_KEY = 255
"""Characters; PagerDuty's Events API v2 takes no more."""

LONGEST_SILENCE = timedelta(days=30)
"""A silence that outlives those who know its reason hides the next fault."""

_RANKS = {
    None: 0,
    Severity.INFO: 1,
    Severity.WARNING: 2,
    Severity.ERROR: 3,
    Severity.CRITICAL: 4,
}


def rank(severity: Severity | None) -> int:
    """Return how much a severity matters: a higher number matters more, None not at all."""
    return _RANKS[severity]


class Phase(StrEnum):
    """Where an alert stands."""

    OK = "ok"
    SOFT = "soft"
    """Bad, but not often enough to tell anybody."""
    FIRING = "firing"
    RECOVERING = "recovering"
    """Good again, but not often enough to believe it."""

    @property
    def is_open(self) -> bool:
        """Whether there is an incident."""
        return self in (Phase.FIRING, Phase.RECOVERING)


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class AlertKey:
    """What an alert is about, the same in every run: the identity of a result, and a rule.

    `fingerprint` tells the events of one log apart; it is empty for what has a state.
    """

    environment: str
    target: str
    check_id: str
    entry: str
    rule: str
    fingerprint: str = ""

    @property
    def identity(self) -> tuple[str, str, str, str]:
        """The identity of the results that it is about."""
        return (self.environment, self.check_id, self.target, self.entry)

    @property
    def dedup_key(self) -> str:
        """The incident that all messages about this alert belong to."""
        return dedup_key(
            self.environment, self.target, self.check_id, self.entry, self.rule, self.fingerprint
        )


def dedup_key(*parts: str) -> str:
    """Return one text for the parts of a key; a long one as its digest."""
    text = "/".join(("ddd", *(part for part in parts if part)))
    if len(text) <= LONGEST_DEDUP_KEY:
        return text
    return f"ddd:{hashlib.sha256(text.encode()).hexdigest()}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """What one run says about one alert: bad with its severity, or good (None)."""

    at: datetime
    run_id: str
    severity: Severity | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """The state of one alert.

    `announced_as` is the dedup key under which people were told of it and not yet told of its
    end; empty when there is nothing that a resolve could close. `blocked_by` is what the latest
    run named as the reason why it could not look.
    """

    key: AlertKey
    phase: Phase = Phase.OK
    seen: tuple[Sighting, ...] = ()
    severity: Severity | None = None
    episode: int = 0
    announced_as: str = ""
    announced_severity: Severity | None = None
    channels: tuple[str, ...] = ()
    """Who was told, and is told of the end."""
    notified_at: datetime | None = None
    blocked_by: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Transition:
    """One change of an alert's phase, and the run that caused it."""

    key: AlertKey
    run_id: str
    at: datetime
    before: Phase
    after: Phase
    reason: str = ""


class Suppression(StrEnum):
    """Why nobody was told, in the order in which the reasons are asked."""

    DRY_RUN = "dry run"
    SILENCE = "silence"
    WINDOW = "maintenance window"
    BLOCKED = "blocked by its parent"
    ACKNOWLEDGED = "acknowledged"


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """One escalation that was decided: a message, or the reason why there is none.

    `reference` names the silence, window, parent or acknowledgement that stopped it.
    """

    key: AlertKey
    episode: int
    run_id: str
    at: datetime
    kind: Kind
    severity: Severity
    summary: str
    suppressed: Suppression | None = None
    reference: str = ""
    dedup_key: str = ""
    channels: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    """The command that is proposed, word by word."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Matcher:
    """Which alerts are meant: globs, of which each must match; an empty one matches all."""

    environment: str = ""
    target: str = ""
    check: str = ""
    entry: str = ""
    rule: str = ""

    def matches(self, key: AlertKey) -> bool:
        """Whether an alert is meant."""
        return _like(key.rule, self.rule) and self.matches_identity(key.identity)

    def matches_identity(self, identity: tuple[str, str, str, str]) -> bool:
        """Whether results of an identity are meant, whatever the rule.

        A check matches by its whole id, or by the part after the scenario.
        """
        environment, check_id, target, entry = identity
        return (
            _like(environment, self.environment)
            and (_like(check_id, self.check) or _like(check_id.rpartition("/")[2], self.check))
            and _like(target, self.target)
            and _like(entry, self.entry)
        )


def _like(text: str, pattern: str) -> bool:
    return not pattern or fnmatchcase(text, pattern)


@dataclass(frozen=True, slots=True, kw_only=True)
class Silence:
    """Nobody is told of some alerts until it ends; every silence ends."""

    silence_id: str
    matcher: Matcher
    starts_at: datetime
    ends_at: datetime
    author: str
    reason: str
    hits: int = 0
    """How many messages it has stopped so far."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Acknowledgement:
    """Somebody works on one episode of an alert; it expires, and ends with the episode."""

    key: AlertKey
    episode: int
    severity: Severity | None
    until: datetime
    author: str
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """One message for one channel, and who gets it when that channel fails."""

    message: Message
    channel: str
    fallback: tuple[str, ...] = ()
    fallback_after_s: float | None = None
    """Tell the fallback channels once the message has waited this long."""


class Delivery(StrEnum):
    """Where a message on its way stands."""

    PENDING = "pending"
    INFLIGHT = "inflight"
    """Somebody holds its lease and is sending it."""
    DELIVERED = "delivered"
    DEAD = "dead"
    """It will never arrive as it is; a person has to look."""
    SUPERSEDED = "superseded"
    """A resolve of what never arrived: there is nothing to close."""
    DROPPED = "dropped"
    """A person has seen that it is dead."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parcel:
    """A message in the outbox, with what became of it so far."""

    parcel_id: int
    outgoing: Outgoing
    state: Delivery
    created_at: datetime
    next_at: datetime
    attempts: int = 0
    fell_back: bool = False
    """Whether the fallback channels have been told."""
    error: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """What one try to send a parcel came to."""

    parcel: Parcel
    at: datetime
    state: Delivery
    error: str = ""
    next_at: datetime | None = None
    """When to try again."""
    fall_back: bool = False
    """Whether the fallback channels are told now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """What one look at new results came to; it is written as a whole or not at all."""

    result_ids: tuple[str, ...] = ()
    """The results that it covers: nobody looks at them again."""
    alerts: tuple[Alert, ...] = ()
    transitions: tuple[Transition, ...] = ()
    decisions: tuple[Decision, ...] = ()
    outgoing: tuple[Outgoing, ...] = ()
    idle_rules: tuple[str, ...] = ()
    """Rules of the scenarios that ran which match no check: nothing can ever set them off."""
    counts: bool = True
    """Whether people could be told: only then the number of escalations means something."""

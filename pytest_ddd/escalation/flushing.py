"""Send what is in the outbox: one message at a time, in a bounded time."""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from pytest_ddd import clock
from pytest_ddd.alerts import Attempt, Delivery, Parcel
from pytest_ddd.escalation.interface import Channel
from pytest_ddd.messages import DeliveryError, NotNowError

BUDGET_S = 20.0
"""How long the end of a run may wait for channels, all together."""

LEASE_S = 60.0
"""Longer than any send: whoever holds a lease and is silent for so long is dead."""

SEND_S = 10.0
"""How long one message may take."""

FIRST_WAIT_S = 5.0
LONGEST_WAIT_S = 900.0
"""Full jitter between nothing and 5 s, 10 s, 20 s … up to 15 minutes, so that many who wait for
one server do not come back together (https://aws.amazon.com/blogs/architecture/
exponential-backoff-and-jitter/)."""

LONGEST_AGE = timedelta(hours=24)
"""Older news help nobody: the message is dead, and a person is told so."""

MOST_FAILURES = 3
"""A channel that fails so often in a row is left alone until the next flush."""

_SHORTEST_S = 0.5
_RANDOM = secrets.SystemRandom()


class Outbox(Protocol):
    """The messages on their way; each call is a transaction of its own."""

    def claim(self, channels: Collection[str], *, now: datetime, lease_s: float) -> Parcel | None:
        """Take the lease of the oldest message that is due; None when there is none.

        Of one incident and channel only the oldest is ever due: nothing overtakes.
        """

    def settle(self, attempt: Attempt) -> bool:
        """Write down what became of a parcel; False when its lease was lost meanwhile."""

    def next_at(self, channels: Collection[str]) -> datetime | None:
        """Return when the next message for one of these channels is due; None for never.

        One that another process has in hand is due all the while: only that one knows its end.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class Flushed:
    """What a flush came to."""

    delivered: int = 0
    failed: int = 0
    lost: int = 0
    """Leases that ran out while the message was sent: it may arrive twice."""
    resting: frozenset[str] = frozenset()
    """Channels that failed so often that they are left alone."""


def flush(outbox: Outbox, channels: Mapping[str, Channel], *, budget_s: float) -> Flushed:
    """Send what is due, and what becomes due within the budget; wait for what others are sending.

    Args:
        outbox: where the messages are.
        channels: the channels that this process knows; messages for others are left alone.
        budget_s: for everything; a message that has begun may take all that is left.
    """
    deadline = clock.monotonic() + budget_s
    failures: Counter[str] = Counter()
    counts: Counter[str] = Counter()
    while True:
        left = deadline - clock.monotonic()
        usable = [name for name in channels if failures[name] < MOST_FAILURES]
        if left < _SHORTEST_S or not usable:
            break
        parcel = outbox.claim(usable, now=clock.now(), lease_s=LEASE_S)
        if parcel is None:
            if not _waited(outbox, usable, left):
                break
            continue
        name = parcel.outgoing.channel
        attempt = _try(parcel, channels[name], timeout_s=min(SEND_S, left))
        is_transient = attempt.state is Delivery.PENDING
        failures[name] = failures[name] + 1 if is_transient else 0
        counts["lost"] += not outbox.settle(attempt)
        counts["delivered" if attempt.state is Delivery.DELIVERED else "failed"] += 1
    resting = frozenset(name for name in channels if failures[name] >= MOST_FAILURES)
    return Flushed(**counts, resting=resting)


def _waited(outbox: Outbox, channels: Collection[str], left_s: float) -> bool:
    """Wait for the next message that is due within the time left; False when there is none."""
    next_at = outbox.next_at(channels)
    if next_at is None:
        return False
    wait_s = (next_at - clock.now()).total_seconds()
    if wait_s > left_s - _SHORTEST_S:
        return False
    clock.wait(max(wait_s, 0.05))
    return True


def _try(parcel: Parcel, channel: Channel, *, timeout_s: float) -> Attempt:
    try:
        channel.send(parcel.outgoing.message, timeout_s=timeout_s)
    except NotNowError as reason:
        return _later(parcel, reason.message, reason.retry_after_s)
    except DeliveryError as reason:
        return _dead(parcel, str(reason))
    except Exception as reason:  # noqa: BLE001 - a channel of a user may raise anything
        return _later(parcel, f"{type(reason).__name__}: {reason}", None)
    return Attempt(parcel=parcel, at=clock.now(), state=Delivery.DELIVERED)


def _later(parcel: Parcel, error: str, retry_after_s: float | None) -> Attempt:
    now = clock.now()
    age = now - parcel.created_at
    if age > LONGEST_AGE:
        return _dead(parcel, f"{error} (for more than 24 hours)")
    longest = min(LONGEST_WAIT_S, FIRST_WAIT_S * 2.0 ** min(parcel.attempts - 1, 16))
    wait_s = retry_after_s if retry_after_s is not None else _RANDOM.uniform(0, longest)
    after_s = parcel.outgoing.fallback_after_s
    return Attempt(
        parcel=parcel,
        at=now,
        state=Delivery.PENDING,
        error=error,
        next_at=now + timedelta(seconds=min(max(0.0, wait_s), LONGEST_AGE.total_seconds())),
        fall_back=after_s is not None and age >= timedelta(seconds=after_s),
    )


def _dead(parcel: Parcel, error: str) -> Attempt:
    return Attempt(parcel=parcel, at=clock.now(), state=Delivery.DEAD, error=error, fall_back=True)

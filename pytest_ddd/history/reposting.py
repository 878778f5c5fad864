"""Say which delivered messages a receiver that forgets has to be told again."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Connection, and_, func, or_, select

from pytest_ddd.alerts import Delivery
from pytest_ddd.history.alert_tables import ALERTS, DELIVERIES, OUTBOX
from pytest_ddd.jsonable import from_json
from pytest_ddd.messages import Kind, Message

ENDED_FOR = timedelta(minutes=15)
"""How long an end is said again: three of Alertmanager's default group intervals."""


def standing(tx: Connection, environment: str, channel: str, now: datetime) -> list[Message]:
    """Return the last message of each incident that is open, or that ended a moment ago.

    What is still on its way is left to the outbox.
    """
    newest = (
        select(func.max(OUTBOX.c.id))
        .where(OUTBOX.c.channel == channel, OUTBOX.c.environment == environment)
        .where(OUTBOX.c.kind != Kind.INFO)
        .group_by(OUTBOX.c.dedup_key)
    )
    is_open = and_(
        OUTBOX.c.kind != Kind.RESOLVE,
        OUTBOX.c.dedup_key.in_(select(ALERTS.c.announced_as).where(ALERTS.c.announced_as != "")),
    )
    just_now = select(DELIVERIES.c.parcel).where(
        DELIVERIES.c.at > now - ENDED_FOR, DELIVERIES.c.state == Delivery.DELIVERED
    )
    has_ended = and_(OUTBOX.c.kind == Kind.RESOLVE, OUTBOX.c.id.in_(just_now))
    chosen = (
        select(OUTBOX.c.message)
        .where(OUTBOX.c.id.in_(newest), OUTBOX.c.state == Delivery.DELIVERED)
        .where(or_(is_open, has_ended))
        .order_by(OUTBOX.c.id)
    )
    return [from_json(Message, message) for (message,) in tx.execute(chosen)]

"""The outbox: messages that were decided and have to arrive, whatever happens meanwhile.

A message is written in the transaction that decided it. To send one, a process takes its lease,
sends outside of any transaction, and writes down what came of it. If the process dies in between,
the lease ends and another one sends the message again, with the same identity.
"""

from __future__ import annotations

import os
import platform
import uuid
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta

from sqlalchemy import (
    ColumnElement,
    Connection,
    RowMapping,
    and_,
    exists,
    func,
    insert,
    or_,
    select,
    update,
)

from pytest_ddd.alerts import Attempt, Delivery, Outgoing, Parcel
from pytest_ddd.history.alert_tables import DELIVERIES, OUTBOX
from pytest_ddd.history.store import Store
from pytest_ddd.jsonable import from_json, to_json
from pytest_ddd.messages import Kind, Message
from pytest_ddd.redaction import DEFAULT

_ON_THE_WAY = (Delivery.PENDING, Delivery.INFLIGHT)
_NOT_ARRIVED = (*_ON_THE_WAY, Delivery.DEAD)
_CLOSED = (Delivery.DELIVERED, Delivery.SUPERSEDED)


def put(tx: Connection, outgoing: Iterable[Outgoing], now: datetime) -> None:
    """Put messages into the outbox, in their order."""
    values = [
        {
            "environment": one.message.environment,
            "channel": one.channel,
            "dedup_key": one.message.dedup_key,
            "kind": one.message.kind,
            "state": Delivery.PENDING,
            "created_at": now,
            "next_at": now,
            "fallback": list(one.fallback),
            "fallback_after_s": one.fallback_after_s,
            "message": to_json(one.message, DEFAULT.clean),
        }
        for one in outgoing
    ]
    if values:
        tx.execute(insert(OUTBOX), values)


class StoredOutbox:
    """The outbox of a store, as one process uses it."""

    def __init__(self, store: Store, *, environment: str = "") -> None:
        self._store, self._environment = store, environment
        self._worker = f"{platform.node()} {os.getpid()} {uuid.uuid4().hex[:8]}"

    def claim(self, channels: Collection[str], *, now: datetime, lease_s: float) -> Parcel | None:
        """Take the lease of the oldest message that is due; None when there is none.

        Of one incident and channel only the oldest is ever due: nothing overtakes.
        """
        with self._store.transaction() as tx:
            while (row := self._oldest(tx, channels, now)) is not None:
                if _has_nothing_to_close(tx, row):
                    _close(tx, row, Delivery.SUPERSEDED, now)
                    continue
                values = {
                    "state": Delivery.INFLIGHT,
                    "locked_by": self._worker,
                    "locked_until": now + timedelta(seconds=lease_s),
                    "attempts": row["attempts"] + 1,
                }
                tx.execute(update(OUTBOX).where(OUTBOX.c.id == row["id"]).values(values))
                return _parcel({**row, **values})
        return None

    def settle(self, attempt: Attempt) -> bool:
        """Write down what became of a parcel; False when its lease was lost meanwhile."""
        with self._store.transaction(durable=True) as tx:
            held = and_(
                OUTBOX.c.id == attempt.parcel.parcel_id,
                OUTBOX.c.state == Delivery.INFLIGHT,
                OUTBOX.c.locked_by == self._worker,
            )
            row = tx.execute(select(OUTBOX).where(held).with_for_update()).mappings().first()
            if row is None:
                return False
            _write(tx, row, attempt)
        return True

    def next_at(self, channels: Collection[str]) -> datetime | None:
        """Return when the next message for one of these channels is due; None for never.

        One that another process has in hand is due all the while: only that one knows its end.
        """
        with self._store.reading() as tx:
            chosen = and_(OUTBOX.c.state.in_(_ON_THE_WAY), self._ours(channels))
            found: datetime | None = tx.execute(
                select(func.min(OUTBOX.c.next_at)).where(chosen, _is_first())
            ).scalar()
        return found

    def undelivered(self) -> Sequence[Parcel]:
        """Return what has not arrived and no person has dropped, oldest first."""
        with self._store.reading() as tx:
            return undelivered(tx, self._environment)

    def _ours(self, channels: Collection[str]) -> ColumnElement[bool]:
        here = OUTBOX.c.channel.in_(list(channels))
        return and_(here, OUTBOX.c.environment == self._environment) if self._environment else here

    def _oldest(
        self, tx: Connection, channels: Collection[str], now: datetime
    ) -> RowMapping | None:
        is_due = or_(
            and_(OUTBOX.c.state == Delivery.PENDING, OUTBOX.c.next_at <= now),
            and_(OUTBOX.c.state == Delivery.INFLIGHT, OUTBOX.c.locked_until < now),
        )
        chosen = select(OUTBOX).where(self._ours(channels), is_due, _is_first())
        oldest = chosen.order_by(OUTBOX.c.id).limit(1).with_for_update(skip_locked=True)
        return tx.execute(oldest).mappings().first()


def undelivered(tx: Connection, environment: str = "") -> list[Parcel]:
    """Return what has not arrived and no person has dropped, oldest first."""
    chosen = select(OUTBOX).where(OUTBOX.c.state.in_(_NOT_ARRIVED)).order_by(OUTBOX.c.id)
    if environment:
        chosen = chosen.where(OUTBOX.c.environment == environment)
    return [_parcel(row) for row in tx.execute(chosen).mappings()]


def retry(tx: Connection, numbers: Collection[int], now: datetime) -> list[Parcel]:
    """Have messages sent again that had not arrived, and the resolves that followed them."""
    found = [one for one in undelivered(tx) if not numbers or one.parcel_id in numbers]
    for one in found:
        is_same = and_(
            OUTBOX.c.channel == one.outgoing.channel,
            OUTBOX.c.dedup_key == one.outgoing.message.dedup_key,
            OUTBOX.c.id > one.parcel_id,
            OUTBOX.c.state == Delivery.SUPERSEDED,
        )
        is_it = and_(OUTBOX.c.id == one.parcel_id, OUTBOX.c.state != Delivery.INFLIGHT)
        again = update(OUTBOX).where(or_(is_it, is_same))
        tx.execute(again.values(state=Delivery.PENDING, next_at=now, created_at=now))
    return found


def drop(tx: Connection, numbers: Collection[int]) -> list[Parcel]:
    """Give up dead messages that a person has seen; return them."""
    found = [
        one for one in undelivered(tx) if one.parcel_id in numbers and one.state is Delivery.DEAD
    ]
    chosen = OUTBOX.c.id.in_([one.parcel_id for one in found])
    tx.execute(update(OUTBOX).where(chosen).values(state=Delivery.DROPPED))
    return found


def _is_first() -> ColumnElement[bool]:
    """Whether nothing older of the same incident and channel is on its way."""
    older = OUTBOX.alias("older")
    return ~exists().where(
        older.c.channel == OUTBOX.c.channel,
        older.c.dedup_key == OUTBOX.c.dedup_key,
        older.c.id < OUTBOX.c.id,
        older.c.state.in_(_ON_THE_WAY),
    )


def _incident(tx: Connection, row: RowMapping) -> list[RowMapping]:
    """Return what was sent before a message about its incident, since it was last closed."""
    chosen = select(OUTBOX).where(
        OUTBOX.c.channel == row["channel"],
        OUTBOX.c.dedup_key == row["dedup_key"],
        OUTBOX.c.id < row["id"],
    )
    found: list[RowMapping] = []
    for older in tx.execute(chosen.order_by(OUTBOX.c.id.desc())).mappings():
        if older["kind"] == Kind.RESOLVE and older["state"] in _CLOSED:
            break
        found.append(older)
    return found


def _has_nothing_to_close(tx: Connection, row: RowMapping) -> bool:
    if row["kind"] != Kind.RESOLVE:
        return False
    states = {older["state"] for older in _incident(tx, row)}
    return bool(states) and Delivery.DELIVERED not in states


def _write(tx: Connection, row: RowMapping, attempt: Attempt) -> None:
    error = DEFAULT.clean(attempt.error)
    values = {
        "state": attempt.state,
        "error": error,
        "next_at": attempt.next_at or row["next_at"],
        "locked_by": "",
        "locked_until": None,
    }
    is_new = attempt.fall_back and not row["fell_back"]
    tx.execute(
        update(OUTBOX)
        .where(OUTBOX.c.id == row["id"])
        .values(**values, fell_back=row["fell_back"] or is_new)
    )
    tx.execute(
        insert(DELIVERIES),
        {"parcel": row["id"], "at": attempt.at, "state": attempt.state, "error": error},
    )
    if is_new or (row["kind"] == Kind.RESOLVE and attempt.state not in _ON_THE_WAY):
        _tell_others(tx, row, attempt.at, error=error)


def _close(tx: Connection, row: RowMapping, state: Delivery, now: datetime) -> None:
    tx.execute(update(OUTBOX).where(OUTBOX.c.id == row["id"]).values(state=state))
    _tell_others(tx, row, now, error="")


def _tell_others(tx: Connection, row: RowMapping, now: datetime, *, error: str) -> None:
    """Put a copy into the outbox for each fallback channel.

    They hear of an end only if they heard of the beginning.
    """
    if row["kind"] == Kind.RESOLVE and not any(one["fell_back"] for one in _incident(tx, row)):
        return
    message = dict(row["message"])
    message["message_id"] = uuid.uuid4().hex
    if row["kind"] != Kind.RESOLVE:
        why = f"not delivered through {row['channel']}: {error or 'too slow'}"
        message["details"] = {**message["details"], "fallback": why}
    copies = [
        Outgoing(message=from_json(Message, message), channel=name) for name in row["fallback"]
    ]
    put(tx, copies, now)


def _parcel(row: RowMapping | dict[str, object]) -> Parcel:
    found = dict(row)
    return Parcel(
        parcel_id=found["id"],
        outgoing=Outgoing(
            message=from_json(Message, found["message"]),
            channel=found["channel"],
            fallback=tuple(found["fallback"]),
            fallback_after_s=found["fallback_after_s"],
        ),
        state=Delivery(found["state"]),
        created_at=found["created_at"],
        next_at=found["next_at"],
        attempts=found["attempts"],
        fell_back=found["fell_back"],
        error=found["error"],
    )

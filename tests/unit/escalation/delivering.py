"""An outbox, the pager that it is sent to, and a channel in memory."""

from __future__ import annotations

from sqlalchemy import select

from pytest_ddd.alerts import Outgoing
from pytest_ddd.escalation.flushing import Flushed, flush
from pytest_ddd.history import outbox
from pytest_ddd.history.alert_tables import OUTBOX
from pytest_ddd.history.outbox import StoredOutbox
from pytest_ddd.history.store import Store
from pytest_ddd.messages import Kind, Message, Severity
from tests.support.flusher import pager
from tests.unit.escalation.conftest import START


def message(number: int = 0, kind: Kind = Kind.TRIGGER) -> Message:
    return Message(
        message_id=f"{kind.value}-{number}",
        kind=kind,
        severity=Severity.CRITICAL,
        dedup_key=f"ddd/prod/web{number}",
        summary=f"web{number} is down",
        environment="prod",
        occurred_at=START,
    )


def put(store: Store, *messages: Message, fallback=(), fallback_after_s=None) -> None:
    found = [
        Outgoing(
            message=one,
            channel="pager",
            fallback=fallback,
            fallback_after_s=fallback_after_s,
        )
        for one in messages
    ]
    with store.transaction() as tx:
        outbox.put(tx, found, START)


def states(store: Store) -> list[str]:
    with store.reading() as tx:
        return list(tx.execute(select(OUTBOX.c.state).order_by(OUTBOX.c.id)).scalars())


def one_round(store: Store, url: str, budget_s: float = 20.0) -> Flushed:
    return flush(StoredOutbox(store), {"pager": pager(url)}, budget_s=budget_s)


class Heard:
    """A channel in memory."""

    def __init__(self, *, fails: Exception | None = None, before=None) -> None:
        self.messages: list[Message] = []
        self._fails, self._before = fails, before

    def send(self, message: Message, *, timeout_s: float) -> None:
        if self._before is not None:
            self._before()
        if self._fails is not None:
            raise self._fails
        self.messages.append(message)

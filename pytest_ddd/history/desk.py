"""Everything that escalation needs of a history, for one environment."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial

from pytest_ddd.history.alerts import AlertBook, open_book
from pytest_ddd.history.outbox import StoredOutbox
from pytest_ddd.history.proposals import StoredLedger
from pytest_ddd.history.store import Store

Books = Callable[[], AbstractContextManager[AlertBook]]


def desk(
    store: Store, environment: str, run_id: str = ""
) -> tuple[Books, StoredOutbox, StoredLedger]:
    """Return what opens the book of alerts, the outbox, and the ledger of commands.

    Args:
        store: an open history.
        environment: whose alerts and messages.
        run_id: results of this run are new, although it may not be over.
    """
    books = partial(open_book, store, environment, run_id=run_id)
    return books, StoredOutbox(store, environment=environment), StoredLedger(store)

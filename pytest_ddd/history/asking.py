"""What checks may ask the history for: readings of earlier runs."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import Select, select

from pytest_ddd import clock
from pytest_ddd.errors import CannotLookError, RecordError
from pytest_ddd.history.store import Store
from pytest_ddd.history.tables import READINGS, RESULTS, RUNS
from pytest_ddd.jsonable import from_json
from pytest_ddd.occurrences import State
from pytest_ddd.results import Reading


class History:
    """The history of one environment, as the fixture `history` hands it to checks.

    Opened at the first question; each process has its own.

    Args:
        url: of the history; None when it is off.
        root: the site.
        environment: whose readings.
    """

    def __init__(self, url: str | None, root: Path, environment: str) -> None:
        self._url, self._root, self._environment = url, root, environment
        self._store: Store | None = None

    def readings(
        self, name: str, *, target: str = "", entry: str = "", days: float = 90
    ) -> tuple[Reading, ...]:
        """Return the readings of a name from runs that are over, oldest first.

        Args:
            name: what people call it: `disk /var`.
            target: only of this target; empty for all.
            entry: only of this entry; empty for all.
            days: how far back.

        Raises:
            CannotLookError: there is no history, or it cannot be read.
        """
        since = clock.now() - timedelta(days=days)
        wanted = _of(self._environment, name, since)
        if target:
            wanted = wanted.where(RESULTS.c.target == target)
        if entry:
            wanted = wanted.where(RESULTS.c.entry == entry)
        try:
            with self._open().reading() as tx:
                records = tx.execute(wanted).scalars().all()
            return tuple(from_json(Reading, json.loads(str(record))) for record in records)
        except RecordError as error:
            raise CannotLookError(error.message, hint=error.hint) from error

    def close(self) -> None:
        """Close what was opened."""
        if self._store is not None:
            self._store.close()
            self._store = None

    def _open(self) -> Store:
        if self._url is None:
            hint = "leave out --ddd-history off"
            raise CannotLookError("there is no history to ask", hint=hint)
        if self._store is None:
            self._store = Store.open(self._url, self._root)
        return self._store


def _of(environment: str, name: str, since: datetime) -> Select[tuple[object, ...]]:
    return (
        select(READINGS.c.record)
        .join(RESULTS, (RESULTS.c.run == READINGS.c.run) & (RESULTS.c.seq == READINGS.c.seq))
        .join(RUNS, RUNS.c.id == READINGS.c.run)
        .where(
            RUNS.c.environment == environment,
            RUNS.c.state != State.RUNNING,
            RUNS.c.started_at >= since,
            READINGS.c.name == name,
        )
        .order_by(READINGS.c.at, READINGS.c.run, READINGS.c.seq, READINGS.c.n)
    )

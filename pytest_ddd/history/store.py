"""The store: one database, its transactions, and errors that a person can mend.

What can be done in it stands in modules of their own, as functions that take the connection of a
transaction first (`runs.begin(tx, …)`), so that several of them can be one transaction:

    with store.transaction() as tx:
        key = runs.begin(tx, start)
    with store.appending() as tx:
        runs.add(tx, key, seq, result)
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

from sqlalchemy import URL, Connection, Engine
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from pytest_ddd.errors import RecordError
from pytest_ddd.history import migrating
from pytest_ddd.history.engine import DURABLE, READ_ONLY, Direct, connect, directly, parse
from pytest_ddd.redaction import DEFAULT


class Store:
    """One open history. Safe for threads; each process opens its own."""

    def __init__(self, engine: Engine, url: URL) -> None:
        self.url = url
        self._engine = engine

    @classmethod
    def open(cls, url: str, root: Path) -> Self:
        """Open a history, and make or upgrade its tables.

        Args:
            url: `sqlite:///PATH` or `postgresql://…`.
            root: where a relative path counts from.

        Raises:
            UsageError: no such kind of database, or its driver is not installed.
            RecordError: it cannot be opened or upgraded, or is newer than this program.
        """
        parsed = parse(url, root)
        store = cls(connect(parsed), parsed)
        try:
            with store._translated():
                migrating.bring_up_to_date(store._engine)
        except BaseException:
            store.close()
            raise
        return store

    @property
    def name(self) -> str:
        """The place of this history as messages show it, without a password."""
        if self.url.get_backend_name() == "sqlite":
            return str(self.url.database)
        return self.url.render_as_string(hide_password=True)

    @contextmanager
    def transaction(self, *, durable: bool = False) -> Iterator[Connection]:
        """Write: all of it or, after any exception, nothing. Takes the write lock at once.

        Args:
            durable: whether the commit is on the disk when this returns. Without it a loss of
                power can take the last moments, and the death of the process takes nothing.

        Raises:
            RecordError: it could not be written.
        """
        with self._translated(), self._engine.connect() as connection:
            if durable:
                connection.execution_options(**{DURABLE: True})
            with connection.begin():
                yield connection

    @contextmanager
    def appending(self) -> Iterator[Direct]:
        """Write whole rows (`runs.add`): all of them or, after any exception, nothing; fast.

        Raises:
            RecordError: they could not be written.
        """
        with self._translated(), directly(self._engine) as tx:
            yield tx

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Read one consistent state; waits for no writer.

        Raises:
            RecordError: it could not be read.
        """
        with self._translated(), self._engine.connect() as connection:
            connection.execution_options(**{READ_ONLY: True})
            with connection.begin():
                yield connection

    def close(self) -> None:
        """Close all connections."""
        self._engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except (SQLAlchemyError, self._engine.dialect.loaded_dbapi.Error) as error:
            # The statement and its values stay out: they may be long and are not for people.
            cause = str(error.orig) if isinstance(error, DBAPIError) else str(error)
            first = DEFAULT.scrub(cause.strip().split("\n", 1)[0])
            raise RecordError(f"history {self.name}: {first}", hint=self._hint()) from error

    def _hint(self) -> str:
        if self.url.get_backend_name() == "sqlite":
            return f"ls -l {self.name}; df {self.name}"
        return "psql " + self.url.set(drivername="postgresql", password=None).render_as_string()

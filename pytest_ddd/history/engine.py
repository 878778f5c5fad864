"""Opens the database: SQLite in WAL mode, where every write takes the lock first, or PostgreSQL.

SQLite takes its write lock at the first write of a transaction; two that have read before then
wait for each other and one loses at once, whatever the timeout. BEGIN IMMEDIATE takes it at the
start, so that writers queue up (https://www.sqlite.org/lang_transaction.html).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from sqlite3 import Connection as Driver
from sqlite3 import OperationalError as Busy
from typing import Any

from sqlalchemy import URL, Connection, Dialect, Engine, create_engine, event, make_url
from sqlalchemy.engine.interfaces import DBAPICursor
from sqlalchemy.exc import ArgumentError, NoSuchModuleError
from sqlalchemy.pool import ConnectionPoolEntry, PoolProxiedConnection

from pytest_ddd import clock
from pytest_ddd.errors import UsageError
from pytest_ddd.history import places

BUSY_S = 30.0
"""How long a writer waits for the others."""

_RETRY_S = 0.02
_CONNECT_S = 15
"""How long PostgreSQL may take to answer at all; `?connect_timeout=` in the URL says otherwise."""

DURABLE = "ddd_durable"
"""Execution option: the commit is on the disk when it returns."""
READ_ONLY = "ddd_read_only"
"""Execution option: take no write lock."""

_FORMS = "write sqlite:///path/history.db or postgresql://user@server/database"


def parse(text: str, root: Path) -> URL:
    """Return the URL of a history; a relative SQLite path counts from `root`.

    Raises:
        UsageError: the text is no URL of SQLite or PostgreSQL.
    """
    try:
        url = make_url(text)
    except ArgumentError:
        raise UsageError("--ddd-history: not a URL", hint=_FORMS) from None
    if url.drivername in ("postgresql", "postgres"):
        return url.set(drivername="postgresql+psycopg")
    if url.drivername == "sqlite" and url.database not in (None, "", ":memory:"):
        assert url.database is not None
        return url.set(database=str(root / url.database))
    if url.drivername == "postgresql+psycopg":
        return url
    raise UsageError(f"--ddd-history: {url.drivername}: no such history", hint=_FORMS)


def connect(url: URL) -> Engine:
    """Return an engine for a URL that `parse` returned; nothing is opened yet but files.

    Raises:
        UsageError: the driver for PostgreSQL is not installed.
        RecordError: the SQLite file cannot be made, or lies on a network file system.
    """
    if url.get_backend_name() == "sqlite":
        assert url.database is not None
        places.prepare(Path(url.database))
        return _sqlite(url)
    try:
        timeout = {} if "connect_timeout" in url.query else {"connect_timeout": _CONNECT_S}
        return create_engine(url, pool_pre_ping=True, connect_args=timeout)
    except (ImportError, NoSuchModuleError):
        hint = "pip install 'pytest-ddd[postgresql]'"
        raise UsageError("--ddd-history: the driver psycopg is not installed", hint=hint) from None


@dataclass(frozen=True, slots=True)
class Direct:
    """A transaction of the driver itself, for whole rows of plain values.

    A run makes one for each result, and SQLAlchemy would be half of what that costs.
    """

    dialect: Dialect
    _cursor: DBAPICursor

    def exec_driver_sql(self, statement: str, rows: Sequence[Mapping[str, Any]]) -> None:
        """Do a statement of the driver once for each row."""
        self._cursor.executemany(statement, rows)


@contextmanager
def directly(engine: Engine) -> Iterator[Direct]:
    """Begin a transaction, and commit it; after any exception nothing of it is there."""
    with closing(engine.raw_connection()) as connection:  # the pool rolls back what is open
        if engine.dialect.name == "sqlite":
            _begin_writing(connection)
        yield Direct(engine.dialect, connection.cursor())
        connection.commit()


def _sqlite(url: URL) -> Engine:
    engine = create_engine(url, connect_args={"timeout": BUSY_S})
    event.listen(engine, "connect", _prepare_connection)
    event.listen(engine, "begin", _begin)
    return engine


def _prepare_connection(driver: Driver, entry: ConnectionPoolEntry) -> None:
    driver.isolation_level = None  # we begin transactions ourselves
    _use_wal(driver)
    driver.execute("PRAGMA foreign_keys=ON")


def _use_wal(driver: Driver) -> None:
    """Switch to WAL; SQLite does not wait for others here, so we do."""
    until = clock.monotonic() + BUSY_S
    while True:
        try:
            driver.execute("PRAGMA journal_mode=WAL")
        except Busy:
            if clock.monotonic() > until:
                raise
            clock.wait(_RETRY_S)
        else:
            return


def _begin(connection: Connection) -> None:
    options = connection.get_execution_options()
    if options.get(READ_ONLY):
        connection.connection.cursor().execute("BEGIN")
    else:
        _begin_writing(connection.connection, "FULL" if options.get(DURABLE) else "NORMAL")


def _begin_writing(connection: PoolProxiedConnection, synchronous: str = "NORMAL") -> None:
    driver, info = connection.driver_connection, connection.info
    assert isinstance(driver, Driver)
    if info.get(DURABLE) != synchronous:
        driver.execute(f"PRAGMA synchronous={synchronous}")
        info[DURABLE] = synchronous
    driver.execute("BEGIN IMMEDIATE")

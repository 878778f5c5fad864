"""Opens the database: SQLite in WAL mode, where every write takes the lock first, or PostgreSQL.

SQLite takes its write lock at the first write of a transaction; two that have read before then
wait for each other and one loses at once, whatever the timeout. BEGIN IMMEDIATE takes it at the
start, so that writers queue up (https://www.sqlite.org/lang_transaction.html).
"""

from __future__ import annotations

from pathlib import Path
from sqlite3 import Connection as Driver
from sqlite3 import OperationalError as Busy

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError
from sqlalchemy.pool import ConnectionPoolEntry

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
    driver = connection.connection.driver_connection
    assert isinstance(driver, Driver)  # directly: three statements a result go through here
    if options.get(READ_ONLY):
        driver.execute("BEGIN")
        return
    driver.execute(f"PRAGMA synchronous={'FULL' if options.get(DURABLE) else 'NORMAL'}")
    driver.execute("BEGIN IMMEDIATE")

"""How a session that cannot write is opened and cut off, for each kind of database."""

from __future__ import annotations

import math
import socket
import sqlite3
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Protocol
from urllib.parse import quote

from pytest_ddd.errors import CannotLookError

if TYPE_CHECKING:
    from sqlalchemy import URL, Engine
    from sqlalchemy.engine import ExceptionContext

SESSIONS = 8
"""Most sessions that one run opens to one database at the same time."""

_LEAST_CONNECT_S = 2
"""libpq takes anything shorter for this."""


class Dialect(Protocol):
    """One kind of database."""

    def open(self, url: URL, timeout_s: float) -> Engine:
        """Return an engine whose sessions cannot write and end their queries after a time."""

    def cut(self, connection: object) -> None:
        """Make a query that hangs end now, whatever the server does; from another thread."""


class Postgresql:
    """PostgreSQL by psycopg 3.

    Three locks: sessions are read-only by default, transactions are begun READ ONLY, and each
    query is declared as a cursor, which takes one reading statement and nothing else.
    """

    def open(self, url: URL, timeout_s: float) -> Engine:
        """Return an engine; the server itself ends statements after `timeout_s`."""
        limit_ms = math.ceil(timeout_s * 1000)
        settings = {
            "default_transaction_read_only": "on",
            "statement_timeout": str(limit_ms),
            "lock_timeout": str(limit_ms),
            "idle_in_transaction_session_timeout": str(2 * limit_ms),
        }
        wanted = " ".join(f"-c {name}={value}" for name, value in settings.items())
        own = url.query.get("options", "")
        own = " ".join(own) if isinstance(own, tuple) else own
        engine = _engine(
            url.set(drivername="postgresql+psycopg"),
            timeout_s,
            {
                "options": f"{own} {wanted}".strip(),
                "connect_timeout": max(_LEAST_CONNECT_S, math.ceil(timeout_s)),
                "application_name": "pytest-ddd",
            },
            {"postgresql_readonly": True, "stream_results": True, "no_parameters": True},
        )
        _close_lost_cursors(engine)
        return engine

    def cut(self, connection: object) -> None:
        """Shut the socket: its reader wakes up, and a frozen server need not agree."""
        with suppress(Exception):  # it may have been closed meanwhile, in whatever way
            number = connection.fileno()  # type: ignore[attr-defined]  # psycopg's
            with socket.socket(fileno=socket.dup(number)) as copy:
                copy.shutdown(socket.SHUT_RDWR)


class Sqlite:
    """SQLite: the file is opened for reading only, and every session refuses to write."""

    def open(self, url: URL, timeout_s: float) -> Engine:
        """Return an engine; a database that is locked is waited for at most `timeout_s`."""
        file = f"file:{quote(url.database or '')}?mode=ro"

        def connect() -> sqlite3.Connection:
            opened = sqlite3.connect(file, uri=True, timeout=timeout_s, check_same_thread=False)
            opened.execute("PRAGMA query_only = ON")
            opened.setlimit(sqlite3.SQLITE_LIMIT_ATTACHED, 0)  # attaching makes a file
            return opened

        return _engine(url, timeout_s, {}, {"no_parameters": True}, creator=connect)

    def cut(self, connection: object) -> None:
        """Interrupt the query."""
        with suppress(Exception):
            connection.interrupt()  # type: ignore[attr-defined]  # sqlite3's


DIALECTS: Mapping[str, Dialect] = {"postgresql": Postgresql(), "sqlite": Sqlite()}
"""What SQLAlchemy calls it -> how it is opened."""


def dialect_of(url: URL) -> Dialect:
    """Return the kind of database.

    Raises:
        CannotLookError: nobody knows how to make its sessions read-only.
    """
    name = url.get_backend_name()
    if name not in DIALECTS:
        raise CannotLookError(
            f"no session that cannot write is known for {name}",
            hint=f"known: {', '.join(DIALECTS)}; use `command:` with the client of {name}",
        )
    return DIALECTS[name]


def _close_lost_cursors(engine: Engine) -> None:
    """Close cursors of lost connections: SQLAlchemy leaves them, and psycopg warns of that."""
    from sqlalchemy import event

    def close(context: ExceptionContext) -> None:
        cursor = getattr(context.execution_context, "cursor", None)
        if context.is_disconnect and cursor is not None:
            with suppress(Exception):  # its connection is gone
                cursor.close()

    event.listen(engine, "handle_error", close)


def _engine(
    url: URL,
    timeout_s: float,
    connect_args: Mapping[str, object],
    options: Mapping[str, object],
    creator: Callable[[], object] | None = None,
) -> Engine:
    from sqlalchemy import create_engine
    from sqlalchemy.pool import QueuePool

    try:
        return create_engine(
            url,
            connect_args=dict(connect_args),
            execution_options=dict(options),
            poolclass=QueuePool,
            pool_size=SESSIONS,
            max_overflow=0,
            pool_timeout=timeout_s,
            **({"creator": creator} if creator else {}),
        )
    except ModuleNotFoundError as missing:
        extra = url.get_backend_name()
        raise CannotLookError(
            f"the driver {missing.name} of {extra} is not installed",
            hint=f"pip install 'pytest-ddd[{extra}]'",
        ) from None

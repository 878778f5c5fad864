"""Ask databases before a deadline; all entries of a run share their sessions."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_ddd import clock
from pytest_ddd.baseline.secrets import text_of
from pytest_ddd.baseline.sources import Database, Query
from pytest_ddd.errors import CannotLookError
from pytest_ddd.probes.sql.dialects import Dialect, dialect_of
from pytest_ddd.units import format_duration

if TYPE_CHECKING:
    from sqlalchemy import URL, Connection, Engine

REFUSAL_HOLDS_S = 5.0
"""So long nobody tries again after a failed login: many entries would lock the account."""

_MESSAGE_LENGTH = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """What a query answered.

    Attributes:
        columns: names, as the query gives them.
        rows: one tuple each, in the order of the answer; values as the driver gives them.
        source: the database, without any password, and the query.
        took_s: from asking to the last row.
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[object, ...], ...]
    source: str
    took_s: float


class Databases:
    """The databases of one run; any thread may ask."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._servers: dict[str, _Server] = {}

    def rows(self, query: Query) -> Rows:
        """Ask, and return the whole answer.

        Raises:
            CannotLookError: there was no answer before the deadline, or one of more rows than
                `max_rows`, or the query was refused, also because it wanted to write.
        """
        server = self._server(query.database)
        started = clock.monotonic()
        columns, rows = server.ask(query)
        return Rows(
            columns=columns,
            rows=rows,
            source=f"{server.shown}: {query.query}",
            took_s=clock.monotonic() - started,
        )

    def close(self) -> None:
        """Close all sessions; may be called again."""
        with self._lock:
            servers, self._servers = list(self._servers.values()), {}
        for server in servers:
            server.close()

    def _server(self, database: Database) -> _Server:
        key = database.model_dump_json()
        with self._lock:
            if key not in self._servers:
                self._servers[key] = _Server(database)
            return self._servers[key]


class _Server:
    """One database and account: its sessions, and why there are none."""

    def __init__(self, database: Database) -> None:
        self.shown = database.url.partition("?")[0]
        self._database = database
        self._opening, self._greeting = threading.Lock(), threading.Lock()
        self._opened: tuple[Engine, Dialect] | None = None
        self._greeted = False
        self._refusal: CannotLookError | None = None
        self._refused_s = 0.0

    def ask(self, query: Query) -> tuple[tuple[str, ...], tuple[tuple[object, ...], ...]]:
        """Ask; what hangs is cut off at the deadline."""
        engine, dialect = self._open()
        ends_s = clock.monotonic() + self._database.timeout
        self._log_in(engine, ends_s)
        asking = _Asking(query=query, server=self.shown)
        if not self._in_time(lambda: asking.run(engine), ends_s):
            asking.abandoned = True
            if asking.connection is not None:
                dialect.cut(asking.connection)
            raise self._late()
        if asking.failure is not None:
            raise asking.failure
        return asking.columns, asking.rows

    def close(self) -> None:
        """Close all sessions that nobody uses."""
        if self._opened is not None:
            self._opened[0].dispose()

    def _open(self) -> tuple[Engine, Dialect]:
        """Return the engine; what is loaded and looked up for it does not count as waiting."""
        with self._opening:
            if self._opened is None:
                url = _parsed(self._database.url)
                if self._database.password is not None:
                    url = url.set(password=text_of(self._database.password))
                dialect = dialect_of(url)
                self._opened = dialect.open(url, self._database.timeout), dialect
            return self._opened

    def _log_in(self, engine: Engine, ends_s: float) -> None:
        """Return once somebody has logged in; the others wait for that one login."""
        with self._turn(ends_s):
            if self._refusal and clock.monotonic() < self._refused_s + REFUSAL_HOLDS_S:
                raise self._refusal
            if not self._greeted:
                self._greet(engine, ends_s)

    @contextmanager
    def _turn(self, ends_s: float) -> Iterator[None]:
        if not self._greeting.acquire(timeout=max(0.0, ends_s - clock.monotonic())):
            raise self._late()
        try:
            yield
        finally:
            self._greeting.release()

    def _greet(self, engine: Engine, ends_s: float) -> None:
        """Log in once and give the session to the pool; a failure holds for a while."""
        greeting = _Asking(query=None, server=self.shown)
        in_time = self._in_time(lambda: greeting.run(engine), ends_s)
        greeting.abandoned = not in_time
        self._refusal = greeting.failure if in_time else self._late()
        self._refused_s = clock.monotonic()
        if self._refusal is not None:
            raise self._refusal
        self._greeted = True

    def _in_time(self, work: Callable[[], None], ends_s: float) -> bool:
        """Whether it ended before its deadline; else its thread is left behind.

        No driver has a deadline for all of an exchange, and a frozen server keeps them waiting.
        """
        thread = threading.Thread(target=work, name=f"ask {self.shown}", daemon=True)
        thread.start()
        thread.join(max(0.0, ends_s - clock.monotonic()))
        return not thread.is_alive()

    def _late(self) -> CannotLookError:
        total = format_duration(self._database.timeout)
        return CannotLookError(
            f"{self.shown}: no answer within {total}",
            hint="is the server overloaded or frozen? `timeout:` of the database allows more",
        )


@dataclass(slots=True, kw_only=True)
class _Asking:
    """One query on its way, or a mere login; filled while it runs."""

    query: Query | None
    server: str
    connection: object = None
    columns: tuple[str, ...] = ()
    rows: tuple[tuple[object, ...], ...] = ()
    failure: CannotLookError | None = None
    abandoned: bool = False

    def run(self, engine: Engine) -> None:
        try:
            with engine.connect() as session:
                self.connection = session.connection.dbapi_connection
                try:
                    if self.query is not None and not self.abandoned:
                        self._fetch(session, self.query)
                finally:
                    if self.abandoned:  # nobody waits for it, and its pool may be gone
                        session.invalidate()
        except CannotLookError as failure:
            self.failure = failure
        except Exception as failure:  # noqa: BLE001 - a driver raises what it likes
            self.failure = _explained(self.server, failure)

    def _fetch(self, session: Connection, query: Query) -> None:
        limit = query.max_rows
        with session.exec_driver_sql(query.query) as answer:
            if not answer.returns_rows:
                raise CannotLookError(f"{self.server}: the query returns no rows")
            self.columns = tuple(answer.keys())
            self.rows = tuple(tuple(row) for row in answer.fetchmany(limit + 1))
        if len(self.rows) > limit:
            raise CannotLookError(
                f"{self.server}: more than {limit:,} rows",
                hint="ask for counts or sums, or raise max_rows",
            )


def _parsed(address: str) -> URL:
    from sqlalchemy import make_url

    return make_url(address)


def _explained(server: str, failure: Exception) -> CannotLookError:
    """Say in one line what a driver said, and what helps."""
    said = " ".join(str(getattr(failure, "orig", None) or failure).split())
    hint = next((hint for words, hint in _HINTS.items() if words in said.lower()), "")
    what = type(failure).__name__ if not said else said[:_MESSAGE_LENGTH]
    return CannotLookError(f"{server}: {what}", hint=hint)


_HINTS = {
    "password authentication failed": "put the right one where `password` of this database points",
    "no password supplied": "name it in `password:` of this database: {env: NAME}",
    "read-only transaction": "a check may only read: ask with SELECT",
    "readonly database": "a check may only read: ask with SELECT",
    "certificate verify failed": "name the authority in the URL: ?sslmode=verify-full&sslrootcert=",
    "statement timeout": "make the query cheaper, or give its database a longer `timeout:`",
    "unsupported startup parameter": "ask the server itself, not the pooler in front of it",
    "permission denied": "GRANT SELECT on it to this account",
}
"""Words of a driver -> what to do next."""

"""PostgreSQL on loopback: a server of one's own, and a streaming replica of it."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Self

from tests.lab.demand import which
from tests.lab.net import enter, free_port
from tests.lab.proc import Proc, signal_pid, wait_for
from tests.lab.reap import Ledger
from tests.lab.svc.tls import Pair

if TYPE_CHECKING:
    import psycopg

    from tests.lab.host import LabHost

USER = "lab"
"""Owns everything, also the right to replicate."""

PASSWORD = "lab-postgres-password"
READY_S = 60.0
_ACCOUNT = "postgres"
"""The server refuses to run as root."""

_ACCESS = """\
local all all trust
host all all 127.0.0.1/32 scram-sha-256
host replication all 127.0.0.1/32 scram-sha-256
host all all samenet scram-sha-256
"""


class Postgres:
    """A running server; it accepts TLS too when it was given a certificate."""

    def __init__(
        self,
        ledger: Ledger,
        *,
        tls: Pair | None = None,
        primary: Postgres | None = None,
        host: LabHost | None = None,
    ) -> None:
        """Make a new cluster, or a replica that streams from `primary`, and start it.

        With `host` it listens in that host's network, on PostgreSQL's own port.
        """
        self.ledger, self.primary, self.host = ledger, primary, host
        self.address = "127.0.0.1" if host is None else host.address
        self.port = free_port() if host is None else 5432
        self.dir = ledger.dir / f"postgres-{self.port}"
        self.dir.mkdir()
        self.data = self.dir / "data"
        self._own(self.dir)
        if primary is None:
            self._init()
        else:
            self._copy(primary)
        where = self.address if host is None else "0.0.0.0"
        self._settings = [f"port={self.port}", f"listen_addresses={where}", "fsync=off"]
        self._settings += [f"unix_socket_directories={self.dir}", "shared_buffers=16MB"]
        self._settings += ["max_connections=100", "wal_receiver_status_interval=1s"]
        if tls is not None:
            self._settings += ["ssl=on", *self._tls_files(tls)]
        self.proc = self.start()

    def url(self, database: str = "postgres", *, user: str = USER) -> str:
        """Address for SQLAlchemy, without the password."""
        return f"postgresql+psycopg://{user}@{self.address}:{self.port}/{database}"

    def start(self) -> Proc:
        """Start (again, on the same port)."""
        options = [word for setting in self._settings for word in ("-c", setting)]
        argv = [*_as_account(), _program("postgres"), "-D", str(self.data), *options]
        prefix = enter(self.host.netns) if self.host is not None else ()
        proc = Proc(self.ledger, self.dir.name, argv, env={"LC_ALL": "C.UTF-8"}, prefix=prefix)
        self.proc = proc.ready(self._answers, READY_S)
        return self.proc

    def stop(self) -> None:
        """Stop at once, whoever is connected."""
        self.proc.stop(signal.SIGINT, 20.0)

    @contextmanager
    def down(self) -> Iterator[None]:
        """Stopped; started again at the end."""
        self.stop()
        try:
            yield
        finally:
            self.start()

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """The server hangs: connections are still taken by the kernel, and nothing answers."""
        pids = self.proc.tree()
        for pid in pids:
            signal_pid(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            for pid in pids:
                signal_pid(pid, signal.SIGCONT)

    def run(self, *statements: str, database: str = "postgres") -> list[tuple[object, ...]]:
        """Run statements, each on its own, and return the rows of the last one."""
        import psycopg

        with psycopg.connect(self._conninfo(database), autocommit=True) as connection:
            cursor: psycopg.Cursor[tuple[object, ...]] | None = None
            for statement in statements:
                cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor is not None and cursor.description else []

    def database(self, name: str) -> str:
        """Make a database, empty even if there was one of this name, and return its address."""
        self.run(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)', f'CREATE DATABASE "{name}"')
        return self.url(name)

    def caught_up(self, deadline_s: float = 60.0) -> None:
        """Wait until the replicas have replayed all that was written here until now."""
        [(position,)] = self.run("SELECT pg_current_wal_lsn()")
        behind = (
            "SELECT count(*) FILTER (WHERE replay_lsn >= "
            f"'{position}') = count(*) AND count(*) > 0 FROM pg_stat_replication"
        )
        if not wait_for(lambda: self.run(behind) == [(True,)], deadline_s):
            raise AssertionError(f"no replica of {self.url()} caught up: {self.proc.tail()}")

    def _answers(self) -> bool:
        argv = [_program("pg_isready"), "-q", "-h", self._way, "-p", str(self.port)]
        if subprocess.run([*argv, "-t", "2"], check=False).returncode:
            return False
        streams = "SELECT count(*) FROM pg_stat_wal_receiver WHERE status = 'streaming'"
        return self.primary is None or self.run(streams) == [(1,)]

    @property
    def _way(self) -> str:
        """How this process reaches it: from another network only by its socket."""
        return self.address if self.host is None else str(self.dir)

    def _conninfo(self, database: str) -> str:
        return (
            f"host={self._way} port={self.port} user={USER} password={PASSWORD} dbname={database} "
            "connect_timeout=10"
        )

    def _init(self) -> None:
        secret = self.dir / "password"
        secret.write_text(PASSWORD)
        self._own(secret)
        options = ["-U", USER, f"--pwfile={secret}", "-E", "UTF8", "--locale=C.UTF-8"]
        _run([_program("initdb"), "-N", "-D", str(self.data), "-A", "scram-sha-256", *options])
        (self.data / "pg_hba.conf").write_text(_ACCESS)

    def _copy(self, primary: Postgres) -> None:
        way = f"host=127.0.0.1 port={primary.port} user={USER} password={PASSWORD}"
        options = ["-R", "-X", "stream", "-c", "fast", "-N"]
        _run([_program("pg_basebackup"), "-D", str(self.data), "-d", way, *options])

    def _tls_files(self, tls: Pair) -> Iterator[str]:
        for name, source in (("ssl_cert_file", tls.cert), ("ssl_key_file", tls.key)):
            target = self.dir / source.name
            shutil.copy(source, target)
            self._own(target)
            target.chmod(0o600)
            yield f"{name}={target}"

    @staticmethod
    def _own(path: Path) -> None:
        if os.geteuid() == 0:
            shutil.chown(path, _ACCOUNT, _ACCOUNT)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def _as_account() -> list[str]:
    if os.geteuid() != 0:
        return []
    return ["setpriv", f"--reuid={_ACCOUNT}", f"--regid={_ACCOUNT}", "--clear-groups"]


def _program(name: str) -> str:
    return which(name) or name


def _run(argv: Sequence[str]) -> None:
    done = subprocess.run(
        [*_as_account(), *argv], cwd="/", capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{argv[0]}: {done.stdout}{done.stderr}"

"""Makes and upgrades the tables, under a lock: several first uses at once are safe."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

from sqlalchemy import Connection, Engine, inspect, text

from pytest_ddd import clock
from pytest_ddd.errors import RecordError
from pytest_ddd.history.engine import READ_ONLY

HEAD = "0002"
"""The revision that this program reads and writes; a test compares it with the scripts."""

_SCRIPTS = Path(__file__).with_name("migrations")
_LOCK = 0x64646431  # "ddd1", any number that nobody else takes in this database


def bring_up_to_date(engine: Engine) -> None:
    """Make or upgrade the tables where that is needed; one cheap look where it is not.

    Raises:
        RecordError: a newer program has written this history.
    """
    with engine.connect() as connection:
        connection.execution_options(**{READ_ONLY: True})
        found = _revision(connection)
    if found == HEAD:
        return
    if found is not None:
        _back_up(engine, found)
    with engine.begin() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
        found = _revision(connection)
        if found != HEAD:  # nobody was faster
            _upgrade(connection, found)


def _revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    found: str | None = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return found


def _upgrade(connection: Connection, found: str | None) -> None:
    from alembic import command
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(_SCRIPTS).replace("%", "%%"))
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if found is not None and found not in known:
        raise RecordError(
            f"a newer pytest-ddd has written this history (revision {found}, known {HEAD})",
            hint="pip install --upgrade pytest-ddd",
        )
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _back_up(engine: Engine, found: str) -> None:
    """Keep a copy of a SQLite history beside it; PostgreSQL has backups of its own."""
    path = engine.url.database
    if engine.dialect.name != "sqlite" or path is None:
        return
    moment = clock.now().strftime("%Y%m%dT%H%M%S%f")
    copy = Path(f"{path}.{found}.{moment}.bak")
    copy.touch(mode=0o600)
    with closing(engine.raw_connection()) as connection:  # VACUUM allows no transaction
        connection.cursor().execute("VACUUM INTO ?", (str(copy),))

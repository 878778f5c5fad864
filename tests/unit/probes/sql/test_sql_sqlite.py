"""Questions to SQLite files."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pytest_ddd.baseline.sources import Query
from pytest_ddd.errors import CannotLookError
from pytest_ddd.probes.sql import Databases

ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n"


@pytest.fixture
def databases() -> Iterator[Databases]:
    made = Databases()
    yield made
    made.close()


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    file = tmp_path / "shop 1.db"
    with sqlite3.connect(file) as connection:
        connection.execute("CREATE TABLE item AS SELECT 7 AS id, '50% off' AS name")
    connection.close()
    return file


def query(file: Path, text: str, timeout: str = "30s", **fields: object) -> Query:
    database = {"url": f"sqlite:///{file}", "timeout": timeout}
    return Query.model_validate({"database": database, "query": text, **fields})


def test_rows_come_with_their_names(databases, shop):
    rows = databases.rows(query(shop, "SELECT * FROM item WHERE name LIKE '50%';"))

    assert rows.columns == ("id", "name")
    assert rows.rows == ((7, "50% off"),)
    assert rows.source == f"sqlite:///{shop}: SELECT * FROM item WHERE name LIKE '50%'"


@pytest.mark.parametrize(
    "text",
    [
        "DELETE FROM item",
        "DELETE FROM item RETURNING id",
        "CREATE TABLE other (id)",
        "SELECT 1; DELETE FROM item",
        "PRAGMA query_only = OFF",
        "ATTACH DATABASE '{folder}/new.db' AS other",
        "VACUUM",
        "VACUUM INTO '{folder}/new.db'",
    ],
)
def test_a_check_cannot_write(databases, shop, text):
    folder = shop.parent
    before = shop.read_bytes()
    with pytest.raises(CannotLookError):
        databases.rows(query(shop, text.format(folder=folder)))
    with pytest.raises(CannotLookError):
        databases.rows(query(shop, "DELETE FROM item RETURNING id"))

    assert shop.read_bytes() == before
    assert sorted(folder.iterdir()) == [shop]


def test_a_missing_file_is_not_made(databases, tmp_path):
    with pytest.raises(CannotLookError, match="unable to open database file"):
        databases.rows(query(tmp_path / "none.db", "SELECT 1"))

    assert list(tmp_path.iterdir()) == []


def test_more_rows_than_allowed_are_not_read(databases, shop):
    numbers = "WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n) SELECT i FROM n"
    with pytest.raises(CannotLookError, match="more than 5 rows"):
        databases.rows(query(shop, numbers, max_rows=5))


def test_a_query_without_end_ends_at_its_deadline(databases, shop):
    with pytest.raises(CannotLookError, match="no answer within 200 ms"):
        databases.rows(query(shop, ENDLESS, timeout="200ms"))


def test_a_session_that_was_cut_off_does_not_stay_open(databases, shop, monkeypatch):
    connect = sqlite3.connect
    opened: list[sqlite3.Connection] = []

    def opening(*args: Any, **options: Any) -> sqlite3.Connection:
        session: sqlite3.Connection = connect(*args, **options)
        opened.append(session)
        return session

    monkeypatch.setattr(sqlite3, "connect", opening)
    with pytest.raises(CannotLookError, match="no answer within"):
        databases.rows(query(shop, ENDLESS, timeout="200ms"))
    databases.close()
    for thread in threading.enumerate():
        if thread.name.startswith("ask "):
            thread.join(10)

    for session in opened:
        with pytest.raises(sqlite3.ProgrammingError, match="closed database"):
            session.execute("SELECT 1")


def test_no_session_of_an_unknown_database_is_opened(databases):
    asked = Query.model_validate(
        {"database": {"url": "oracle://reader@db1/shop"}, "query": "SELECT 1"}
    )
    with pytest.raises(CannotLookError, match="no session that cannot write is known for oracle"):
        databases.rows(asked)

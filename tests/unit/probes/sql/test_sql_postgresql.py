"""Questions to a real PostgreSQL: nothing is written, nothing hangs, nothing is guessed."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from pytest_ddd import clock
from pytest_ddd.baseline.sources import Query
from pytest_ddd.errors import CannotLookError
from pytest_ddd.probes.sql import Databases
from tests.lab.net import free_port
from tests.lab.svc.postgres import PASSWORD, Postgres
from tests.lab.svc.tls import Authority

pytestmark = pytest.mark.needs("postgresql")


@pytest.fixture(scope="module")
def shop(postgres: Postgres) -> str:
    url = postgres.database("sql_shop")
    postgres.run(
        "CREATE TABLE item AS SELECT 7 AS id, '50% off' AS name",
        "CREATE SEQUENCE number",
        "CREATE FUNCTION wipe() RETURNS int LANGUAGE sql AS 'DELETE FROM item RETURNING id'",
        database="sql_shop",
    )
    return url


@pytest.fixture
def databases(monkeypatch: pytest.MonkeyPatch) -> Iterator[Databases]:
    monkeypatch.setenv("SHOP_PASSWORD", PASSWORD)
    made = Databases()
    yield made
    made.close()


def query(url: str, text: str, **fields: object) -> Query:
    database = {"url": url, "password": {"env": "SHOP_PASSWORD"}, "timeout": "30s", **fields}
    return Query.model_validate({"database": database, "query": text, "max_rows": 5})


def test_rows_come_with_their_names(databases, shop):
    rows = databases.rows(query(shop, "SELECT id, name FROM item WHERE name LIKE '50%'"))

    assert (rows.columns, rows.rows) == (("id", "name"), ((7, "50% off"),))
    assert PASSWORD not in rows.source


@pytest.mark.parametrize(
    "text",
    [
        "DELETE FROM item",
        "DELETE FROM item RETURNING id",
        "WITH gone AS (DELETE FROM item RETURNING id) SELECT * FROM gone",
        "SELECT wipe()",
        "SELECT set_config('transaction_read_only', 'off', false), wipe()",
        "SELECT 1; COMMIT; DELETE FROM item",
        "COMMIT",
        "SET SESSION CHARACTERISTICS AS TRANSACTION READ WRITE",
        "CREATE TABLE other (id int)",
        "CREATE TEMP TABLE other (id int)",
        "SELECT nextval('number')",
        "DO 'BEGIN DELETE FROM item; END'",
        "COPY item TO PROGRAM 'true'",
    ],
)
def test_a_check_cannot_write(databases, postgres, shop, text):
    with pytest.raises(CannotLookError):
        databases.rows(query(shop, text))
    with pytest.raises(CannotLookError, match="read-only transaction"):
        databases.rows(query(shop, "SELECT wipe()"))

    seen = "SELECT (SELECT count(*) FROM item), is_called, to_regclass('other') FROM number"
    assert postgres.run(seen, database="sql_shop") == [(1, False, None)]


def test_more_rows_than_allowed_are_not_read(databases, shop):
    with pytest.raises(CannotLookError, match="more than 5 rows"):
        databases.rows(query(shop, "SELECT generate_series(1, 100000000)"))


def test_a_slow_query_ends_at_its_deadline_on_the_server_too(databases, postgres, shop):
    with pytest.raises(CannotLookError, match=r"no answer within 300 ms|statement timeout"):
        databases.rows(query(shop, "SELECT pg_sleep(60)", timeout="300ms"))

    running = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%pg_sleep%' AND state = 'active' AND pid <> pg_backend_pid()"
    end = clock.monotonic() + 30
    while postgres.run(running) != [(0,)]:
        assert clock.monotonic() < end, "the server still works for a check that is over"


def test_a_wrong_password_is_told_with_what_helps(databases, shop, monkeypatch):
    monkeypatch.setenv("SHOP_PASSWORD", "wrong")
    with pytest.raises(CannotLookError, match="password authentication failed") as caught:
        databases.rows(query(shop, "SELECT 1"))

    assert "`password`" in caught.value.hint
    assert "wrong" not in caught.value.message


def test_a_wrong_password_is_tried_once_for_many(databases, postgres, shop, monkeypatch):
    monkeypatch.setenv("SHOP_PASSWORD", "wrong")
    asked = query(f"{shop}?sslmode=require", "SELECT 1")  # libpq's default tries without TLS too
    before = postgres.proc.log.read_text().count("password authentication failed")

    def ask(_number: int) -> str:
        with pytest.raises(CannotLookError) as caught:
            databases.rows(asked)
        return caught.value.message

    with ThreadPoolExecutor(10) as pool:
        assert len(set(pool.map(ask, range(30)))) == 1
    assert postgres.proc.log.read_text().count("password authentication failed") == before + 1


def test_a_server_that_is_down_is_unknown_and_healed(databases, postgres, shop):
    with postgres.down(), pytest.raises(CannotLookError, match="onnection refused"):
        databases.rows(query(shop, "SELECT 1"))

    healed = Databases()
    assert healed.rows(query(shop, "SELECT 1")).rows == ((1,),)
    healed.close()


@pytest.mark.parametrize("logged_in", [False, True])
def test_a_frozen_server_is_unknown_at_the_deadline(databases, postgres, shop, logged_in):
    asked = query(shop, "SELECT 1", timeout="1s")
    if logged_in:
        databases.rows(query(shop, "SELECT 1"))
    with postgres.frozen(), pytest.raises(CannotLookError, match="no answer within 1 s"):
        databases.rows(asked)

    healed = Databases()
    assert healed.rows(query(shop, "SELECT 1")).rows == ((1,),)
    healed.close()


def test_a_certificate_of_somebody_else_is_refused(databases, shop, ledger, authority):
    other = Authority(ledger.dir / "other-ca", "Another root")
    good, bad = (f"{shop}?sslmode=verify-full&sslrootcert={one.cert}" for one in (authority, other))
    with pytest.raises(CannotLookError, match="certificate verify failed"):
        databases.rows(query(bad.replace("127.0.0.1", "localhost"), "SELECT 1"))

    good = good.replace("127.0.0.1", "localhost")
    encrypted = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()"
    assert databases.rows(query(good, encrypted)).rows == ((True,),)


def test_nobody_listens(databases, shop, postgres):
    url = shop.replace(str(postgres.port), str(free_port()))
    with pytest.raises(CannotLookError, match="onnection refused"):
        databases.rows(query(url, "SELECT 1"))

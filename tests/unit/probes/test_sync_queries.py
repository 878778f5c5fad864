"""Pairs of queries: SQLite against SQLite, and against a real PostgreSQL."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from pytest_ddd.baseline.sections.sync import Queries
from pytest_ddd.errors import BaselineError, CannotLookError
from pytest_ddd.probes import sync
from pytest_ddd.probes.pairs.queries import compare_rows
from pytest_ddd.probes.sql import Rows
from tests.lab.svc.postgres import PASSWORD, Postgres
from tests.support.shipped import GREEN, RED, UNKNOWN, YELLOW, Verdict, run, scope_of

Look = Callable[..., Verdict]
COUNT = "SELECT count(*) FROM orders"
ROWS = "SELECT id, amount, paid FROM orders"


def sqlite(file: Path, *statements: str) -> None:
    with sqlite3.connect(file) as connection:
        for statement in statements:
            connection.execute(statement)
    connection.close()


@pytest.fixture
def look(tmp_path: Path) -> Iterator[Look]:
    with ExitStack() as stack:

        def ask(left: str, right: str, query: str, limits: str, query_right: str = "") -> Verdict:
            text = (
                "sync:\n  orders:\n    queries:\n"
                f"      left: {{database: {left}, query: '{query}', max_rows: 50}}\n"
                f"      right: {{database: {right}, query: '{query_right or query}'}}\n"
                f"    {limits}\n"
            )
            scope = stack.enter_context(scope_of(tmp_path / "baselines", text))
            [pair] = sync.entries(scope)
            return run("end_of_day_validation", "test_data_synchronization", pair)

        yield ask


@pytest.fixture
def left(tmp_path: Path) -> Path:
    return filled(tmp_path / "left.db")


@pytest.fixture
def right(tmp_path: Path) -> Path:
    return filled(tmp_path / "right.db")


def filled(file: Path) -> Path:
    sqlite(file, "CREATE TABLE orders (id, amount, paid)")
    sqlite(file, *(f"INSERT INTO orders VALUES ({n}, {n}.5, 1)" for n in range(20)))
    return file


def url(file: Path) -> str:
    return f"{{url: 'sqlite:///{file}'}}"


def test_a_missing_row_is_red_and_healed(look, left, right):
    sqlite(right, "DELETE FROM orders WHERE id = 7")
    broken = look(url(left), url(right), COUNT, "difference: {crit: 1}")
    sqlite(right, "INSERT INTO orders VALUES (7, 7.5, 1)")
    healed = look(url(left), url(right), COUNT, "difference: {crit: 1}")

    assert broken.outcome is RED
    assert broken.text == (
        f"orders difference 1 >= crit 1 ({left.parent}/baselines/prod.yaml:7) [left 20, right 19]"
    )
    assert healed.outcome is GREEN


def test_within_the_tolerance_is_yellow_or_green(look, left, right):
    sqlite(right, "DELETE FROM orders WHERE id < 3")

    limits = "difference: {warn: 2, crit: 5}"
    assert look(url(left), url(right), COUNT, limits).outcome is YELLOW
    assert look(url(left), url(right), COUNT, "deviation: {crit: 15%}").outcome is RED
    assert look(url(left), url(right), COUNT, "deviation: {warn: 16%}").outcome is GREEN


def test_rows_are_compared_in_any_order(look, left, right):
    other = f"{ROWS} ORDER BY id DESC"
    same = look(url(left), url(right), ROWS, "difference: {crit: 1}", other)
    sqlite(right, "UPDATE orders SET amount = 0 WHERE id = 3", "DELETE FROM orders WHERE id = 4")
    broken = look(url(left), url(right), ROWS, "difference: {crit: 1}", other)

    assert same.outcome is GREEN
    assert broken.outcome is RED
    assert "difference 2 >= crit 1" in broken.text
    assert "only left: (3, 3.5, 1), (4, 4.5, 1); only right: (3, 0, 1)" in broken.text


def test_a_different_text_is_red_whatever_the_limit(look, left, right):
    query = 'SELECT group_concat(amount, "-") FROM orders'
    sqlite(right, "UPDATE orders SET amount = 0 WHERE id = 3")

    assert look(url(left), url(right), query, "difference: {crit: 100}").outcome is RED
    sqlite(right, "UPDATE orders SET amount = 3.5 WHERE id = 3")
    assert look(url(left), url(right), query, "difference: {crit: 100}").outcome is GREEN


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("SELECT sum(amount) FROM orders WHERE id < 5 GROUP BY paid", "no row"),
        ("SELECT sum(amount) FROM orders GROUP BY id % 2", "2 rows"),
    ],
)
def test_a_number_without_its_counterpart_is_red_whatever_the_limit(
    look, left, right, query, found
):
    total = "SELECT sum(amount) FROM orders"
    sqlite(right, "DELETE FROM orders WHERE id < 5")
    broken = look(url(left), url(right), total, "difference: {crit: 100}", query)
    mirrored = look(url(right), url(left), query, "difference: {crit: 100}", total)

    assert (broken.outcome, mirrored.outcome) == (RED, RED)
    assert f"one number left, {found} right" in broken.text
    assert f"{found} left, one number right" in mirrored.text


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        (("SELECT max(id) FROM orders WHERE id < 0", "difference: {crit: 9}"), "null compares"),
        ((COUNT, "difference: {crit: 9}", ROWS), "1 and 3 columns"),
        ((ROWS, "deviation: {crit: 9%}"), "not one number each"),
        (("SELECT * FROM nowhere", "difference: {crit: 9}"), "no such table"),
        (("DELETE FROM orders RETURNING id", "difference: {crit: 9}"), "readonly database"),
        (("SELECT a.id FROM orders a, orders b", "difference: {crit: 9}"), "more than 50 rows"),
    ],
)
def test_what_cannot_be_compared_is_unknown(look, left, right, asked, words):
    verdict = look(url(left), url(right), *asked)

    assert (verdict.outcome, words in verdict.text) == (UNKNOWN, True), verdict.text


@pytest.mark.needs("postgresql")
def test_two_kinds_of_databases_agree(look, postgres: Postgres, left, monkeypatch):
    monkeypatch.setenv("SHOP_PASSWORD", PASSWORD)
    there = f"{{url: '{postgres.database('sync_orders')}', password: {{env: SHOP_PASSWORD}}}}"
    postgres.run(
        "CREATE TABLE orders AS SELECT n AS id, n + 0.50 AS amount, true AS paid "
        "FROM generate_series(0, 19) n",
        database="sync_orders",
    )
    same = look(url(left), there, ROWS, "difference: {crit: 1}")
    postgres.run("DELETE FROM orders WHERE id = 5", database="sync_orders")
    broken = look(url(left), there, ROWS, "difference: {crit: 1}")

    assert same.outcome is GREEN, same.text
    assert broken.outcome is RED
    assert "only left: (5, 5.5, 1)" in broken.text


@pytest.mark.parametrize(
    ("limits", "words"),
    [
        ("lag: {crit: 1s}", "lag has no meaning for queries"),
        ("description: none", "needs difference or deviation"),
        ("difference: {crit: 1}\n    applies_to: [here]", "leave applies_to out"),
    ],
)
def test_mistakes_of_a_baseline_are_told(look, left, right, limits, words):
    with pytest.raises(BaselineError, match=words):
        look(url(left), url(right), COUNT, limits)


def test_a_side_is_not_held_against_itself():
    side = {"database": {"url": "sqlite:////a.db"}, "query": COUNT}
    with pytest.raises(ValueError, match="both sides ask the same"):
        Queries.model_validate({"left": side, "right": side})


NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


def rows(*values: tuple[object, ...]) -> Rows:
    columns = tuple(f"c{number}" for number in range(len(values[0])))
    return Rows(columns=columns, rows=values, source="a", took_s=0.0)


def test_values_are_the_same_whichever_driver_gave_them():
    ours = (1, Decimal("2.50"), True, NOON, b"x", "y", None, UUID(int=1))
    theirs = (1.0, 2.5, 1, NOON.astimezone(ZoneInfo("Asia/Tokyo")), memoryview(b"x"), "y", None)
    compared = compare_rows(rows(ours), rows((*theirs, str(UUID(int=1)))))

    assert compared.values == {"difference": 0}
    assert compared.same


def test_many_differences_are_told_in_part():
    compared = compare_rows(rows(*((n, n) for n in range(10))), rows((1, None)))

    assert compared.values == {"difference": 10}
    assert compared.words.endswith("(2, 2) and 7 more; only right: (1, null)")


def test_what_is_no_number_is_not_compared_as_one():
    with pytest.raises(CannotLookError, match="not numbers"):
        compare_rows(rows((Decimal("NaN"),)), rows((1,)))

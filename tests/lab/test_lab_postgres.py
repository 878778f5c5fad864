"""The PostgreSQL of the lab and its replica are real ones."""

from __future__ import annotations

import pytest

from tests.lab.svc.postgres import Postgres

pytestmark = pytest.mark.needs("postgresql")


def test_what_the_primary_writes_arrives_at_the_replica(
    postgres: Postgres, replica: Postgres
) -> None:
    postgres.database("lab_copied")
    postgres.run("CREATE TABLE item AS SELECT 7 AS id", database="lab_copied")
    postgres.caught_up()

    assert replica.run("SELECT id FROM item", database="lab_copied") == [(7,)]
    assert replica.run("SELECT pg_is_in_recovery()") == [(True,)]


def test_a_database_is_empty_again(postgres: Postgres) -> None:
    postgres.database("lab_again")
    postgres.run("CREATE TABLE item (id int)", database="lab_again")
    postgres.database("lab_again")

    assert postgres.run("SELECT to_regclass('item')", database="lab_again") == [(None,)]

"""Queues that a database row or a command counts."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from pytest_ddd.errors import BaselineError
from pytest_ddd.probes import queues
from tests.lab.svc.postgres import PASSWORD, Postgres
from tests.support.shipped import GREEN, RED, UNKNOWN, Verdict, run, scope_of

Look = Callable[[str], Verdict]
LIMITS = "depth: {warn: 3, crit: 5}, age: {crit: 10m}, consumers: {crit: 0}"


@pytest.fixture
def look(tmp_path: Path) -> Iterator[Look]:
    with ExitStack() as stack:

        def ask(fields: str) -> Verdict:
            text = f"queues:\n  mails: {{{fields}}}\n"
            scope = stack.enter_context(scope_of(tmp_path / "baselines", text))
            [one] = queues.entries(scope)
            return run("end_of_day_validation", "test_queue_depths", one)

        yield ask


@pytest.mark.parametrize(
    ("printed", "outcome"),
    [
        ('{"depth": 2, "age_s": 30.5, "consumers": 2}', GREEN),
        ('{"depth": 0, "consumers": 2}', GREEN),
        ('{"depth": 5, "age_s": 1, "consumers": 2}', RED),
        ('{"depth": 1, "age_s": 600, "consumers": 2}', RED),
        ('{"depth": 1, "age_s": 1, "consumers": 0}', RED),
        ('{"depth": 1, "consumers": 2}', UNKNOWN),
        ('{"depth": 1, "age_s": 1}', UNKNOWN),
        ("2", UNKNOWN),
        ('{"age_s": 1, "consumers": 1}', UNKNOWN),
        ('{"depth": 1, "agee_s": 1, "consumers": 1}', UNKNOWN),
        ('{"depth": -1, "age_s": 1, "consumers": 1}', UNKNOWN),
        ('{"depth": 1.5, "age_s": 1, "consumers": 1}', UNKNOWN),
        ('{"depth": true, "age_s": 1, "consumers": 1}', UNKNOWN),
        ('{"depth": null, "age_s": 1, "consumers": 1}', UNKNOWN),
        ("", UNKNOWN),
        ("no number", UNKNOWN),
        ("[]", UNKNOWN),
    ],
)
def test_what_a_command_prints(look, printed, outcome):
    command = json.dumps(f"echo '{printed}'")
    assert look(f"command: {command}, {LIMITS}").outcome is outcome


def test_a_number_alone_is_the_depth(look):
    assert look('command: "echo 4", depth: {crit: 4}').outcome is RED
    assert look('command: "echo 3", depth: {crit: 4}').outcome is GREEN


@pytest.mark.parametrize("command", ["echo 1; exit 3", "sleep 60", "no-such-command-here"])
def test_a_command_that_fails_is_unknown(look, command):
    assert look(f'command: "{command}", timeout: 1s, depth: {{crit: 4}}').outcome is UNKNOWN


def test_a_command_on_a_host(look):
    assert look('command: "echo 4", applies_to: [here], depth: {crit: 4}').outcome is RED
    assert (
        look('command: "echo 3", applies_to: [here], from: controller, depth: {crit: 4}').outcome
        is GREEN
    )


def test_rows_of_a_table_are_counted_and_healed(look, tmp_path):
    file = tmp_path / "queue.db"

    def sqlite(statement: str) -> None:
        with sqlite3.connect(file) as connection:
            connection.execute(statement)
        connection.close()

    sqlite("CREATE TABLE mail AS SELECT 1 AS id")
    fields = f"sql: {{database: {{url: 'sqlite:///{file}'}}, query: SELECT count(*) FROM mail}}, depth: {{crit: 2}}"
    healthy = look(fields)
    sqlite("INSERT INTO mail VALUES (2)")
    broken = look(fields)
    sqlite("DELETE FROM mail")

    assert [healthy.outcome, broken.outcome, look(fields).outcome] == [GREEN, RED, GREEN]
    assert look(fields.replace("count(*)", "id")).outcome is UNKNOWN


@pytest.mark.needs("postgresql")
def test_a_table_of_postgresql(look, postgres: Postgres, monkeypatch):
    monkeypatch.setenv("SHOP_PASSWORD", PASSWORD)
    url = postgres.database("queue_shop")
    postgres.run("CREATE TABLE mail (created timestamptz)", database="queue_shop")
    query = "SELECT count(*) AS depth, extract(epoch FROM now() - min(created)) AS age_s, 1 AS consumers FROM mail"
    fields = f"sql: {{database: {{url: '{url}', password: {{env: SHOP_PASSWORD}}}}, query: '{query}'}}, {LIMITS}"
    empty = look(fields)
    postgres.run("INSERT INTO mail VALUES (now() - interval '11 minutes')", database="queue_shop")
    broken = look(fields)
    postgres.run("DELETE FROM mail", database="queue_shop")

    assert [empty.outcome, broken.outcome, look(fields).outcome] == [GREEN, RED, GREEN]
    assert "mails age 11m" in broken.text
    with postgres.down():
        assert look(fields).outcome is UNKNOWN


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ("depth: {crit: 1}", "exactly one of"),
        ("command: x", "depth"),
        ("command: x, redis: {url: 'redis://a', list: b}, depth: {crit: 1}", "exactly one of"),
        ("redis: {url: 'redis://a', list: b}, age: {crit: 1h}, depth: {crit: 1}", "have no age"),
        ("redis: {url: 'redis://a', list: b}, consumers: {crit: 0}, depth: {crit: 1}", "group"),
        ("redis: {url: 'redis://:x@a', list: b}, depth: {crit: 1}", "password in a URL is refused"),
        ("redis: {url: 'redis://a/x', list: b}, depth: {crit: 1}", "not the address of a Redis"),
        ("redis: {url: 'redis://a', list: b, stream: c}, depth: {crit: 1}", "exactly one of list"),
        ("redis: {url: 'redis://a', list: b, password: x}, depth: {crit: 1}", "literal secret"),
        ("redis: {url: 'redis://a', list: b}, timeout: 3s, depth: {crit: 1}", "command only"),
        (
            "sql: {database: {url: 'postgresql://u:p@a/b'}, query: x}, depth: {crit: 1}",
            "password in a URL",
        ),
        (
            "sql: {database: {url: 'postgresql://a/b?password=p'}, query: x}, depth: {crit: 1}",
            "password in a URL",
        ),
        (
            "sql: {database: {url: 'postgresql://a'}, query: x}, depth: {crit: 1}",
            "names no database",
        ),
        ("sql: {database: {url: 'sqlite:///a.db'}, query: x}, depth: {crit: 1}", "whole path"),
        ("sql: {database: {url: shop}, query: x}, depth: {crit: 1}", "not the address"),
        (
            "sql: {database: {url: 'sqlite:////a.db'}, query: ' ; '}, depth: {crit: 1}",
            "asks nothing",
        ),
    ],
)
def test_mistakes_of_a_baseline_are_told(look, fields, words):
    with pytest.raises(BaselineError, match=words):
        look(fields)

"""A real PostgreSQL and its streaming replica: lag, a stopped receiver, servers that are lost."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from pytest_ddd.probes import sync
from tests.lab.proc import wait_for
from tests.lab.svc.postgres import PASSWORD, Postgres
from tests.support.shipped import GREEN, RED, UNKNOWN, Verdict, run, scope_of

pytestmark = pytest.mark.needs("postgresql")
Look = Callable[..., Verdict]
READER = "reader-password"


@pytest.fixture(scope="module", autouse=True)
def reader(postgres: Postgres, replica: Postgres) -> None:
    """An account that may log in and read statistics, and nothing else."""
    postgres.run(
        "DROP ROLE IF EXISTS reader",
        f"CREATE ROLE reader LOGIN PASSWORD '{READER}' IN ROLE pg_read_all_stats",
    )
    postgres.run("CREATE TABLE IF NOT EXISTS written (id int)")
    postgres.caught_up()


@pytest.fixture
def look(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Look]:
    monkeypatch.setenv("READER", READER)
    with ExitStack() as stack:

        def ask(primary: Postgres, replica: Postgres, timeout: str = "30s") -> Verdict:
            sides = (
                f"{name}: {{url: '{server.url(user='reader')}', password: {{env: READER}},"
                f" timeout: {timeout}}}"
                for name, server in (("primary", primary), ("replica", replica))
            )
            text = (
                f"sync:\n  shop:\n    replication: {{{', '.join(sides)}}}\n"
                "    lag: {warn: 2s, crit: 1h}\n    behind: {crit: 64kB}\n"
            )
            scope = stack.enter_context(scope_of(tmp_path / "baselines", text))
            [pair] = sync.entries(scope)
            return run("end_of_day_validation", "test_data_synchronization", pair)

        yield ask


@contextmanager
def paused(replica: Postgres) -> Iterator[None]:
    replica.run("SELECT pg_wal_replay_pause()")
    try:
        yield
    finally:
        replica.run("SELECT pg_wal_replay_resume()")


@contextmanager
def without_receiver(postgres: Postgres, replica: Postgres) -> Iterator[None]:
    [(before,)] = replica.run("SELECT current_setting('primary_conninfo')")
    gone = "SELECT count(*) FROM pg_stat_wal_receiver"
    replica.run("ALTER SYSTEM SET primary_conninfo = ''", "SELECT pg_reload_conf()")
    assert wait_for(lambda: replica.run(gone) == [(0,)], 30)
    try:
        yield
    finally:
        replica.run(f"ALTER SYSTEM SET primary_conninfo = $${before}$$", "SELECT pg_reload_conf()")
        assert wait_for(lambda: replica.run(gone) == [(1,)], 60)
        postgres.caught_up(60)


def test_a_replica_that_is_up_to_date_is_green(look, postgres, replica):
    postgres.run("INSERT INTO written VALUES (1)")
    postgres.caught_up()

    verdict = look(postgres, replica)
    assert verdict.outcome is GREEN, verdict.text
    assert "0 B not replayed; receiver streaming" in verdict.text


def test_a_replica_that_lags_is_red_and_healed(look, postgres, replica):
    postgres.caught_up()
    with paused(replica):
        postgres.run("INSERT INTO written SELECT generate_series(1, 5000)")
        broken = look(postgres, replica)
    postgres.caught_up()
    healed = look(postgres, replica)

    assert broken.outcome is RED
    assert ">= crit 62.5 KiB" in broken.text
    assert "replay is paused" in broken.text
    assert healed.outcome is GREEN


def test_a_replica_that_receives_nothing_is_red_and_healed(look, postgres, replica):
    with without_receiver(postgres, replica):
        broken = look(postgres, replica)
    healed = look(postgres, replica)

    assert broken.outcome is RED
    assert "the replica receives nothing: no receiver runs" in broken.text
    assert healed.outcome is GREEN


def test_a_stopped_replica_is_unknown_and_healed(look, postgres, replica):
    with replica.down():
        broken = look(postgres, replica)
    healed = look(postgres, replica)

    assert broken.outcome is UNKNOWN
    assert "onnection refused" in broken.text
    assert healed.outcome is GREEN


def test_a_frozen_replica_is_unknown_at_its_deadline(look, postgres, replica):
    with replica.frozen():
        broken = look(postgres, replica, timeout="1s")

    assert broken.outcome is UNKNOWN
    assert "no answer within 1 s" in broken.text
    assert look(postgres, replica).outcome is GREEN


def test_a_frozen_receiver_is_red_and_healed(look, postgres, replica):
    [(pid,)] = replica.run("SELECT pid FROM pg_stat_wal_receiver")
    os.kill(int(str(pid)), signal.SIGSTOP)
    try:
        postgres.run("INSERT INTO written SELECT generate_series(1, 5000)")
        broken = look(postgres, replica)
    finally:
        os.kill(int(str(pid)), signal.SIGCONT)
    postgres.caught_up()

    assert broken.outcome is RED
    assert look(postgres, replica).outcome is GREEN


def test_a_primary_is_no_replica(look, postgres, replica):
    assert look(postgres, postgres).outcome is RED
    assert look(replica, replica).outcome is RED


def test_the_replica_of_another_server_proves_nothing(look, postgres, replica, ledger):
    with Postgres(ledger) as other:
        other.run(f"CREATE ROLE reader LOGIN PASSWORD '{READER}' IN ROLE pg_read_all_stats")
        verdict = look(other, replica)

    assert verdict.outcome is RED
    assert "is the replica of another server" in verdict.text


def test_an_account_that_may_not_see_the_receiver_is_unknown(look, postgres, replica):
    postgres.run("REVOKE pg_read_all_stats FROM reader")
    postgres.caught_up()
    try:
        verdict = look(postgres, replica)
    finally:
        postgres.run("GRANT pg_read_all_stats TO reader")
        postgres.caught_up()

    assert verdict.outcome is UNKNOWN
    assert "GRANT pg_read_all_stats" in verdict.text


def test_a_wrong_password_is_unknown(look, postgres, replica, monkeypatch):
    monkeypatch.setenv("READER", PASSWORD)

    verdict = look(postgres, replica)
    assert verdict.outcome is UNKNOWN
    assert "password authentication failed" in verdict.text

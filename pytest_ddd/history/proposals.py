"""Commands that were proposed and run: written down before they start, never started twice."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import insert, select, text, update

from pytest_ddd import clock
from pytest_ddd.alerts import Decision
from pytest_ddd.history.alert_tables import PROPOSALS
from pytest_ddd.history.store import Store

_LOCK = 0x64646433  # "ddd3": one decision to start at a time


class StoredLedger:
    """The ledger of commands of a store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def begin(self, decision: Decision, cooldown_s: float) -> bool:
        """Write down, for good, that a command starts; False when it must not."""
        now, command = clock.now(), list(decision.command)
        with self._store.transaction(durable=True) as tx:
            if tx.dialect.name == "postgresql":
                tx.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
            recent = PROPOSALS.c.started_at > now - timedelta(seconds=cooldown_s)
            is_same = (PROPOSALS.c.alert == decision.key.dedup_key) & (
                PROPOSALS.c.episode == decision.episode
            )
            for row in tx.execute(select(PROPOSALS).where(recent | is_same)).mappings():
                same_alert = row["alert"] == decision.key.dedup_key
                if row["command"] == command or (same_alert and row["episode"] == decision.episode):
                    return False
            values = {
                "alert": decision.key.dedup_key,
                "episode": decision.episode,
                "command": command,
                "started_at": now,
            }
            tx.execute(insert(PROPOSALS), values)
        return True

    def end(self, decision: Decision, exit_status: int | None, output: str) -> None:
        """Write down how a command ended; None when it was killed at its timeout."""
        is_it = (PROPOSALS.c.alert == decision.key.dedup_key) & (
            PROPOSALS.c.episode == decision.episode
        )
        values = {"finished_at": clock.now(), "exit_status": exit_status, "output": output}
        with self._store.transaction(durable=True) as tx:
            tx.execute(update(PROPOSALS).where(is_it).values(**values))

"""Alerts, what was decided about them, and the outbox of messages.

Transitions, escalations and deliveries are only ever added.
"""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Float, ForeignKey, Index, Integer, String, Table, text

from pytest_ddd.history.metadata import METADATA, NUMBER, PLAIN, Moment

ALERTS = Table(
    "alerts",
    METADATA,
    Column("alert", String, primary_key=True),  # AlertKey.dedup_key
    Column("environment", String, nullable=False),
    Column("rule", String, nullable=False),
    Column("phase", String, nullable=False),  # alerts.Phase
    Column("announced_as", String, nullable=False),
    Column("record", PLAIN, nullable=False),  # the whole alerts.Alert
    Index(None, "environment", "phase"),
)

TRANSITIONS = Table(
    "transitions",
    METADATA,
    Column("id", NUMBER, primary_key=True),
    Column("alert", String, nullable=False),
    Column("run_id", String, nullable=False),
    Column("at", Moment, nullable=False),
    Column("before", String, nullable=False),
    Column("after", String, nullable=False),
    Column("reason", String, nullable=False),
    Index(None, "alert", "at"),
)

ESCALATIONS = Table(
    "escalations",
    METADATA,
    Column("id", NUMBER, primary_key=True),
    Column("alert", String, nullable=False),
    Column("environment", String, nullable=False),
    Column("run_id", String, nullable=False),
    Column("at", Moment, nullable=False),
    Column("kind", String, nullable=False),  # messages.Kind
    Column("suppressed", String, nullable=False),  # alerts.Suppression; empty: it was sent
    Column("reference", String, nullable=False),  # what stopped it
    Column("record", PLAIN, nullable=False),  # the whole alerts.Decision
    Index(None, "run_id"),
    Index(None, "alert", "at"),
)

SILENCES = Table(
    "silences",
    METADATA,
    Column("silence_id", String, primary_key=True),
    Column("ends_at", Moment, nullable=False),
    Column("record", PLAIN, nullable=False),  # the whole alerts.Silence
)

ACKNOWLEDGEMENTS = Table(
    "acknowledgements",
    METADATA,
    Column("id", NUMBER, primary_key=True),
    Column("alert", String, nullable=False),
    Column("environment", String, nullable=False),
    Column("at", Moment, nullable=False),
    Column("until", Moment, nullable=False),
    Column("record", PLAIN, nullable=False),  # the whole alerts.Acknowledgement
)

OUTBOX = Table(
    "outbox",
    METADATA,
    Column("id", NUMBER, primary_key=True),
    Column("environment", String, nullable=False),
    Column("channel", String, nullable=False),
    Column("dedup_key", String, nullable=False),
    Column("kind", String, nullable=False),  # messages.Kind
    Column("state", String, nullable=False),  # alerts.Delivery
    Column("created_at", Moment, nullable=False),
    Column("next_at", Moment, nullable=False),
    Column("locked_by", String, nullable=False, server_default=""),
    Column("locked_until", Moment),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("fell_back", Boolean, nullable=False, server_default=text("false")),
    Column("fallback", PLAIN, nullable=False, server_default="[]"),
    Column("fallback_after_s", Float),
    Column("error", String, nullable=False, server_default=""),
    Column("message", PLAIN, nullable=False),  # the whole messages.Message
    Index(None, "state", "next_at"),
    Index(None, "channel", "dedup_key", "id"),
)

DELIVERIES = Table(
    "deliveries",
    METADATA,
    Column("id", NUMBER, primary_key=True),
    Column("parcel", NUMBER, ForeignKey("outbox.id", ondelete="CASCADE"), nullable=False),
    Column("at", Moment, nullable=False),
    Column("state", String, nullable=False),
    Column("error", String, nullable=False),
    Index(None, "parcel"),
)

PROPOSALS = Table(
    "proposals",
    METADATA,
    Column("alert", String, primary_key=True),
    Column("episode", Integer, primary_key=True, autoincrement=False),
    Column("command", PLAIN, nullable=False),
    Column("started_at", Moment, nullable=False),
    Column("finished_at", Moment),  # NULL: running, or nobody knows what became of it
    Column("exit_status", Integer),
    Column("output", String, nullable=False, server_default=""),
)
"""Commands that were run. A row is committed before its command starts: never run twice."""

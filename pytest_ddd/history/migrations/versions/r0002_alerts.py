"""Alerts, escalations, silences, acknowledgements, the outbox and proposals that were run."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_STAMP = sa.String(27)


def upgrade() -> None:
    """Make the tables."""
    _make_alerts()
    _make_escalations()
    _make_silences()
    _make_outbox()
    _make_proposals()


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.String, nullable=False)


def _moment(name: str, *, nullable: bool = False) -> sa.Column[str]:
    return sa.Column(name, _STAMP, nullable=nullable)


def _record(name: str = "record") -> sa.Column[object]:
    return sa.Column(name, sa.JSON, nullable=False)


def _index(table: str, *columns: str) -> None:
    op.create_index(f"ix_{table}_{'_'.join(columns)}", table, list(columns))


def _make_alerts() -> None:
    op.create_table(
        "alerts",
        _text("alert"),
        _text("environment"),
        _text("rule"),
        _text("phase"),
        _text("announced_as"),
        _record(),
        sa.PrimaryKeyConstraint("alert", name="pk_alerts"),
    )
    _index("alerts", "environment", "phase")
    op.create_table(
        "transitions",
        sa.Column("id", _NUMBER, nullable=False),
        _text("alert"),
        _text("run_id"),
        _moment("at"),
        _text("before"),
        _text("after"),
        _text("reason"),
        sa.PrimaryKeyConstraint("id", name="pk_transitions"),
    )
    _index("transitions", "alert", "at")


def _make_escalations() -> None:
    op.create_table(
        "escalations",
        sa.Column("id", _NUMBER, nullable=False),
        _text("alert"),
        _text("environment"),
        _text("run_id"),
        _moment("at"),
        _text("kind"),
        _text("suppressed"),
        _text("reference"),
        _record(),
        sa.PrimaryKeyConstraint("id", name="pk_escalations"),
    )
    _index("escalations", "run_id")
    _index("escalations", "alert", "at")


def _make_silences() -> None:
    op.create_table(
        "silences",
        _text("silence_id"),
        _moment("ends_at"),
        _record(),
        sa.PrimaryKeyConstraint("silence_id", name="pk_silences"),
    )
    op.create_table(
        "acknowledgements",
        sa.Column("id", _NUMBER, nullable=False),
        _text("alert"),
        _text("environment"),
        _moment("at"),
        _moment("until"),
        _record(),
        sa.PrimaryKeyConstraint("id", name="pk_acknowledgements"),
    )


def _make_outbox() -> None:
    op.create_table(
        "outbox",
        sa.Column("id", _NUMBER, nullable=False),
        _text("environment"),
        _text("channel"),
        _text("dedup_key"),
        _text("kind"),
        _text("state"),
        _moment("created_at"),
        _moment("next_at"),
        sa.Column("locked_by", sa.String, nullable=False, server_default=""),
        _moment("locked_until", nullable=True),
        sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
        sa.Column("fell_back", sa.Boolean, nullable=False, server_default=sa.text("false")),
        sa.Column("fallback", sa.JSON, nullable=False, server_default="[]"),
        sa.Column("fallback_after_s", sa.Float),
        sa.Column("error", sa.String, nullable=False, server_default=""),
        _record("message"),
        sa.PrimaryKeyConstraint("id", name="pk_outbox"),
    )
    _index("outbox", "state", "next_at")
    _index("outbox", "channel", "dedup_key", "id")
    op.create_table(
        "deliveries",
        sa.Column("id", _NUMBER, nullable=False),
        sa.Column("parcel", _NUMBER, nullable=False),
        _moment("at"),
        _text("state"),
        _text("error"),
        sa.PrimaryKeyConstraint("id", name="pk_deliveries"),
        sa.ForeignKeyConstraint(
            ["parcel"], ["outbox.id"], name="fk_deliveries_parcel", ondelete="CASCADE"
        ),
    )
    _index("deliveries", "parcel")


def _make_proposals() -> None:
    op.create_table(
        "proposals",
        _text("alert"),
        sa.Column("episode", sa.Integer, nullable=False, autoincrement=False),
        _record("command"),
        _moment("started_at"),
        _moment("finished_at", nullable=True),
        sa.Column("exit_status", sa.Integer),
        sa.Column("output", sa.String, nullable=False, server_default=""),
        sa.PrimaryKeyConstraint("alert", "episode", name="pk_proposals"),
    )

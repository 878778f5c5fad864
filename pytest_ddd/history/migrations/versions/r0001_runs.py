"""Runs, results, readings and occurrences."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_STAMP = sa.String(27)


def upgrade() -> None:
    """Make the tables."""
    _make_runs()
    _make_results()
    _make_readings()
    _make_occurrences()


def _make_runs() -> None:
    op.create_table(
        "runs",
        sa.Column("id", _NUMBER, nullable=False),
        sa.Column("run_id", sa.String, nullable=False),
        sa.Column("environment", sa.String, nullable=False),
        sa.Column("scenario", sa.String, nullable=False),
        sa.Column("frequency", sa.String, nullable=False, server_default=""),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("due_at", _STAMP),
        sa.Column("started_at", _STAMP, nullable=False),
        sa.Column("heartbeat_at", _STAMP, nullable=False),
        sa.Column("finished_at", _STAMP),
        sa.Column("process", sa.String, nullable=False, server_default=""),
        sa.Column("operator", sa.String, nullable=False, server_default=""),
        sa.Column("controller", sa.String, nullable=False, server_default=""),
        sa.Column("command_line", sa.String, nullable=False, server_default=""),
        sa.Column("versions", sa.JSON, nullable=False, server_default="{}"),
        sa.Column("profile", sa.String, nullable=False, server_default=""),
        sa.Column("budget_s", sa.Float),
        sa.Column("used_s", sa.Float),
        sa.Column("waited_s", sa.Float),
        sa.Column("outcome", sa.String),
        sa.Column("counts", sa.JSON, nullable=False, server_default="{}"),
        sa.Column("steps", sa.JSON, nullable=False, server_default="{}"),
        sa.Column("narrowed", sa.Boolean, nullable=False, server_default=sa.text("false")),
        sa.Column("planned_only", sa.Boolean, nullable=False, server_default=sa.text("false")),
        sa.Column("escalations", sa.Integer),
        sa.Column("rollbacks", sa.Integer),
        sa.Column("evaluated_to", sa.Integer, nullable=False, server_default="0"),
        sa.Column("invalidated_by", sa.String),
        sa.Column("invalidated_reason", sa.String),
        sa.PrimaryKeyConstraint("id", name="pk_runs"),
        sa.UniqueConstraint(
            "run_id", "environment", "scenario", name="uq_runs_run_id_environment_scenario"
        ),
    )
    for last in ("started_at", "due_at"):
        name = f"ix_runs_environment_scenario_{last}"
        op.create_index(name, "runs", ["environment", "scenario", last])


def _make_results() -> None:
    op.create_table(
        "results",
        sa.Column("run", _NUMBER, nullable=False),
        sa.Column("seq", sa.Integer, nullable=False, autoincrement=False),
        sa.Column("result_id", sa.String, nullable=False),
        sa.Column("step", sa.Integer, nullable=False),
        sa.Column("check_id", sa.String, nullable=False),
        sa.Column("target", sa.String, nullable=False),
        sa.Column("entry", sa.String, nullable=False),
        sa.Column("nodeid", sa.String, nullable=False),
        sa.Column("outcome", sa.String, nullable=False),
        sa.Column("reason", sa.String, nullable=False),
        sa.Column("started_at", _STAMP, nullable=False),
        sa.Column("took_s", sa.Float, nullable=False),
        sa.Column("blocked_by", sa.String, nullable=False),
        sa.Column("waiver", sa.String, nullable=False),
        sa.Column("controls", sa.String, nullable=False),
        sa.Column("worker", sa.String, nullable=False),
        sa.Column("look", sa.Integer, nullable=False),
        sa.Column("title", sa.String, nullable=False),
        sa.PrimaryKeyConstraint("run", "seq", name="pk_results"),
        sa.UniqueConstraint("result_id", name="uq_results_result_id"),
        sa.ForeignKeyConstraint(["run"], ["runs.id"], name="fk_results_run", ondelete="CASCADE"),
        sqlite_with_rowid=False,
    )
    series = ["check_id", "target", "entry", "started_at"]
    op.create_index("ix_results_" + "_".join(series), "results", series)
    yellow = sa.text("outcome = 'YELLOW'")
    op.create_index(
        "ix_results_yellow", "results", ["run"], sqlite_where=yellow, postgresql_where=yellow
    )


def _make_readings() -> None:
    op.create_table(
        "readings",
        sa.Column("run", _NUMBER, nullable=False),
        sa.Column("seq", sa.Integer, nullable=False, autoincrement=False),
        sa.Column("n", sa.Integer, nullable=False, autoincrement=False),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("number", sa.Float),
        sa.Column("unit", sa.String, nullable=False),
        sa.Column("at", _STAMP, nullable=False),
        sa.Column("outcome", sa.String),
        sa.Column("warn", sa.Float),
        sa.Column("crit", sa.Float),
        sa.Column("record", sa.String, nullable=False),
        sa.PrimaryKeyConstraint("run", "seq", "n", name="pk_readings"),
        sa.ForeignKeyConstraint(
            ["run", "seq"],
            ["results.run", "results.seq"],
            name="fk_readings_result",
            ondelete="CASCADE",
        ),
        sqlite_with_rowid=False,
    )


def _make_occurrences() -> None:
    op.create_table(
        "occurrences",
        sa.Column("environment", sa.String, nullable=False),
        sa.Column("scenario", sa.String, nullable=False),
        sa.Column("due_at", _STAMP, nullable=False),
        sa.Column("grace_s", sa.Float, nullable=False),
        sa.Column("schedule", sa.String, nullable=False, server_default=""),
        sa.Column("excuse", sa.String),
        sa.Column("excused_by", sa.String),
        sa.PrimaryKeyConstraint("environment", "scenario", "due_at", name="pk_occurrences"),
    )

"""Runs, their results and readings, and the occurrences that schedules asked for.

Results and readings are only ever added. A result is (run, seq): each run has one writer, which
counts from 1, so a run says with one number, `evaluated_to`, which of its results an evaluation
of the escalation rules has covered.
"""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    Column,
    Float,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    String,
    Table,
    UniqueConstraint,
    text,
)

from pytest_ddd.history.metadata import METADATA, NUMBER, PLAIN, Moment

RUNS = Table(
    "runs",
    METADATA,
    Column("id", NUMBER, primary_key=True),
    Column("run_id", String, nullable=False),
    Column("environment", String, nullable=False),
    Column("scenario", String, nullable=False),
    Column("frequency", String, nullable=False, server_default=""),
    Column("kind", String, nullable=False),  # occurrences.Kind
    Column("state", String, nullable=False),  # occurrences.State
    Column("due_at", Moment),  # of a scheduled run: the occurrence that it is
    Column("started_at", Moment, nullable=False),
    Column("heartbeat_at", Moment, nullable=False),
    Column("finished_at", Moment),
    Column("process", String, nullable=False, server_default=""),  # processes.own()
    Column("operator", String, nullable=False, server_default=""),
    Column("controller", String, nullable=False, server_default=""),
    Column("command_line", String, nullable=False, server_default=""),
    Column("versions", PLAIN, nullable=False, server_default="{}"),
    Column("profile", String, nullable=False, server_default=""),
    Column("budget_s", Float),
    Column("used_s", Float),
    Column("waited_s", Float),
    Column("outcome", String),  # the verdict, once finished
    Column("counts", PLAIN, nullable=False, server_default="{}"),  # outcome -> number of checks
    Column("steps", PLAIN, nullable=False, server_default="{}"),  # step number -> outcome
    Column("narrowed", Boolean, nullable=False, server_default=text("false")),
    Column("planned_only", Boolean, nullable=False, server_default=text("false")),
    Column("escalations", Integer),  # NULL: not evaluated
    Column("rollbacks", Integer),  # NULL: nobody counted
    Column("evaluated_to", Integer, nullable=False, server_default="0"),
    Column("invalidated_by", String),  # a person who says that this run must not count
    Column("invalidated_reason", String),
    UniqueConstraint("run_id", "environment", "scenario"),
    Index(None, "environment", "scenario", "started_at"),
    Index(None, "environment", "scenario", "due_at"),
)

RESULTS = Table(
    "results",
    METADATA,
    Column("run", NUMBER, ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True),
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("result_id", String, nullable=False, unique=True),
    Column("step", Integer, nullable=False),
    Column("check_id", String, nullable=False),
    Column("target", String, nullable=False),
    Column("entry", String, nullable=False),
    Column("nodeid", String, nullable=False),
    Column("outcome", String, nullable=False),
    Column("reason", String, nullable=False),
    Column("started_at", Moment, nullable=False),
    Column("took_s", Float, nullable=False),
    Column("blocked_by", String, nullable=False),
    Column("waiver", String, nullable=False),
    Column("controls", String, nullable=False),  # JSON, as in the record
    Column("worker", String, nullable=False),
    Column("look", Integer, nullable=False),
    Column("title", String, nullable=False),
    Index(None, "check_id", "target", "entry", "started_at"),
    # In PostgreSQL of the yellow ones as well; to say so here would load all that it is.
    Index("ix_results_yellow", "run", sqlite_where=text("outcome = 'YELLOW'")),
    sqlite_with_rowid=False,
)

READINGS = Table(
    "readings",
    METADATA,
    Column("run", NUMBER, primary_key=True),
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("n", Integer, primary_key=True, autoincrement=False),  # order within the result
    Column("name", String, nullable=False),
    Column("number", Float),  # NULL: no number, see record
    Column("unit", String, nullable=False),
    Column("at", Moment, nullable=False),
    Column("outcome", String),
    Column("warn", Float),
    Column("crit", Float),
    Column("record", String, nullable=False),  # the whole reading, JSON as in the record
    ForeignKeyConstraint(
        ["run", "seq"],
        ["results.run", "results.seq"],
        ondelete="CASCADE",
        name="fk_readings_result",
    ),
    sqlite_with_rowid=False,
)

OCCURRENCES = Table(
    "occurrences",
    METADATA,
    Column("environment", String, primary_key=True),
    Column("scenario", String, primary_key=True),
    Column("due_at", Moment, primary_key=True),
    Column("grace_s", Float, nullable=False),
    Column("schedule", String, nullable=False, server_default=""),
    Column("excuse", String),  # why this one need not happen: a holiday, a frozen window
    Column("excused_by", String),
)

"""What all tables share: their collection, and how a time and JSON are kept.

A module that brings tables of its own makes them with `METADATA` and is named in
`TABLE_MODULES`; its first migration goes into `migrations/versions`.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import JSON, BigInteger, Dialect, Integer, MetaData, String
from sqlalchemy.types import TypeDecorator

from pytest_ddd.clock import from_stamp, stamp

METADATA = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
    }
)

TABLE_MODULES = ("pytest_ddd.history.tables", "pytest_ddd.history.alert_tables")
"""Modules that add tables to `METADATA`."""

NUMBER = BigInteger().with_variant(Integer(), "sqlite")
"""A key that counts up by itself; SQLite does that for INTEGER only."""

PLAIN = JSON()
"""A list or mapping of plain values."""

_STAMP_LENGTH = 27


class Moment(TypeDecorator[datetime]):
    """A time as `clock.stamp` writes it, always UTC: readable, and in order as text."""

    impl = String(_STAMP_LENGTH)
    cache_ok = True

    def process_bind_param(self, value: datetime | str | None, dialect: Dialect) -> str | None:
        """Write a time; a text is a stamp already."""
        return value if value is None or isinstance(value, str) else stamp(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> datetime | None:
        """Read a time, aware."""
        return None if value is None else from_stamp(value)

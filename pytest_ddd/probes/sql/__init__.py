"""Questions to databases, in sessions that cannot write; no other probe knows SQL."""

from pytest_ddd.probes.sql.databases import Databases, Rows

__all__ = ["Databases", "Rows"]

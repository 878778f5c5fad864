"""Pairs of data that have to be the same: queries, a database and its replica, file trees."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from pydantic import AfterValidator, Field, model_validator

from pytest_ddd.baseline.fields import (
    Duration,
    DurationLimits,
    Entry,
    Limits,
    Model,
    PercentLimits,
    Size,
    Whole,
)
from pytest_ddd.baseline.sources import Database, Query

SOURCES = ("queries", "replication", "files")
_LIMITS: Mapping[str, tuple[str, ...]] = {
    "queries": ("difference", "deviation"),
    "replication": ("lag", "behind"),
    "files": ("difference",),
}
"""What each kind of pair is held against."""


def _is_absolute(path: str) -> str:
    if not path.startswith("/"):
        raise ValueError(f"needs the whole path from /, found {path!r}")
    return path


Amount = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class AmountLimits(Limits):
    """Limits of a difference; more is worse."""

    warn: Amount | None = None
    crit: Amount | None = None


class SizeLimits(Limits):
    """Limits in bytes; more is worse."""

    warn: Size | None = None
    crit: Size | None = None


class Queries(Model):
    """Two queries whose answers have to agree."""

    left: Query
    right: Query

    @model_validator(mode="after")
    def _two_sides(self) -> Queries:
        if self.left == self.right:
            raise ValueError("both sides ask the same: they can never differ")
        return self


class Replication(Model):
    """A PostgreSQL and its streaming replica."""

    primary: Database
    replica: Database


class Tree(Model):
    """A directory with all that is below it."""

    host: str = ""
    """Inventory name; the controller when empty."""
    path: Annotated[str, AfterValidator(_is_absolute)]


class Trees(Model):
    """Two directories whose files have to be the same, byte for byte."""

    left: Tree
    right: Tree
    exclude: list[str] = Field(default_factory=list)
    """Globs of paths below the directories: `*.tmp`, `cache/*`."""
    max_files: Annotated[Whole, Field(ge=1)] = 100_000
    timeout: Duration = 300.0

    @model_validator(mode="after")
    def _two_sides(self) -> Trees:
        if self.left == self.right:
            raise ValueError("both sides are the same directory: they can never differ")
        return self


class SyncPair(Entry):
    """One pair of data. Lives in the environment; it names its databases and hosts itself."""

    queries: Queries | None = None
    replication: Replication | None = None
    files: Trees | None = None
    difference: AmountLimits | None = None
    """By how much two numbers differ; else how many rows or files differ."""
    deviation: PercentLimits | None = None
    """By how many per cent of the left number the right one differs from it."""
    lag: DurationLimits | None = None
    """How far in time the replica is behind."""
    behind: SizeLimits | None = None
    """How many bytes of the write-ahead log the replica has not replayed."""

    @model_validator(mode="after")
    def _one_source(self) -> SyncPair:
        if sum(getattr(self, name) is not None for name in SOURCES) != 1:
            raise ValueError(f"needs exactly one of {', '.join(SOURCES)}")
        if self.applies_to:
            raise ValueError("a pair names its own databases and hosts: leave applies_to out")
        return self

    @model_validator(mode="after")
    def _has_its_limits(self) -> SyncPair:
        kind = next(name for name in SOURCES if getattr(self, name) is not None)
        needed = _LIMITS[kind]
        foreign = {"difference", "deviation", "lag", "behind"}.difference(needed)
        if ignored := sorted(foreign & self.model_fields_set):
            raise ValueError(f"{ignored[0]} has no meaning for {kind}")
        if all(getattr(self, name) is None for name in needed):
            raise ValueError(f"needs {' or '.join(needed)}: without a limit nothing can turn red")
        return self

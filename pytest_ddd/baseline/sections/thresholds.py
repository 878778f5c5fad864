"""Yellow and red limits of resources, by day and by night."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema, model_validator

from pytest_ddd import units
from pytest_ddd.baseline.fields import Duration, Entry, Limits, Model
from pytest_ddd.baseline.servers import HostServer

KINDS = ("cpu", "memory", "swap", "load", "disk", "inodes", "open_files")
"""What a resource entry can be named; `disk:/var` and `inodes:/var` name one mount."""

FROM_ELSEWHERE = ("prometheus", "table")
"""Kinds that say by themselves how they are read: `prometheus:NAME`, `table:NAME`."""


def _limit(value: object) -> object:
    """Read `80%` as 80.0 and `2GiB` as bytes; a bare number is load per core, or a count."""
    if isinstance(value, bool):
        raise ValueError("must be a percentage such as 80%, or a number for load")  # noqa: TRY004  # pydantic tells of ValueError only
    if isinstance(value, str):
        return (
            units.parse_size(value) if value.strip().endswith("B") else units.parse_percent(value)
        )
    return value


Limit = Annotated[
    float,
    BeforeValidator(_limit),
    Field(ge=0, allow_inf_nan=False),
    WithJsonSchema(
        {
            "anyOf": [
                {
                    "type": "string",
                    "pattern": "^[0-9.]+ *(%|[kKMGTP]?i?B)$",
                    "examples": ["80%", "2GiB"],
                },
                {"type": "number", "minimum": 0},
            ]
        }
    ),
]


class Profile(Limits):
    """The limits that hold at one time of day."""

    warn: Limit | None = None
    """Yellow from here on."""
    crit: Limit | None = None
    """Red from here on."""


class Query(HostServer):
    """A PromQL query that gives one number, in the unit of the limits."""

    query: str = Field(min_length=1)
    """PromQL that gives one number."""
    max_age: Duration = 300.0
    """How old the newest sample may be."""


class Table(Model):
    """A command that prints a table: a line of headings, then a line for each thing.

    Columns are parted by blanks, as `kubectl top pods` does. Each line becomes a reading.
    """

    command: str = Field(min_length=1)
    """It prints the table."""
    column: str = Field(min_length=1)
    """The heading of the column with the number: `CPU(cores)`, `MEMORY%`."""
    name: str = ""
    """The heading of the column with the name; the first column without it."""
    from_: Literal["controller", "host"] = Field(default="host", alias="from")
    timeout: Duration = 30.0


class Resource(Entry, Profile):
    """Limits of one resource. Lives on every host; `applies_to` narrows it.

    cpu, memory, swap, disk, inodes and open_files are percentages in use; load is the one-minute
    load average for each core. `disk` and `inodes` alone stand for every real file system.
    `prometheus:NAME` and `table:NAME` are what a query or a command of a like name says.
    """

    prometheus: Query | None = None
    table: Table | None = None
    unit: str = ""
    """Of limits that are bare numbers (`s`, say); `%` and sizes say theirs by themselves."""

    night: Profile | None = None
    """The limits of the night."""
    sample: Duration = 1.0
    """How long cpu is watched."""
    exclude: list[str] = Field(default_factory=list)
    """Mount points (globs) that `disk` and `inodes` leave out."""

    @model_validator(mode="before")
    @classmethod
    def _one_unit(cls, data: object) -> object:
        """Take the unit from the limits as they are written."""
        if not isinstance(data, Mapping) or not set(FROM_ELSEWHERE) & set(data):
            return data
        night = data.get("night")
        written = [
            limits.get(name)
            for limits in (data, night if isinstance(night, Mapping) else {})
            for name in ("warn", "crit")
        ]
        units_found = {_unit_of(limit) for limit in written if limit is not None}
        if len(units_found) > 1:
            raise ValueError("all limits of one resource have one unit")
        unit = next(iter(units_found), "")
        return {**data, "unit": unit} if unit else data


def _unit_of(limit: object) -> str:
    text = limit.strip() if isinstance(limit, str) else ""
    return "%" if text.endswith("%") else "bytes" if text.endswith("B") else ""

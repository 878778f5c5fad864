"""Yellow and red limits of resources, by day and by night."""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator, Field, WithJsonSchema

from pytest_ddd import units
from pytest_ddd.baseline.fields import Duration, Entry, Limits

KINDS = ("cpu", "memory", "swap", "load", "disk", "inodes", "open_files")
"""What a resource entry can be named; `disk:/var` and `inodes:/var` name one mount."""


def _limit(value: object) -> object:
    """Read `80%` as 80.0; a bare number is load per core."""
    if isinstance(value, bool):
        raise ValueError("must be a percentage such as 80%, or a number for load")  # noqa: TRY004
    return units.parse_percent(value) if isinstance(value, str) else value


Limit = Annotated[
    float,
    BeforeValidator(_limit),
    Field(ge=0, allow_inf_nan=False),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string", "pattern": "^[0-9.]+ *%$", "examples": ["80%"]},
                {"type": "number", "minimum": 0},
            ]
        }
    ),
]


class Profile(Limits):
    """The limits that hold at one time of day."""

    warn: Limit | None = None
    crit: Limit | None = None


class Resource(Entry, Profile):
    """Limits of one resource. Lives on every host; `applies_to` narrows it.

    cpu, memory, swap, disk, inodes and open_files are percentages in use; load is the one-minute
    load average for each core. `disk` and `inodes` alone stand for every real file system.
    """

    night: Profile | None = None
    sample: Duration = 1.0
    """How long cpu is watched."""
    exclude: list[str] = Field(default_factory=list)
    """Mount points (globs) that `disk` and `inodes` leave out."""

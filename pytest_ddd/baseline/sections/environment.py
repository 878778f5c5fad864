"""Environment: its time zone, its night and the people behind it."""

from __future__ import annotations

from datetime import time
from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, model_validator

from pytest_ddd.baseline.fields import Model, TimeOfDay


def _known_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(
            f"unknown time zone {name!r} (write an IANA name: Europe/Berlin)"
        ) from None
    return name


TimeZone = Annotated[str, AfterValidator(_known_zone)]


class Night(Model):
    """When the night profile holds; it may cross midnight."""

    start: TimeOfDay = time(22, 0)
    end: TimeOfDay = time(6, 0)

    @model_validator(mode="after")
    def _has_a_length(self) -> Night:
        if self.start == self.end:
            raise ValueError("start and end are the same: a night needs a length")
        return self


class Environment(Model):
    """Facts about the whole environment: one mapping, not a mapping by name."""

    description: str = ""
    owner: str = ""
    on_call: str = ""
    timezone: TimeZone = "UTC"
    night: Night = Night()

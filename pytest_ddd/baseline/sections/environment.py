"""Environment: its time zone, its night and the people behind it."""

from __future__ import annotations

from datetime import date, time
from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema, model_validator

from pytest_ddd.baseline.days import WEEKDAYS, DaysField, read_days
from pytest_ddd.baseline.fields import Model, TimeOfDay


def known_zone(name: str) -> str:
    """Accept the name of a time zone; ValueError for anything else."""
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(
            f"unknown time zone {name!r} (write an IANA name: Europe/Berlin)"
        ) from None
    return name


TimeZone = Annotated[str, AfterValidator(known_zone)]


class Night(Model):
    """When the night profile holds; it may cross midnight."""

    start: TimeOfDay = time(22, 0)
    end: TimeOfDay = time(6, 0)

    @model_validator(mode="after")
    def _has_a_length(self) -> Night:
        if self.start == self.end:
            raise ValueError("start and end are the same: a night needs a length")
        return self


def _read_date(value: object) -> object:
    try:
        return date.fromisoformat(value if isinstance(value, str) else "")
    except ValueError:
        raise ValueError(f'not a date: {value!r} (write "2026-12-24", in quotes)') from None


Date = Annotated[
    date,
    BeforeValidator(_read_date),
    WithJsonSchema({"type": "string", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"}),
]


class Holidays(Model):
    """Days on which nobody works. `country` needs the extra `holidays`."""

    country: str = ""
    """ISO 3166-1 code of two letters."""
    region: str = ""
    """ISO 3166-2 code of a part of the country: `ZH` for `CH-ZH`."""
    days: list[Date] = Field(default_factory=list)
    """Further days off."""
    worked: list[Date] = Field(default_factory=list)
    """Holidays on which people work all the same."""

    @model_validator(mode="after")
    def _has_a_country(self) -> Holidays:
        if self.region and not self.country:
            raise ValueError("region needs country")
        return self


class Environment(Model):
    """Facts about the whole environment: one mapping, not a mapping by name."""

    description: str = ""
    """What it is, for reports."""
    owner: str = ""
    """Who answers for it."""
    on_call: str = ""
    """Who is called."""
    timezone: TimeZone = "UTC"
    """An IANA name; times of the baseline are local there."""
    night: Night = Night()
    """When night limits hold, and from when on logs are read."""
    business_days: DaysField = read_days(list(WEEKDAYS[:5]))
    """The working week."""
    holidays: Holidays = Holidays()
    """Days that are no business days."""

    @model_validator(mode="after")
    def _has_business_days(self) -> Environment:
        if not self.business_days.weekdays or self.business_days.ordinal is not None:
            raise ValueError("business_days is a list of weekdays: [Mon, Tue, Wed, Thu, Fri]")
        return self

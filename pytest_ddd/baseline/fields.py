"""The kinds of values that baseline files hold: durations, sizes, percentages, limits, secrets."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, time
from pathlib import Path
from typing import Annotated, ClassVar, Literal, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    Strict,
    WithJsonSchema,
    model_validator,
)

from pytest_ddd import units

T = TypeVar("T")

LITERAL_REFUSED = (
    "a literal secret is refused: write {env: NAME}, {file: PATH} or {command: [PROGRAM]}"
)

URL_REFUSED = "a password in a URL is refused: give it as a reference to a secret"


class Model(BaseModel):
    """A baseline mapping: frozen, and unknown keys are refused."""

    # Built when first used: most sites use few of the sections, and none all of their fields.
    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=False, populate_by_name=True, defer_build=True
    )


def _parsed(parse: Callable[[str], T], example: str) -> BeforeValidator:
    """Accept a text only: a bare number has no unit, and guessing one is how outages start."""

    def read(value: object) -> object:
        if isinstance(value, str):
            return parse(value)
        raise ValueError(f"needs a unit: write {example}, found {value!r}")

    return BeforeValidator(read)


def _written(pattern: str, *examples: str) -> WithJsonSchema:
    """Tell editors how the value is written in the file."""
    return WithJsonSchema({"type": "string", "pattern": pattern, "examples": list(examples)})


def _compilable(pattern: str) -> str:
    if not pattern:
        raise ValueError("an empty pattern matches everything: write .* if that is meant")
    try:
        re.compile(pattern)
    except re.error as mistake:
        raise ValueError(f"not a regular expression: {pattern!r} ({mistake})") from None
    return pattern


def _time_of_day(value: object) -> object:
    if isinstance(value, str) and re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d", value):
        return time.fromisoformat(value)
    raise ValueError(f'not a time of day: {value!r} (write "22:00", in quotes)')


def _moment(value: object) -> object:
    if isinstance(value, datetime):
        return value
    if isinstance(value, str) and re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d)?Z", value):
        return datetime.fromisoformat(value).astimezone(UTC)
    raise ValueError(f'not a moment in UTC: {value!r} (write "2026-12-31T12:00:00Z", in quotes)')


Whole = Annotated[int, Strict()]
"""A whole number; `true`, `1.0` and `"1"` are not."""

Duration = Annotated[
    float,
    _parsed(units.parse_duration, "30s or 15m"),
    _written(r"^([0-9.]+(ms|s|m|h|d|w) *)+$", "30s", "15m", "1h30m"),
]
"""Seconds, written `15m`."""

Size = Annotated[
    int,
    _parsed(units.parse_size, "10GiB"),
    _written(r"^[0-9.]+ *[kKMGTP]?i?B$", "500MB", "10GiB"),
]
"""Bytes, written `10GiB`."""

Percent = Annotated[float, _parsed(units.parse_percent, "80%"), _written(r"^[0-9.]+ *%$", "80%")]
"""A percentage, written `80%`."""

Pattern = Annotated[str, AfterValidator(_compilable)]
"""A regular expression."""

TimeOfDay = Annotated[
    time, BeforeValidator(_time_of_day), _written("^[0-2][0-9]:[0-5][0-9]$", "22:00")
]
"""A time of day, written `"22:00"`."""


Moment = Annotated[
    datetime,
    BeforeValidator(_moment),
    _written(
        r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}(:[0-9]{2})?Z$", "2026-12-31T12:00:00Z"
    ),
]
"""A moment in UTC, written `"2026-12-31T12:00:00Z"`."""

Text = Annotated[str, Field(min_length=1)]
"""A text that may not be empty."""


class Limits(Model):
    """`warn` makes a reading yellow, `crit` red; both count as reached when equal."""

    bad: ClassVar[Literal["above", "below"]] = "above"

    @model_validator(mode="after")
    def _usable(self) -> Limits:
        warn, crit = getattr(self, "warn", None), getattr(self, "crit", None)
        if warn is None and crit is None:
            raise ValueError("needs warn, crit or both: without a limit nothing can turn red")
        if warn is None or crit is None:
            return self
        if (warn > crit) if self.bad == "above" else (warn < crit):
            raise ValueError(f"warn {warn:g} would never be seen: crit {crit:g} is reached first")
        return self


class DurationLimits(Limits):
    """Limits in seconds; more is worse."""

    warn: Duration | None = None
    crit: Duration | None = None


class DaysLeftLimits(DurationLimits):
    """Limits in seconds that are left; less is worse."""

    bad = "below"


class PercentLimits(Limits):
    """Limits in per cent; more is worse."""

    warn: Percent | None = None
    crit: Percent | None = None


class CountLimits(Limits):
    """Limits of a count; more is worse."""

    warn: Annotated[Whole, Field(ge=0)] | None = None
    crit: Annotated[Whole, Field(ge=0)] | None = None


class Attempts(Model):
    """How often an entry is looked at inside one run before its answer counts."""

    count: Annotated[Whole, Field(ge=1, le=20)] = 1
    """How often."""
    interval: Duration = 5.0
    """The pause between two."""


class SecretRef(Model):
    """Where a secret is kept; the secret itself never stands in a baseline."""

    env: str | None = None
    """A variable of the environment."""
    file: Path | None = None
    """A file."""
    command: list[str] | None = None
    """A program that prints it, with its arguments."""

    @model_validator(mode="after")
    def _exactly_one(self) -> SecretRef:
        if sum(way is not None for way in (self.env, self.file, self.command)) != 1:
            raise ValueError("a secret is {env: NAME}, {file: PATH} or {command: [PROGRAM, ARG]}")
        return self


class Entry(Model):
    """What every entry of a section can say."""

    applies_to: list[str] = Field(default_factory=list)
    """Hosts or groups; empty = where the section lives by itself (see its page)."""
    description: str = ""
    """What it is, for people."""
    runbook: str = ""
    """The runbook section that explains a failure: `5.2` or a link."""
    controls: list[str] = Field(default_factory=list)
    """Controls that it gives evidence for, such as `ISO A.8.9`."""
    attempts: Attempts = Attempts()
    """How often it is looked at in one run before the answer counts."""


def literal_secret(value: object) -> SecretRef | None:
    """Accept a reference to a secret only."""
    if value is None or isinstance(value, SecretRef):
        return value
    if isinstance(value, Mapping):
        return SecretRef.model_validate(value)
    raise ValueError(LITERAL_REFUSED)


Secret = Annotated[SecretRef, BeforeValidator(literal_secret)]
"""A reference to a secret; a literal one is refused."""

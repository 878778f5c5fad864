"""Days in words: daily, business, Tue, second Tue, last business day, first day."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated

from pydantic import BeforeValidator, WithJsonSchema

WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
ORDINALS = {"first": 1, "second": 2, "third": 3, "fourth": 4, "last": -1}

_HOW = (
    "write daily, business, Tue, [Mon, Thu], second Tue, last Fri, first business day, "
    "last day or 15th day"
)


class Unit(StrEnum):
    """What is counted from the start or the end of a month."""

    DAY = "day"
    BUSINESS = "business day"
    WEEKDAY = "weekday"


@dataclass(frozen=True, slots=True, kw_only=True)
class Days:
    """Days of a month.

    `weekdays` are numbers, 0 is Monday; empty = all. With `ordinal` it is one day of each month:
    the n-th (from the end when negative) of `unit`, or of its one weekday.
    """

    unit: Unit = Unit.DAY
    weekdays: tuple[int, ...] = ()
    ordinal: int | None = None

    def __str__(self) -> str:
        names = ", ".join(WEEKDAYS[number] for number in self.weekdays)
        if self.ordinal is None:
            return {Unit.DAY: "daily", Unit.BUSINESS: "business days"}.get(self.unit, names)
        words = {number: word for word, number in ORDINALS.items()}
        return f"{words.get(self.ordinal, f'{self.ordinal}th')} {names or self.unit.value}"


DAILY = Days()


def read_days(value: object) -> Days:
    """Return the days that a text or a list of weekdays stands for.

    Raises:
        ValueError: it is neither; the message says what can be written.
    """
    if isinstance(value, Days):
        return value
    if isinstance(value, list | tuple) and value:
        numbers = sorted({_weekday(each, value) for each in value})
        return Days(unit=Unit.WEEKDAY, weekdays=tuple(numbers))
    words = value.split() if isinstance(value, str) else []
    if words in (["daily"], ["business"], ["business", "days"]):
        return DAILY if words == ["daily"] else Days(unit=Unit.BUSINESS)
    if len(words) < 2:
        return Days(unit=Unit.WEEKDAY, weekdays=(_weekday(value, value),))
    return _ordinal(words, str(value))


def _ordinal(words: list[str], value: str) -> Days:
    """Return the one day of a month."""
    first, rest = words[0], " ".join(words[1:])
    if rest == "day" and first[:-2].isascii() and first[:-2].isdigit():
        number = int(first[:-2])
        if first[-2:] in ("st", "nd", "rd", "th") and 1 <= number <= 28:
            return Days(ordinal=number)
        raise ValueError(f"not days: {value!r} (1st to 28th day; after that: last day)")
    if first not in ORDINALS:
        raise ValueError(f"not days: {value!r} ({_HOW})")
    if rest in ("day", "business day"):
        return Days(unit=Unit(rest), ordinal=ORDINALS[first])
    return Days(unit=Unit.WEEKDAY, weekdays=(_weekday(rest, value),), ordinal=ORDINALS[first])


def _weekday(text: object, value: object) -> int:
    if text not in WEEKDAYS:
        raise ValueError(f"not days: {value!r} ({_HOW})")
    return WEEKDAYS.index(str(text))


def read_month(value: object) -> int:
    """Return the number of a month written `Jan`.

    Raises:
        ValueError: it is none.
    """
    if value not in MONTHS:
        raise ValueError(f"not a month: {value!r} (write {', '.join(MONTHS)})")
    return MONTHS.index(str(value)) + 1


_TEXT_OR_LIST = WithJsonSchema(
    {
        "anyOf": [
            {"type": "string", "examples": ["daily", "business", "Tue", "second Tue", "last day"]},
            {"type": "array", "minItems": 1, "items": {"enum": list(WEEKDAYS)}},
        ]
    }
)

DaysField = Annotated[Days, BeforeValidator(read_days), _TEXT_OR_LIST]
"""Days in words."""

Month = Annotated[int, BeforeValidator(read_month), WithJsonSchema({"enum": list(MONTHS)})]
"""A month, written `Jan`."""

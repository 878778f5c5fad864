"""Say which days are holidays: those of a country, and those of the baseline."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import TYPE_CHECKING, TypeAlias

from pytest_ddd.errors import UsageError

if TYPE_CHECKING:
    from pytest_ddd.baseline.sections import environment as section

Calendar: TypeAlias = Callable[[date], str]
"""Returns the name of the holiday that a day is; an empty text when it is none."""

OWN = "a day off of this environment"


def calendar(holidays: section.Holidays) -> Calendar:
    """Return the holidays of an environment.

    Raises:
        UsageError: the country is not known, or the extra is not installed.
    """
    of_country = _of_country(holidays.country, holidays.region)
    off, worked = frozenset(holidays.days), frozenset(holidays.worked)

    def name(day: date) -> str:
        if day in worked:
            return ""
        return OWN if day in off else of_country(day)

    return name


def _of_country(country: str, region: str) -> Calendar:
    if not country:
        return lambda _: ""
    try:
        import holidays
    except ImportError:
        raise UsageError(
            f"the holidays of {country} are not known here: the extra is not installed",
            hint="pip install 'pytest-ddd[holidays]', or list the days: holidays: {days: […]}",
        ) from None
    try:
        known = holidays.country_holidays(country, subdiv=region or None)
    except NotImplementedError:
        place = f"{country}-{region}" if region else country
        raise UsageError(
            f"no holidays are known for {place!r}",
            hint="environment.holidays takes ISO 3166 codes: {country: CH, region: ZH}",
        ) from None
    return lambda day: known.get(day) or ""

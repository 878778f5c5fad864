"""Puts readings and results into the words of the report."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

from pytest_ddd.evidence.facts import ClockState
from pytest_ddd.outcomes import Outcome
from pytest_ddd.results import CheckResult, Limit, Reading, Threshold, explain
from pytest_ddd.units import format_duration, format_quantity

_READINGS_SHOWN = 3


def day(moment: datetime) -> str:
    """Return `Mon 23 Nov 2026`."""
    return moment.astimezone(UTC).strftime("%a %d %b %Y")


def time_of_day(moment: datetime) -> str:
    """Return `07:30:04`, UTC."""
    return moment.astimezone(UTC).strftime("%H:%M:%S")


def exact(moment: datetime) -> str:
    """Return the moment for machines, in seconds, UTC."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def clock(state: ClockState) -> str:
    """Say whether the clock of the run can be relied on."""
    if state.synchronized == "no":
        return "not in step with any time source, says the kernel"
    if state.synchronized == "unknown":
        return "the kernel does not say whether it is in step with a time source"
    error = f", at most {format_duration(state.error_s)} off" if state.error_s is not None else ""
    return f"in step with a time source{error}, says the kernel"


def saw(result: CheckResult) -> str:
    """Return what a check saw in one line: its reason, or its readings."""
    if result.reason:
        return result.reason
    said = [_brief(reading) for reading in result.readings[:_READINGS_SHOWN]]
    more = len(result.readings) - len(said)
    if more:
        said.append(f"and {more} more")
    return " · ".join(said) or "nothing was read"


def _brief(reading: Reading) -> str:
    """Explain a reading without its baseline line, which the table of readings shows."""
    held = reading.threshold
    if held is not None:
        warn, crit = (limit and replace(limit, origin=None) for limit in (held.warn, held.crit))
        reading = replace(reading, threshold=replace(held, warn=warn, crit=crit))
    return explain(reading)


def observed(reading: Reading) -> str:
    """Return the value with its unit, or why there is none."""
    if reading.value is None:
        return reading.error or "no value"
    return format_quantity(reading.value, reading.unit)


def expected(reading: Reading) -> str:
    """Return what the baseline asks of a reading: its limits, or its words when it has none."""
    told = limits(reading.threshold) if reading.threshold is not None else ""
    return told or reading.expected


def limits(threshold: Threshold) -> str:
    """Return `yellow from 80 %, red from 90 %`."""
    word = "from" if threshold.bad == "above" else "down from"
    named = (("yellow", threshold.warn), ("red", threshold.crit))
    return ", ".join(
        f"{name} {word} {format_quantity(limit.value, threshold.unit)}"
        for name, limit in named
        if limit is not None
    )


def origins(reading: Reading) -> tuple[str, ...]:
    """Return the baseline lines that a reading is held against, the deciding one first."""
    threshold = reading.threshold
    held: tuple[Limit | None, ...] = (threshold.crit, threshold.warn) if threshold else ()
    found = [reading.origin, *(limit.origin for limit in held if limit)]
    return tuple(dict.fromkeys(str(origin) for origin in found if origin))


def telling(result: CheckResult) -> Sequence[Reading]:
    """Return the readings that made the outcome what it is; all of them when none did alone."""
    bad = (Outcome.GREEN, Outcome.NOT_APPLICABLE, None)
    found = [r for r in result.readings if r.outcome not in bad or r.error]
    return found or result.readings


def attempts(result: CheckResult) -> int:
    """Return how often the check tried."""
    return max((reading.attempt for reading in result.readings), default=1)

"""Tells all that is known of a check as plain text, for its line in the report."""

from __future__ import annotations

from collections.abc import Iterator

from pytest_ddd.evidence import wording
from pytest_ddd.evidence.summary import Check
from pytest_ddd.results import CheckResult, Reading
from pytest_ddd.units import format_duration


def tell(check: Check) -> str:
    """Return the text; the look that decides stands last."""
    return "\n".join(_lines(check))


def _lines(check: Check) -> Iterator[str]:
    last = check.last
    if last.title:
        yield last.title
    yield last.nodeid
    about = (
        ("blocked by", last.blocked_by),
        ("waiver", last.waiver),
        ("controls", ", ".join(last.controls)),
        ("worker", last.worker),
    )
    yield from (f"{name} {value}" for name, value in about if value)
    for look in check.looks:
        if check.settled_after_s is not None:
            decides = ""
            if look is last:
                after = format_duration(check.settled_after_s)
                decides = f", the last one decides, {after} after the first"
            yield f"\nLook {look.look}: {look.outcome.word}{decides}"
            yield wording.saw(look)
        yield f"started {wording.time_of_day(look.started_at)} UTC"
        yield from _readings(look)


def _readings(look: CheckResult) -> Iterator[str]:
    for reading in look.readings:
        yield f"\n{_head(reading)}"
        expected = wording.expected(reading)
        origins = ", ".join(wording.origins(reading))
        if expected or origins:
            yield f"  expected {expected}{f' ({origins})' if origins else ''}"
        if reading.source:
            yield f"  asked    {reading.source}"
        tries = f", attempt {reading.attempt}" if reading.attempt > 1 else ""
        took = format_duration(reading.took_s)
        yield f"  at       {wording.time_of_day(reading.at)} UTC, took {took}{tries}"
        if reading.error and reading.value is not None:
            yield f"  error    {reading.error}"
        if reading.digest:
            yield f"  sha256   {reading.digest}"
        if reading.detail:
            yield from (f"  | {line}" for line in reading.detail.splitlines())


def _head(reading: Reading) -> str:
    judged = f": {reading.outcome.word}" if reading.outcome is not None else ""
    return f"{reading.name} {wording.observed(reading)}{judged}"

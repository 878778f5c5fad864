"""The records of a run: readings, judgements and check results, and the pure `judge`."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal, TypeAlias

from pytest_ddd.errors import RecordError
from pytest_ddd.jsonable import fields_to_json, from_json
from pytest_ddd.outcomes import Outcome
from pytest_ddd.plain import Json
from pytest_ddd.redaction import DEFAULT, Redactor
from pytest_ddd.units import format_quantity

RECORD_VERSION = 1
"""Version of the record; `results.schema.json` describes it."""

PLANNED = "planned"
"""How the reason of an action begins that was shown and not done."""

NOT_DONE = "not done, nothing was touched"
"""How the reason of an action begins that was held back because of what was seen before it."""

CHANGED_PACKAGES = "changed packages"
"""The reading that lists `NAME OLD -> NEW` for each package that a change has changed."""

Value: TypeAlias = float | int | str | bool | None
"""What a reading can hold; None when the value could not be read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where a baseline value was written."""

    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """One number that a reading is held against, in the unit of its threshold."""

    value: float
    origin: Origin | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Threshold:
    """Yellow and red limits of a reading.

    `bad` says on which side of the limit trouble lies: `above` means `value >= limit` is bad
    (usage, latency, age), `below` means `value <= limit` is bad (days left, free space).
    """

    warn: Limit | None = None
    crit: Limit | None = None
    unit: str = ""
    bad: Literal["above", "below"] = "above"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """One measured value: what was seen, where, when and how long it took.

    `name` is what people call it (`disk /var`), `source` the command or URL that was asked,
    `expected` what the baseline says in words, `detail` a capped excerpt of what was answered,
    `digest` the SHA-256 of the whole answer, `error` why there is no value.
    """

    name: str
    value: Value
    unit: str = ""
    source: str = ""
    at: datetime
    took_s: float = 0.0
    attempt: int = 1
    expected: str = ""
    detail: str = ""
    digest: str = ""
    error: str = ""
    threshold: Threshold | None = None
    origin: Origin | None = None
    outcome: Outcome | None = None

    @property
    def shown(self) -> str:
        """Name and value for people: `disk /var 93 %`."""
        return f"{self.name} {format_quantity(self.value, self.unit)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing that is not as the baseline says, and the baseline line that says it.

    `blind` tells that it could not be looked at, beside something else that is known to be wrong:
    no waiver accepts that.
    """

    text: str
    origin: Origin | None = None
    blind: bool = False

    def __str__(self) -> str:
        return f"{self.text} ({self.origin})" if self.origin else self.text


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckResult:
    """What one check found about one target: one line of `results.jsonl`.

    Identity over runs is (environment, check_id, target, entry); `look` counts the looks within
    one run (a recheck is the second look, and the last look decides).
    """

    result_id: str
    run_id: str
    environment: str
    scenario: str
    step: int
    check_id: str
    target: str
    entry: str
    nodeid: str
    outcome: Outcome
    reason: str = ""
    readings: tuple[Reading, ...] = ()
    started_at: datetime
    took_s: float = 0.0
    blocked_by: str = ""
    waiver: str = ""
    controls: tuple[str, ...] = ()
    worker: str = ""
    look: int = 1
    title: str = ""
    """The first line of the check's docstring: the sentence that report and runbook print."""

    @property
    def identity(self) -> tuple[str, str, str, str]:
        """What this result is about, the same in every run."""
        return (self.environment, self.check_id, self.target, self.entry)


def is_planned(result: CheckResult) -> bool:
    """Whether a result is an action that was shown and not done: its run is not complete."""
    return tells_plan(result.outcome, result.reason)


def is_held_back(result: CheckResult) -> bool:
    """Whether a result is an action that was not begun because of what was seen before it."""
    return result.outcome is Outcome.BLOCKED and result.reason.startswith(f"{NOT_DONE}: ")


def tells_plan(outcome: str, reason: str) -> bool:
    """Whether an outcome and its reason say that an action was shown and not done."""
    planned = reason == PLANNED or reason.startswith(f"{PLANNED}: ")
    return outcome == Outcome.NOT_APPLICABLE and planned


def judge(reading: Reading, threshold: Threshold) -> Reading:
    """Return the reading with its threshold, origin and outcome; never raises.

    A value that is missing, not a finite number, or without any limit to hold it against is
    UNKNOWN: what could not be measured or judged is never green.
    """
    outcome, limit = _outcome_of(reading.value, threshold)
    error = reading.error
    if outcome is Outcome.UNKNOWN and not error:
        error = f"cannot judge {reading.value!r}: not a finite number" if limit is None else ""
    origin = limit.origin if limit is not None else reading.origin
    return replace(reading, threshold=threshold, outcome=outcome, origin=origin, error=error)


def _outcome_of(value: Value, threshold: Threshold) -> tuple[Outcome, Limit | None]:
    """Return the outcome and the limit that decided it (the nearest one when green)."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return Outcome.UNKNOWN, None
    for outcome, limit in ((Outcome.RED, threshold.crit), (Outcome.YELLOW, threshold.warn)):
        if limit is not None and _is_bad(value, limit.value, threshold.bad):
            return outcome, limit
    nearest = threshold.warn or threshold.crit
    return (Outcome.GREEN if nearest is not None else Outcome.UNKNOWN), nearest


def _is_bad(value: float, limit: float, bad: str) -> bool:
    if not math.isfinite(limit):
        return True
    return value >= limit if bad == "above" else value <= limit


def explain(reading: Reading) -> str:
    """Say what a judged reading saw: `disk /var 93 % >= crit 90 % (baselines/prod/…:12)`."""
    if reading.outcome is Outcome.UNKNOWN or reading.value is None:
        return f"{reading.name}: {reading.error or 'no value'}"
    threshold = reading.threshold
    if threshold is None:
        return reading.shown + (f", expected {reading.expected}" if reading.expected else "")
    name, limit = _decisive(reading, threshold)
    if limit is None:
        return reading.shown
    bad = reading.outcome in (Outcome.RED, Outcome.YELLOW)
    sign = {"above": (">=", "<"), "below": ("<=", ">")}[threshold.bad][0 if bad else 1]
    where = f" ({limit.origin})" if limit.origin else ""
    return f"{reading.shown} {sign} {name} {format_quantity(limit.value, threshold.unit)}{where}"


def _decisive(reading: Reading, threshold: Threshold) -> tuple[str, Limit | None]:
    if reading.outcome is Outcome.RED:
        return "crit", threshold.crit
    if threshold.warn is not None:
        return "warn", threshold.warn
    return "crit", threshold.crit


@dataclass(frozen=True, slots=True, kw_only=True)
class _Cleaned:
    """A clean result, its record, and with which knowledge of secrets it was made."""

    result: CheckResult
    redactor: Redactor
    knowledge: object
    record: dict[str, Json]

    def is_of(self, result: CheckResult, redactor: Redactor) -> bool:
        """Whether a record of this result, made now, would be the same."""
        same = self.result is result and self.redactor is redactor
        return same and self.knowledge is redactor.knowledge


_LAST: list[_Cleaned] = []
"""The last clean result, as it goes into the record and then to the history."""


def cleaned(result: CheckResult, redactor: Redactor = DEFAULT) -> CheckResult:
    """Return the result as its record tells of it: without secrets, each text capped.

    Call it in the process that took the readings: that one knows the secrets. The record of what
    is returned is made already, so `to_record` costs nothing until more secrets are known.
    """
    knowledge, record = redactor.knowledge, to_record(result, redactor)
    clean = from_json(CheckResult, record)
    _LAST[:] = [_Cleaned(result=clean, redactor=redactor, knowledge=knowledge, record=record)]
    return clean


def to_record(result: CheckResult, redactor: Redactor = DEFAULT) -> dict[str, Json]:
    """Return the result as a version 1 record: JSON-safe, without secrets, each text capped.

    Doing it again with what the record tells of changes nothing. A reading that is no finite
    number of at most 53 bits becomes text (`NaN`, `Infinity`). Read only: of what `cleaned`
    returned it is the same record each time.
    """
    for last in _LAST:
        if last.is_of(result, redactor):
            return last.record
    return {"v": RECORD_VERSION, **fields_to_json(result, redactor.clean)}


def from_record(record: Mapping[str, Json]) -> CheckResult:
    """Return the result that a record tells of; keys unknown to version 1 are passed over.

    Raises:
        RecordError: not a record of version 1; the message names the field.
    """
    if record.get("v") != RECORD_VERSION:
        raise RecordError(f"record version {record.get('v')!r}, expected {RECORD_VERSION}")
    return from_json(CheckResult, dict(record))

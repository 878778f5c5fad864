"""JSON Lines of a history: how runs begin, their results, how they end.

Results are lines of the record as evidence has them (`results.jsonl`), so that both can be
imported. `{"history": 1, "begin": {…}}` and `{"history": 1, "end": {…}}` stand around them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from pytest_ddd.errors import RecordError
from pytest_ddd.history.records import RunEnd, RunStart
from pytest_ddd.history.rows import normal_stamp
from pytest_ddd.jsonable import fields_to_json, from_json
from pytest_ddd.outcomes import Outcome
from pytest_ddd.redaction import DEFAULT
from pytest_ddd.results import RECORD_VERSION, CheckResult, to_record

VERSION = 1

_OUTCOMES = frozenset(Outcome)
_ENCODE = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode


class RunKey(NamedTuple):
    """What names the run of one scenario; a tuple, because an import makes one a result."""

    run_id: str
    environment: str
    scenario: str


def of_begin(start: RunStart) -> str:
    """Return the line that says how a run begins."""
    return _ENCODE({"history": VERSION, "begin": fields_to_json(start, DEFAULT.clean)}) + "\n"


def of_end(key: RunKey, end: RunEnd) -> str:
    """Return the line that says how a run ended."""
    whole = key._asdict() | fields_to_json(end, DEFAULT.clean)
    return _ENCODE({"history": VERSION, "end": whole}) + "\n"


def of_result(result: CheckResult) -> str:
    """Return the line of a result: its record."""
    return of_record(to_record(result))


def of_record(record: Mapping[str, Any]) -> str:
    """Return the line of a record."""
    return _ENCODE(record) + "\n"


def parse(line: bytes) -> RunStart | tuple[RunKey, RunEnd] | dict[str, Any]:
    """Return what a line says: a run that begins, one that ended, or the record of a result.

    Raises:
        RecordError: none of these; the message says why.
    """
    try:
        found = json.loads(line.decode())
    except ValueError:
        raise RecordError(f"{len(line)} bytes that are not JSON") from None
    if not isinstance(found, dict):
        raise RecordError("not a record")
    if "history" not in found:
        return _record(found)
    if found["history"] != VERSION:
        raise RecordError(f"history version {found['history']!r}, expected {VERSION}")
    if "begin" in found:
        return from_json(RunStart, found["begin"])
    end = from_json(RunEnd, found.get("end"))
    return RunKey(*(str(found["end"][name]) for name in RunKey._fields)), end


def _record(found: dict[str, Any]) -> dict[str, Any]:
    """Look at the fields that decide where a record belongs; its rows need all others."""
    if found.get("v") != RECORD_VERSION:
        raise RecordError(f"record version {found.get('v')!r}, expected {RECORD_VERSION}")
    if found.get("outcome") not in _OUTCOMES:
        raise RecordError(f"outcome {found.get('outcome')!r} is none of {', '.join(Outcome)}")
    try:
        found["started_at"] = normal_stamp(found["started_at"])
    except (KeyError, TypeError, ValueError):
        raise RecordError("started_at is no time") from None
    return found

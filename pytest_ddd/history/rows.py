"""Turns a result, as its record, into rows of `results` and `readings`, and rows into a result."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias

from pytest_ddd.clock import from_stamp, stamp
from pytest_ddd.plain import Json
from pytest_ddd.results import RECORD_VERSION, CheckResult, from_record

Row: TypeAlias = dict[str, Any]

_TEXTS = (
    "result_id", "step", "check_id", "target", "entry", "nodeid", "outcome", "reason",
    "started_at", "took_s", "blocked_by", "waiver", "worker", "look", "title",
)  # fmt: skip
"""Fields of the record that are columns as they are."""

_ENCODE = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode


def of_record(record: Mapping[str, Any], run: int, seq: int) -> tuple[Row, list[Row]]:
    """Return the rows of a result that `results.to_record` wrote."""
    row = {name: record[name] for name in _TEXTS}
    row["run"], row["seq"] = run, seq
    row["controls"] = _ENCODE(record["controls"]) if record["controls"] else "[]"
    readings = [
        _reading(reading, run, seq, n) for n, reading in enumerate(record["readings"], start=1)
    ]
    return row, readings


def _reading(reading: Mapping[str, Any], run: int, seq: int, n: int) -> Row:
    value, threshold = reading["value"], reading["threshold"] or {}
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return {
        "run": run,
        "seq": seq,
        "n": n,
        "name": reading["name"],
        "number": float(value) if is_number else None,
        "unit": reading["unit"],
        "at": reading["at"],
        "outcome": reading["outcome"],
        "warn": _limit(threshold.get("warn")),
        "crit": _limit(threshold.get("crit")),
        "record": _ENCODE(reading),
    }


def _limit(limit: Mapping[str, Any] | None) -> float | None:
    """Return the number of a limit; one that is not finite is text in a record."""
    value = limit["value"] if limit else None
    return float(value) if isinstance(value, int | float) else None


def to_record(row: Mapping[str, Any], readings: Iterable[str]) -> dict[str, Json]:
    """Return the record of a row that was selected together with its run's columns.

    Args:
        row: columns of `results`, with `run_id`, `environment` and `scenario` of its run.
        readings: the column `record` of its readings, in order.
    """
    record: dict[str, Json] = {
        "v": RECORD_VERSION,
        **{name: row[name] for name in ("run_id", "environment", "scenario", *_TEXTS)},
    }
    record["started_at"] = stamp(row["started_at"])
    record["controls"] = json.loads(row["controls"])
    record["readings"] = [json.loads(reading) for reading in readings]
    return record


def to_result(row: Mapping[str, Any], readings: Iterable[str]) -> CheckResult:
    """Return the result of a row; see `to_record`."""
    return from_record(to_record(row, readings))


def normal_stamp(text: str) -> str:
    """Return a time of a foreign record as we write it; `clock.stamp` wrote most."""
    return text if len(text) == 27 and text.endswith("Z") else stamp(from_stamp(text))

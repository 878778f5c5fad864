"""Reads the records that earlier runs of an environment left."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path

from pytest_ddd.errors import CannotLookError, RecordError
from pytest_ddd.results import CheckResult, from_record


def results_since(folder: Path, environment: str, since: datetime) -> list[CheckResult]:
    """Return the results of an environment since a moment.

    Args:
        folder: where directories of evidence are.
        environment: whose results.
        since: older ones are left out.

    Raises:
        CannotLookError: a record cannot be read, so that nobody knows what it says.
    """
    found: list[CheckResult] = []
    for file in sorted(folder.glob("*/results.jsonl")):
        try:
            if file.stat().st_mtime < since.timestamp():
                continue
            found += _results(file)
        except OSError as failure:
            raise CannotLookError(f"{file}: {failure.strerror}", hint=f"ls -l {file}") from None
    return [one for one in found if one.environment == environment and one.started_at >= since]


def _results(file: Path) -> list[CheckResult]:
    """Return the results of one record; of a killed run, without the line that was cut."""
    lines = file.read_bytes().split(b"\n")
    found = []
    for number, line in enumerate(lines[:-1], start=1):
        try:
            found.append(from_record(json.loads(line)))
        except (ValueError, AttributeError, RecordError) as mistake:
            raise CannotLookError(f"{file}:{number}: not a result: {mistake}") from None
    return found

"""Writes what a run says of itself, when it starts and when it ends, and reads it back."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from pytest_ddd.errors import RecordError
from pytest_ddd.evidence.canonical import canonical, digest
from pytest_ddd.evidence.facts import RunFacts
from pytest_ddd.evidence.files import FORMAT, RUN, START, failure, make_private, write_file
from pytest_ddd.jsonable import from_json, to_json
from pytest_ddd.plain import Json
from pytest_ddd.redaction import DEFAULT, Redactor

_EPOCH = datetime.fromtimestamp(0, UTC)
_DEFAULTS = RunFacts(
    run_id="",
    environment="",
    scenario="",
    title="",
    started_at=_EPOCH,
    finished_at=_EPOCH,
)


def cleaned(facts: RunFacts, redactor: Redactor = DEFAULT) -> RunFacts:
    """Return facts without secrets, as every file of the package is to show them."""
    return from_json(RunFacts, to_json(facts, redactor.clean))


def write_start(directory: Path, facts: RunFacts) -> str:
    """Write `start.json` into a run's directory, made when missing, and return its digest.

    It says what would be true if the run were killed at once: interrupted, nothing done.

    Raises:
        RecordError: it cannot be written.
    """
    try:
        make_private(directory)
    except OSError as error:
        raise failure(directory, error) from error
    content = _statement(replace(facts, interrupted=True, steps=()))
    write_file(directory / START, content)
    return digest(content)


def write_end(directory: Path, facts: RunFacts) -> None:
    """Write `run.json`; what was planned stands in `start.json` only.

    Raises:
        RecordError: it cannot be written.
    """
    write_file(directory / RUN, _statement(replace(facts, plan=None)))


def read_statement(content: bytes) -> RunFacts:
    """Return the facts of a `start.json` or `run.json`, also of an older one.

    Raises:
        RecordError: it is neither.
    """
    try:
        statement: Json = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise RecordError(f"not JSON: {error}") from None
    if not isinstance(statement, dict) or statement.get("format") != FORMAT:
        raise RecordError(f"not written as {FORMAT}")
    return from_json(RunFacts, _filled(to_json(_DEFAULTS, str), statement.get("run")))


def _statement(facts: RunFacts) -> bytes:
    return canonical({"format": FORMAT, "run": to_json(facts, str)}) + b"\n"


def _filled(default: Json, given: Json) -> Json:
    """Return what was given, with the defaults of fields that older versions do not know."""
    if isinstance(default, dict) and isinstance(given, dict) and default:
        return {**default, **{key: _filled(default.get(key), given[key]) for key in given}}
    return given

"""Closes what a run has left: seals a killed one, finishes or signs a sealed one."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from pytest_ddd.clock import stamp
from pytest_ddd.errors import RecordError, UsageError
from pytest_ddd.evidence.account import Account, account
from pytest_ddd.evidence.canonical import digest
from pytest_ddd.evidence.facts import RunFacts
from pytest_ddd.evidence.files import LEDGER, RECORD, RUN, START, write_file
from pytest_ddd.evidence.ledger import read_ledger
from pytest_ddd.evidence.manifest import Anchor
from pytest_ddd.evidence.record import Record, is_being_written, read_record
from pytest_ddd.evidence.sealing import Sealed, complete, seal, sealed_manifest
from pytest_ddd.evidence.sources import DirectorySource
from pytest_ddd.evidence.statements import read_statement, write_end
from pytest_ddd.evidence.steps import steps_of
from pytest_ddd.evidence.summary import summarize
from pytest_ddd.evidence.verification import verify
from pytest_ddd.scenarios import catalogue, timing
from pytest_ddd.scenarios.model import Frequency


def reseal(directory: Path, key: Path | None = None) -> Sealed:
    """Seal a directory that a run has left, or finish what a killed sealing had begun.

    What is sealed already is only signed, entered in the ledger and packed, where that is missing.

    Raises:
        UsageError: it is no directory of a run, or the run is still going on.
        RecordError: it was changed since it was sealed, as far as it or the ledger can tell, or
            cannot be written or signed.
    """
    if is_being_written(directory / RECORD):
        message = f"{directory}: its run is still going on"
        raise UsageError(message, hint="wait for its end, or stop it with Ctrl-C")
    manifest = sealed_manifest(directory)
    if manifest is None:
        run, end = recover(directory)
        facts = run.summary.facts
        _refuse_another(directory, facts.run_id, facts.scenario)
        return seal(directory, run, end, key=key)
    _refuse_another(directory, manifest.run_id, manifest.scenario, digest(manifest.sums()))
    problems = verify(DirectorySource(directory)).problems
    if problems:
        message = f"{directory}: changed since it was sealed: {problems[0]}"
        raise RecordError(message, hint=f"pytest-ddd evidence verify {directory}")
    operator = _read(directory / RUN, _content(directory / RUN) or b"").operator
    return complete(directory, manifest, key=key, by=operator)


def _refuse_another(directory: Path, run_id: str, scenario: str, sums: str = "") -> None:
    """Refuse to seal or sign what was changed since the ledger named it.

    Raises:
        RecordError: the ledger names another package of this run.
    """
    others = read_ledger(directory.parent / LEDGER).others_of(run_id, scenario, sums)
    if others:
        raise RecordError(
            f"{directory}: its run was sealed before, as another package ({stamp(others[0].at)}): "
            "this one was changed since",
            hint=f"unpack {others[0].name}.zip, or restore the directory from a copy",
        )


def recover(directory: Path) -> tuple[Account, Anchor]:
    """Return what a directory tells of its run, and how its record ends.

    A run that was killed gets the `run.json` that it could not write: interrupted.

    Raises:
        UsageError: the directory holds no run.
        RecordError: `start.json` or `run.json` is damaged.
    """
    start = _content(directory / START)
    if start is None:
        message = f"{directory} is no directory of evidence: it has no {START}"
        raise UsageError(message, hint="pytest-ddd evidence show")
    if not (directory / RECORD).exists():
        write_file(directory / RECORD, b"")
    record = read_record(directory / RECORD, digest(start))
    before = _read(directory / START, start)
    end = _content(directory / RUN)
    if end is None:
        facts = _as_killed(before, record)
        write_end(directory, facts)
    else:
        facts = replace(_read(directory / RUN, end), plan=before.plan)
    summary = summarize(facts, record.results, [_short(line) for line in record.damage])
    return account(summary, record.results), Anchor(lines=record.lines, head=record.head)


def _as_killed(facts: RunFacts, record: Record) -> RunFacts:
    """Return what a killed run would have said of itself with its last breath."""
    results = record.results
    used = timing.span(results)
    ends = [one.started_at + timedelta(seconds=one.took_s) for one in results]
    frequency = Frequency(facts.frequency) if facts.frequency else Frequency.DAILY
    return replace(
        facts,
        started_at=used.started_at if used else facts.started_at,
        finished_at=max(ends, default=facts.started_at),
        used_s=used.used_s if used else 0.0,
        waited_s=timing.waited_s(results),
        interrupted=True,
        steps=steps_of(catalogue.find(facts.scenario, frequency), results),
    )


def _read(path: Path, content: bytes) -> RunFacts:
    try:
        return read_statement(content)
    except RecordError as error:
        raise RecordError(f"{path}: {error.message}") from None


def _content(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise RecordError(f"{path}: cannot be read: {error.strerror}") from error


def _short(line: str) -> str:
    """Name the file without its directory: the package may be moved."""
    return RECORD + line.partition(RECORD)[2]

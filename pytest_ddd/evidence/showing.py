"""Tells of packages in lines for a terminal."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from pytest_ddd.armor import read_signature
from pytest_ddd.errors import RecordError
from pytest_ddd.evidence import wording
from pytest_ddd.evidence.canonical import digest
from pytest_ddd.evidence.files import MANIFEST, RECORD, RUN, SIGNATURE, START
from pytest_ddd.evidence.ledger import Ledger
from pytest_ddd.evidence.manifest import read_manifest
from pytest_ddd.evidence.record import read_lines
from pytest_ddd.evidence.sources import Source
from pytest_ddd.evidence.statements import read_statement
from pytest_ddd.evidence.summary import summarize
from pytest_ddd.evidence.verification import (
    GOOD,
    INCOMPLETE,
    TAMPERED,
    UNTRUSTED,
    Verification,
)
from pytest_ddd.units import plural

_WORDS = {
    GOOD: "GOOD: as it was sealed",
    TAMPERED: "TAMPERED: not as it was sealed",
    UNTRUSTED: "INTACT, but nobody who is trusted stands for it",
    INCOMPLETE: "GOOD, but the run was not complete",
}
_SHOWN = 50
_RUNS_SHOWN = 30


def of_verification(found: Verification) -> Iterator[str]:
    """Yield what a verification found; the answer stands first."""
    yield _WORDS[found.status]
    yield from (f"  {line}" for line in found.problems[:_SHOWN])
    if len(found.problems) > _SHOWN:
        yield f"  … and {len(found.problems) - _SHOWN} more"
    yield from (f"  {line}" for line in (*found.doubts, *found.notes))
    manifest = found.manifest
    if manifest is None:
        return
    yield from (f"  incomplete: {reason}" for reason in manifest.incomplete)
    yield f"run       {manifest.run_id}: {manifest.scenario}, {manifest.environment}"
    yield f"sealed    {wording.exact(manifest.sealed_at)}"
    yield f"outcome   {manifest.outcome}, {manifest.executed} of {manifest.planned} checks done"
    yield f"record    {plural(manifest.record.lines, 'line')}, head {manifest.record.head}"
    yield f"manifest  {digest(manifest.to_bytes())}"
    yield f"signed    {found.signer or 'by nobody known'} {found.fingerprint}".rstrip()


def as_json(found: Verification) -> str:
    """Return what a verification found, for programs."""
    manifest = found.manifest
    return json.dumps(
        {
            "status": found.status,
            "problems": found.problems,
            "doubts": found.doubts,
            "notes": found.notes,
            "signer": found.signer,
            "key": found.fingerprint,
            "run_id": manifest.run_id if manifest else "",
            "outcome": manifest.outcome if manifest else "",
            "incomplete": list(manifest.incomplete) if manifest else [],
            "record_head": manifest.record.head if manifest else "",
        }
    )


def of_package(source: Source) -> Iterator[str]:
    """Yield what a package says of itself; nothing of it is verified.

    Raises:
        RecordError: it is no package, or damaged.
    """
    try:
        statement = RUN if RUN in source.sizes else START
        facts = read_statement(_read(source, statement))
        with source.open(RECORD) as lines:
            record = read_lines(lines)
    except (OSError, KeyError) as error:
        raise RecordError(f"{source.name}: not a package: {error}") from None
    summary = summarize(facts, record.results, record.damage)
    verdict = summary.verdict
    yield f"{facts.title}, {facts.environment}, {wording.exact(facts.started_at)}"
    yield f"{verdict.outcome.symbol} {verdict.outcome.word}: {verdict.words}. {verdict.sentence}"
    yield from (f"  {note}" for note in verdict.notes)
    yield f"by {facts.operator} on {facts.controller}, run {facts.run_id}, {facts.kind}"
    if facts.provenance.change:
        yield f"change {facts.provenance.change}"
    yield from _seal_lines(source)
    for cause in summary.attention[:_SHOWN]:
        said = wording.saw(cause.check.last) if cause.check else "down"
        yield f"{cause.outcome.symbol} {cause.outcome.word:<8} {cause.name}: {said}"
    if len(summary.attention) > _SHOWN:
        yield f"… and {len(summary.attention) - _SHOWN} more"


def of_ledger(ledger: Ledger, root: Path) -> Iterator[str]:
    """Yield the newest runs of a ledger, oldest first."""
    if not ledger.heads:
        yield f"no run is in {root}"
        return
    yield from (f"DAMAGED {line}" for line in ledger.damage)
    gone = ledger.pruned()
    sealed = [one for one in ledger.entries if one.what == "sealed"]
    for one in sealed[-_RUNS_SHOWN:]:
        said = "" if one.complete else ", incomplete"
        said += ", pruned" if one.sums in gone else ""
        yield f"{one.outcome:<14} {one.name}{said}"
    yield f"{plural(len(sealed), 'run')} in {root}"


def _seal_lines(source: Source) -> Iterator[str]:
    if MANIFEST not in source.sizes:
        yield f"not sealed: pytest-ddd evidence seal {source.name}"
        return
    manifest = read_manifest(_read(source, MANIFEST))
    yield from (f"incomplete: {reason}" for reason in manifest.incomplete)
    signed = "not signed"
    if SIGNATURE in source.sizes:
        signed = f"signed with {read_signature(_read(source, SIGNATURE)).fingerprint}"
    yield f"sealed {wording.exact(manifest.sealed_at)}, {signed}, not verified here"


def _read(source: Source, path: str) -> bytes:
    with source.open(path) as file:
        return file.read()

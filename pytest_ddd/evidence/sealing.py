"""Seals a run's directory: derived files, manifest, digests, signature, archive, ledger."""

from __future__ import annotations

import zlib
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from pytest_ddd import clock
from pytest_ddd.errors import DddError, RecordError
from pytest_ddd.evidence.account import Account
from pytest_ddd.evidence.archive import archive_path, write_archive
from pytest_ddd.evidence.canonical import digest
from pytest_ddd.evidence.derive import derive
from pytest_ddd.evidence.digests import digest_of
from pytest_ddd.evidence.files import (
    LEDGER,
    MANIFEST,
    NAMESPACE,
    SIGNATURE,
    SUMS,
    failure,
    sync_directory,
    write_file,
)
from pytest_ddd.evidence.ledger import Entry, append, end_of
from pytest_ddd.evidence.manifest import Anchor, Manifest, PackagedFile, read_manifest
from pytest_ddd.evidence.scan import refuse_secrets
from pytest_ddd.evidence.sources import DirectorySource
from pytest_ddd.redaction import DEFAULT, Redactor
from pytest_ddd.signatures import sign

_NOT_LISTED = (MANIFEST, SUMS, SIGNATURE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sealed:
    """A sealed package: its directory, its archive, and what its manifest says."""

    directory: Path
    archive: Path
    manifest: Manifest
    signed: bool


def seal(
    directory: Path,
    run: Account,
    record: Anchor,
    *,
    key: Path | None = None,
    redactor: Redactor = DEFAULT,
) -> Sealed:
    """Write everything that is derived from a closed record, and seal the directory.

    The order makes a crash harmless: without a manifest nothing is sealed; with one, `complete`
    finishes what is left.

    Args:
        directory: the run's directory, with `start.json`, `results.jsonl` and `run.json`.
        run: what the run amounts to.
        record: how the record ends.
        key: what to sign with; None leaves the package unsigned.
        redactor: knows the secrets that must not be in it.

    Raises:
        RecordError: something cannot be written or signed, or a secret was found.
    """
    _clear(directory)
    sealed_at = clock.now()
    try:
        derive(directory, run, sealed_at)
        source = DirectorySource(directory)
        refuse_secrets(source, redactor)
        facts = run.summary.facts
        manifest = Manifest(
            name=directory.name,
            run_id=facts.run_id,
            environment=facts.environment,
            scenario=facts.scenario,
            kind=facts.kind,
            started_at=facts.started_at,
            finished_at=facts.finished_at,
            sealed_at=sealed_at,
            outcome=run.summary.verdict.outcome.value,
            incomplete=run.incomplete,
            planned=run.population.planned,
            executed=run.population.executed,
            outcomes=run.population.outcomes,
            record=record,
            damage=run.summary.damage,
            ledger=end_of(directory.parent / LEDGER),
            tool=f"pytest-ddd {version('pytest-ddd')}",
            zlib=zlib.ZLIB_RUNTIME_VERSION,
            files=tuple(_files(source)),
        )
        write_file(directory / SUMS, manifest.sums())
        write_file(directory / MANIFEST, manifest.to_bytes())
    except BaseException:
        _clear(directory)
        raise
    return complete(directory, manifest, key=key, by=facts.operator)


def complete(directory: Path, manifest: Manifest, *, key: Path | None, by: str) -> Sealed:
    """Do what is left once the manifest is written: signature, ledger, archive.

    Raises:
        RecordError: something cannot be written or signed; what was there before still is.
    """
    trouble: DddError | None = None
    sums = manifest.sums()
    signature = directory / SIGNATURE
    if key is not None and not signature.exists():
        try:
            write_file(signature, sign(sums, key, NAMESPACE))
        except DddError as error:
            trouble = error  # an unsigned package is worth keeping; it can be signed later
            archive_path(directory).unlink(missing_ok=True)
    try:
        sync_directory(directory)  # what the ledger names has to be there after a power cut
    except OSError as error:
        raise failure(directory, error) from error
    _enter(directory.parent / LEDGER, manifest, digest(sums), by)
    archive = write_archive(directory)
    if trouble is not None:
        raise RecordError(
            f"{directory}: sealed, but not signed: {trouble.message}",
            hint=f"pytest-ddd evidence seal {directory} --sign {key}",
        ) from trouble
    return Sealed(
        directory=directory, archive=archive, manifest=manifest, signed=signature.exists()
    )


def sealed_manifest(directory: Path) -> Manifest | None:
    """Return the manifest of a directory that is sealed already; None when it is not.

    Raises:
        RecordError: there is a manifest, and it is damaged.
    """
    try:
        return read_manifest((directory / MANIFEST).read_bytes())
    except FileNotFoundError:
        return None
    except OSError as error:
        raise RecordError(f"{directory / MANIFEST}: cannot be read: {error.strerror}") from error


def _files(source: DirectorySource) -> list[PackagedFile]:
    return [
        PackagedFile(path=path, size_bytes=size_bytes, sha256=digest_of(source, path))
        for path, size_bytes in sorted(source.sizes.items())
        if path not in _NOT_LISTED
    ]


def _enter(ledger: Path, manifest: Manifest, sums: str, by: str) -> None:
    """Write the run's line into the ledger, unless an earlier try did."""
    if ledger.exists() and sums.encode() in ledger.read_bytes():
        return
    entry = Entry(
        what="sealed",
        name=manifest.name,
        sums=sums,
        run_id=manifest.run_id,
        environment=manifest.environment,
        scenario=manifest.scenario,
        kind=manifest.kind,
        started_at=manifest.started_at,
        finished_at=manifest.finished_at,
        outcome=manifest.outcome,
        complete=manifest.complete,
        at=clock.now(),
        by=by,
    )
    append(ledger, entry)


def _clear(directory: Path) -> None:
    """Take away what an earlier try to seal left: none of it stands for anything yet."""
    for name in _NOT_LISTED:
        with suppress(OSError):
            (directory / name).unlink(missing_ok=True)
    with suppress(OSError):
        archive_path(directory).unlink(missing_ok=True)
    for part in directory.glob(".*.part"):
        with suppress(OSError):
            part.unlink()

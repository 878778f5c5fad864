"""Verifies a package: every byte, the chain, the numbers, the signature, the ledger."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from pytest_ddd.armor import read_signature
from pytest_ddd.clock import stamp
from pytest_ddd.errors import CannotLookError, RecordError, UntrustedError
from pytest_ddd.evidence import archive
from pytest_ddd.evidence.canonical import digest
from pytest_ddd.evidence.digests import digest_of
from pytest_ddd.evidence.files import MANIFEST, NAMESPACE, RECORD, SIGNATURE, START, SUMS
from pytest_ddd.evidence.ledger import read_ledger
from pytest_ddd.evidence.manifest import Manifest, read_manifest
from pytest_ddd.evidence.record import Chain, parse_line
from pytest_ddd.evidence.sources import ArchiveSource, Source
from pytest_ddd.signatures import Trust

GOOD, TAMPERED, UNTRUSTED, INCOMPLETE = 0, 1, 3, 5
"""Exit statuses; 4 is a mistake in what was typed."""

_OUTSIDE = (MANIFEST, SUMS, SIGNATURE)
_LONGEST_BYTES = 256 * 1024**2
"""Longest manifest, list of digests or signature that is read."""


@dataclass(kw_only=True)
class Verification:
    """What was found.

    `problems` are changes since the package was sealed; `doubts` say why it is not known who
    signed it; `notes` are worth knowing and no fault.
    """

    manifest: Manifest | None = None
    signer: str = ""
    fingerprint: str = ""
    problems: list[str] = field(default_factory=list)
    doubts: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    is_log: bool = False
    """Whether a compliance log was verified; the manifest is that of the package behind it."""

    @property
    def status(self) -> int:
        """The exit status; of several the worst: tampered, untrusted, incomplete."""
        if self.problems or (self.manifest is None and not self.is_log):
            return TAMPERED
        if self.doubts:
            return UNTRUSTED
        is_whole = self.manifest is None or self.is_log or self.manifest.complete
        return GOOD if is_whole else INCOMPLETE


def verify(source: Source, trust: Trust | None = None, ledger: Path | None = None) -> Verification:
    """Verify a package, and say all that is wrong with it.

    Args:
        source: the package.
        trust: whom the verifier trusts; None when nobody, and then a signature proves little.
        ledger: the ledger that should name the package; None to leave it out.
    """
    found = Verification(problems=list(source.problems))
    found.manifest = manifest = _manifest(source, found)
    if manifest is None:
        return found
    sums = _short(source, SUMS, found)
    if sums is not None and sums != manifest.sums():
        found.problems.append(f"{SUMS}: does not list what the manifest lists")
    if isinstance(source, ArchiveSource):
        found.problems += _archive_problems(source, manifest, found)
    found.problems += _file_problems(source, manifest)
    found.problems += _record_problems(source, manifest)
    found.problems += _number_problems(manifest)
    _check_signature(source, manifest, trust, found)
    if ledger is not None:
        found.problems += _ledger_problems(ledger, manifest)
    return found


def _manifest(source: Source, found: Verification) -> Manifest | None:
    content = _short(source, MANIFEST, found)
    try:
        return read_manifest(content) if content is not None else None
    except RecordError as error:
        found.problems.append(f"{MANIFEST}: {error.message}")
        return None


def _short(source: Source, path: str, found: Verification) -> bytes | None:
    """Return a file that fits into memory; say so when it is not there."""
    size_bytes = source.sizes.get(path)
    if size_bytes is None:
        found.problems.append(f"{path}: missing")
        return None
    if size_bytes > _LONGEST_BYTES:
        found.problems.append(f"{path}: longer than any that we write")
        return None
    try:
        with source.open(path) as file:
            return file.read()
    except OSError as error:
        found.problems.append(f"{path}: {error.strerror}")
        return None


def _file_problems(source: Source, manifest: Manifest) -> Iterator[str]:
    listed = {one.path: one for one in manifest.files}
    for path, one in listed.items():
        if path not in source.sizes:
            yield f"{path}: missing"
            continue
        try:
            if digest_of(source, path) != one.sha256 or source.sizes[path] != one.size_bytes:
                yield f"{path}: changed"
        except OSError as error:
            yield f"{path}: {error.strerror}"
    for path in source.sizes:
        if path not in listed and path not in _OUTSIDE:
            yield f"{path}: added"


def _record_problems(source: Source, manifest: Manifest) -> Iterator[str]:
    """Follow the chain; what was damaged before sealing is in the manifest."""
    if RECORD not in source.sizes or START not in source.sizes:
        yield f"{RECORD}: cannot be followed from {START}"
        return
    try:
        chain = Chain(digest_of(source, START))
        damage = list(_damage(source, chain))
    except OSError as error:
        yield f"{RECORD}: {error.strerror}"
        return
    if damage and not manifest.damage:
        yield damage[0] + (f" (and {len(damage) - 1} more)" if len(damage) > 1 else "")
    if (chain.count, chain.head) != (manifest.record.lines, manifest.record.head):
        yield (
            f"{RECORD}: ends with line {chain.count}; when it was sealed it ended with "
            f"line {manifest.record.lines}" + (", another one" if chain.count else "")
        )


def _damage(source: Source, chain: Chain) -> Iterator[str]:
    with source.open(RECORD) as lines:
        for number, line in enumerate(lines, start=1):
            try:
                record = parse_line(line)
                yield from (f"{RECORD}:{number}: {said}" for said in chain.follow(line, record))
            except (ValueError, RecordError, RecursionError) as error:
                chain.skip(line)
                yield f"{RECORD}:{number}: {error}"


def _number_problems(manifest: Manifest) -> Iterator[str]:
    if sum(manifest.outcomes.values()) != manifest.executed:
        yield f"{MANIFEST}: the outcomes do not add up to the checks that were done"
    if manifest.complete and (manifest.planned != manifest.executed or manifest.damage):
        yield f"{MANIFEST}: called complete, and {manifest.planned} checks were planned"


def _check_signature(
    source: Source,
    manifest: Manifest,
    trust: Trust | None,
    found: Verification,
) -> None:
    """Ask for the signer of the list that the manifest gives; SHA256SUMS was compared with it."""
    if SIGNATURE not in source.sizes:
        found.doubts.append("not signed: whoever can write it can have changed it")
        return
    armor = _short(source, SIGNATURE, found)
    if armor is None:
        return
    try:
        signature = read_signature(armor)
    except RecordError as error:
        found.problems.append(f"{SIGNATURE}: {error.message}")
        return
    found.fingerprint = signature.fingerprint
    if signature.namespace != NAMESPACE:
        found.problems.append(f"{SIGNATURE}: made for something else: {signature.namespace}")
    elif trust is None:
        found.doubts.append("signed, but no file of trusted keys was given: --allowed-signers FILE")
    else:
        try:
            found.signer = trust.signer(manifest.sums(), armor, NAMESPACE, manifest.sealed_at)
        except UntrustedError as error:
            _place_doubt(error.message, found)
        except CannotLookError as error:
            found.doubts.append(str(error))


def _place_doubt(said: str, found: Verification) -> None:
    """A signature of a trusted key that does not match is tampering; a strange key is a doubt."""
    if "incorrect signature" in said.lower():
        found.problems.append(f"{SIGNATURE}: does not fit {SUMS}: {said}")
    else:
        found.doubts.append(f"nobody who is trusted signed it: {said}")


def _archive_problems(
    source: ArchiveSource, manifest: Manifest, found: Verification
) -> Iterator[str]:
    if source.name != manifest.name:
        yield f"the archive calls itself {source.name!r}, the manifest {manifest.name!r}"
    if archive.is_ours(source):
        return
    same_zlib = manifest.zlib == zlib.ZLIB_RUNTIME_VERSION
    if same_zlib or source.problems or archive.shape(source) != archive.our_shape(source):
        yield "the archive is not, byte for byte, what was packed"
    else:
        found.notes.append(
            f"the archive was compressed by zlib {manifest.zlib}, and this machine has "
            f"{zlib.ZLIB_RUNTIME_VERSION}: its files are verified, its own bytes are not"
        )


def _ledger_problems(path: Path, manifest: Manifest) -> Iterator[str]:
    ledger = read_ledger(path)
    if not ledger.heads:
        yield f"{path.name}: no ledger there"
        return
    yield from ledger.damage
    sums = digest(manifest.sums())
    if ledger.of(sums) is None:
        yield f"{path.name}: does not name this package"
    for other in ledger.others_of(manifest.run_id, manifest.scenario, sums):
        named = f"{other.name}, sealed {stamp(other.at)}"
        yield f"{path.name}: names another package of this run: {named}"
    if not ledger.holds(manifest.ledger):
        yield f"{path.name}: lines that were there when this package was sealed are gone or changed"

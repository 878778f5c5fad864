"""Builds, signs and verifies a package of what a run has recorded so far, on a copy."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pytest_ddd import clock
from pytest_ddd.errors import CannotLookError, DddError, NotApplicableError, RecordError
from pytest_ddd.evidence.files import RECORD
from pytest_ddd.evidence.record import read_record
from pytest_ddd.evidence.recovery import reseal
from pytest_ddd.evidence.sealing import Sealed
from pytest_ddd.evidence.sources import DirectorySource, open_package
from pytest_ddd.evidence.verification import Verification, verify
from pytest_ddd.outcomes import Outcome
from pytest_ddd.results import Problem, Reading, Value
from pytest_ddd.signatures import Trust, public_half

_US = "rehearsal"
"""The name under which the verifier of a rehearsal trusts the run's own key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rehearsal:
    """What came of it: the package itself is gone again, the run's own is sealed at its end."""

    readings: tuple[Reading, ...]
    problems: tuple[Problem, ...]


def rehearse(directory: Path | None, key: Path | None) -> Rehearsal:
    """Seal a copy of a run's directory, and verify directory and archive.

    Args:
        directory: where the run records; None when it does not.
        key: what the run signs with; without one its package is unsigned, which is a problem.

    Raises:
        CannotLookError: nothing is recorded, or there is no ssh-keygen.
        NotApplicableError: nothing was looked at: a package of nothing is no good news.
    """
    if directory is None or not (directory / RECORD).exists():
        raise CannotLookError(
            "this run records nothing, so there is nothing to pack",
            hint="leave out --ddd-evidence off",
        )
    if not has_looked(directory / RECORD):
        raise NotApplicableError("nothing was looked at, so there is no evidence to pack")
    if key is None:
        text = "the package of this run will not be signed: nobody stands for it"
        hint = "make a key with ssh-keygen -t ed25519, and give it with --ddd-sign KEY"
        return Rehearsal(readings=(), problems=(Problem(text=f"{text} ({hint})"),))
    try:
        with tempfile.TemporaryDirectory() as place:
            return _rehearse(Path(shutil.copytree(directory, Path(place, directory.name))), key)
    except OSError as failure:
        raise CannotLookError(f"no copy to pack: {failure}", hint="df -h /tmp") from None


def has_looked(record: Path) -> bool:
    """Whether a record has a result of anything that was looked at."""
    if not record.exists():
        return False
    return any(
        one.outcome is not Outcome.NOT_APPLICABLE and not one.check_id.endswith("/reachable")
        for one in read_record(record).results
    )


def _rehearse(copy: Path, key: Path) -> Rehearsal:
    signers = copy.parent / "allowed_signers"
    try:
        signers.write_text(f"{_US} {public_half(key)}\n")
        sealed = reseal(copy, key)
        trust = Trust(allowed_signers=signers)
        found = (verify(DirectorySource(copy), trust), _verify_archive(sealed, trust))
    except CannotLookError:
        raise
    except DddError as failure:
        return Rehearsal(readings=(), problems=(Problem(text=failure.message),))
    return Rehearsal(
        readings=tuple(_readings(sealed, found[0])),
        problems=tuple(Problem(text=text) for text in dict.fromkeys(_problems(found))),
    )


def _verify_archive(sealed: Sealed, trust: Trust) -> Verification:
    source = open_package(sealed.archive)
    try:
        return verify(source, trust)
    finally:
        source.close()


def _problems(found: tuple[Verification, ...]) -> Iterator[str]:
    for one in found:
        yield from one.problems
        yield from one.doubts


def _readings(sealed: Sealed, found: Verification) -> Iterator[Reading]:
    if found.manifest is None:
        raise RecordError("the package has no manifest that can be read")
    values: tuple[tuple[str, Value, str, str], ...] = (
        ("files in the package", len(found.manifest.files), "", ""),
        ("records in the package", found.manifest.record.lines, "", ""),
        ("size of the archive", sealed.archive.stat().st_size, "bytes", ""),
        ("signed by", found.fingerprint, "", "the key of --ddd-sign"),
    )
    for name, value, unit, expected in values:
        yield Reading(
            name=name,
            value=value,
            unit=unit,
            source="a copy of this run's directory, sealed and verified",
            at=clock.now(),
            expected=expected,
        )

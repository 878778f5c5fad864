"""Deletes packages that no retention rule and no legal hold keeps, and leaves a line of it."""

from __future__ import annotations

import fnmatch
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

from pytest_ddd import clock, login
from pytest_ddd.errors import RecordError, UsageError
from pytest_ddd.evidence.archive import archive_path
from pytest_ddd.evidence.files import LEDGER, failure
from pytest_ddd.evidence.ledger import Entry, append, read_ledger
from pytest_ddd.units import format_duration, parse_duration, plural

HOLD = ".hold"
"""`<package>.hold`, a file that says why, keeps a package; `all.hold` keeps every one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """Keep the packages of a routine or environment (a glob of its name) for so long."""

    keep_s: float
    name: str = "*"


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A package, and why it is kept; nothing when it is due to be deleted."""

    entry: Entry
    kept_by: str
    rule: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pruning:
    """What is due, what is kept and why, and what is there although no ledger knows it."""

    due: tuple[Candidate, ...]
    kept: tuple[Candidate, ...]
    unknown: tuple[str, ...]


def parse_rule(text: str) -> Rule:
    """Read `400d` or `prod=2555d`.

    Raises:
        UsageError: it is no duration.
    """
    name, _, duration = text.rpartition("=")
    try:
        return Rule(keep_s=parse_duration(duration), name=name or "*")
    except ValueError as mistake:
        raise UsageError(f"--keep {text}: {mistake}", hint="--keep 400d") from None


def plan(root: Path, rules: Sequence[Rule]) -> Pruning:
    """Say what is due; a package to which no rule applies is kept.

    Raises:
        RecordError: the ledger is damaged: then nothing is known of any package.
    """
    ledger = read_ledger(root / LEDGER)
    if ledger.damage:
        raise RecordError(ledger.damage[0], hint=f"restore {root / LEDGER} from a copy")
    sealed = [one for one in ledger.entries if one.what == "sealed"]
    there = [one for one in sealed if _places(root, one)]
    candidates = [_candidate(root, one, rules) for one in there]
    known = {one.name for one in sealed}
    unknown = sorted(
        path.name for path in root.glob("*Z_*") if path.is_dir() and path.name not in known
    )
    return Pruning(
        due=tuple(one for one in candidates if not one.kept_by),
        kept=tuple(one for one in candidates if one.kept_by),
        unknown=tuple(unknown),
    )


def delete(root: Path, candidate: Candidate) -> None:
    """Delete a package; that it was deleted stands in the ledger before it is.

    Raises:
        RecordError: it cannot be written or deleted.
    """
    entry = candidate.entry
    line = replace(entry, what="pruned", at=clock.now(), by=login.name(), reason=candidate.rule)
    if entry.sums not in read_ledger(root / LEDGER).pruned():
        append(root / LEDGER, line)
    for path in _places(root, entry):
        try:
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        except OSError as error:
            raise failure(path, error) from error


def told(found: Pruning) -> Iterator[str]:
    """Yield what is due and what is kept, in lines."""
    for one in found.due:
        yield f"due   {one.entry.name}: {one.rule}"
    for one in found.kept:
        yield f"kept  {one.entry.name}: {one.kept_by}"
    for name in found.unknown:
        yield f"kept  {name}: not sealed; pytest-ddd evidence seal {name}"
    yield f"{plural(len(found.due), 'package')} due"


def _candidate(root: Path, entry: Entry, rules: Sequence[Rule]) -> Candidate:
    for name in (f"{entry.name}{HOLD}", f"all{HOLD}"):
        if (root / name).exists():
            return Candidate(entry=entry, kept_by=f"legal hold {name}")
    names = (entry.scenario, entry.environment)
    applying = [
        rule for rule in rules if any(fnmatch.fnmatchcase(name, rule.name) for name in names)
    ]
    if not applying:
        return Candidate(entry=entry, kept_by="no rule applies")
    rule = max(applying, key=lambda one: one.keep_s)
    until = entry.finished_at + timedelta(seconds=rule.keep_s)
    said = f"kept for {format_duration(rule.keep_s)} until {until:%Y-%m-%d}"
    return Candidate(entry=entry, kept_by=said if until > clock.now() else "", rule=said)


def _places(root: Path, entry: Entry) -> list[Path]:
    """Return what is there of a package, which lies in `root` whatever its name says."""
    if "/" in entry.name or entry.name in ("", ".", ".."):
        return []
    directory = root / entry.name
    return [path for path in (directory, archive_path(directory)) if path.exists()]

"""Verifies a compliance log: its chain, and that it fits the packages beside it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from pytest_ddd.errors import RecordError
from pytest_ddd.evidence import chained
from pytest_ddd.evidence.compliance import Change
from pytest_ddd.evidence.files import RUN
from pytest_ddd.evidence.manifest import Anchor
from pytest_ddd.evidence.sources import open_package
from pytest_ddd.evidence.statements import read_statement
from pytest_ddd.evidence.verification import Verification, verify
from pytest_ddd.signatures import Trust


def verify_log(path: Path, trust: Trust | None, ledger: Path | None = None) -> Verification:
    """Verify a compliance log: its chain, and that it fits all packages beside it.

    The package that names its end, or its latest line that any does, stands for it.

    Raises:
        RecordError: it cannot be read.
    """
    log = chained.read(path, Change)
    anchors = dict(_anchors(path.parent))
    wrong = [
        f"{path.name}: lines that were there when {name} was sealed are gone or changed"
        for name, end in anchors.items()
        if end.lines > len(log.heads) or log.heads[end.lines - 1] != end.head
    ]
    if not log.heads or log.damage or wrong or not anchors:
        doubts = [] if anchors else [f"no package beside {path} stands for it"]
        return Verification(problems=[*log.damage, *wrong], doubts=doubts, is_log=True)
    name, end = max(anchors.items(), key=lambda one: one[1].lines)
    with closing(open_package(path.parent / name)) as source:
        found = verify(source, trust, ledger)
    found.is_log = True
    found.notes.append(f"{path.name}: {len(log.heads)} lines; {name} stands for {end.lines}")
    if end.lines < len(log.heads):
        found.doubts.append(f"no package stands for the lines after {end.lines}")
    return found


def _anchors(folder: Path) -> Iterator[tuple[str, Anchor]]:
    """Yield where the log ended when each package beside it was sealed."""
    for file in sorted(folder.glob(f"*/{RUN}")):
        try:
            entered = read_statement(file.read_bytes()).entered
        except (OSError, RecordError):
            continue  # `evidence verify` of that package says so
        if entered is not None and entered.end.lines:
            yield file.parent.name, entered.end

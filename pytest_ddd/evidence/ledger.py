"""The ledger: one chained line for each sealed run, beside the packages."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal

from pytest_ddd.evidence import chained
from pytest_ddd.evidence.chained import end_of
from pytest_ddd.evidence.manifest import Anchor
from pytest_ddd.jsonable import fields_to_json

__all__ = ["Entry", "Ledger", "append", "end_of", "read_ledger"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One line: a run was sealed, or its package was pruned.

    `sums` is the SHA-256 of the package's SHA256SUMS: it names the package for good. `at` is when
    this was written, `by` by whom, `reason` why a package was pruned.
    """

    what: Literal["sealed", "pruned"]
    name: str
    sums: str
    run_id: str
    environment: str
    scenario: str
    kind: str
    started_at: datetime
    finished_at: datetime
    outcome: str
    complete: bool
    at: datetime
    by: str
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ledger:
    """All lines, and one sentence for each that cannot be read or breaks the chain.

    `heads` are the digests of the lines, so that it can be asked how the ledger ended once.
    """

    entries: tuple[Entry, ...]
    damage: tuple[str, ...]
    heads: tuple[str, ...]

    @property
    def end(self) -> Anchor:
        """Where the ledger ends."""
        return Anchor(lines=len(self.heads), head=self.heads[-1] if self.heads else "")

    def holds(self, anchor: Anchor) -> bool:
        """Whether the ledger once ended like this."""
        if anchor.lines == 0:
            return anchor.head == ""
        return anchor.lines <= len(self.heads) and self.heads[anchor.lines - 1] == anchor.head

    def of(self, sums: str) -> Entry | None:
        """Return the line that sealed a package."""
        every = (one for one in self.entries if one.what == "sealed" and one.sums == sums)
        return next(every, None)

    def others_of(self, run_id: str, scenario: str, sums: str) -> tuple[Entry, ...]:
        """Return the lines that sealed another package of the same run: there may be none."""
        return tuple(
            one
            for one in self.entries
            if one.what == "sealed"
            and (one.run_id, one.scenario) == (run_id, scenario)
            and one.sums != sums
        )

    def pruned(self) -> frozenset[str]:
        """Return the `sums` of the packages that were pruned."""
        return frozenset(one.sums for one in self.entries if one.what == "pruned")


def read_ledger(path: Path) -> Ledger:
    """Read a ledger; one that is not there yet is empty.

    Raises:
        RecordError: it is there and cannot be read.
    """
    found = chained.read(path, Entry)
    return Ledger(entries=found.entries, damage=found.damage, heads=found.heads)


def append(path: Path, entry: Entry) -> Anchor:
    """Write a line, and return where the ledger ends now; runs at the same time wait.

    Raises:
        RecordError: it cannot be written, or its last line cannot be continued.
    """
    return chained.append(path, fields_to_json(entry, str))

"""The manifest of a package: what it holds, with digests, and what it says in numbers."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from pytest_ddd.errors import RecordError
from pytest_ddd.evidence.canonical import canonical, digest
from pytest_ddd.evidence.files import FORMAT, MANIFEST
from pytest_ddd.jsonable import from_json, to_json
from pytest_ddd.plain import Json


@dataclass(frozen=True, slots=True, kw_only=True)
class PackagedFile:
    """One file of a package."""

    path: str
    size_bytes: int
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Anchor:
    """Where a chain ended when the package was sealed: its number of lines, and their head."""

    lines: int
    head: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What a package says that it is.

    `incomplete` has a sentence for each reason why the run is not whole; with none it is.
    `damage` is what was wrong with the record before it was sealed. `ledger` says how the ledger
    of all runs ended before this one. `zlib` is the version that compressed the archive.
    """

    name: str
    run_id: str
    environment: str
    scenario: str
    kind: str
    started_at: datetime
    finished_at: datetime
    sealed_at: datetime
    outcome: str
    incomplete: tuple[str, ...]
    planned: int
    executed: int
    outcomes: Mapping[str, int]
    record: Anchor
    damage: tuple[str, ...]
    ledger: Anchor
    tool: str
    zlib: str
    files: tuple[PackagedFile, ...]

    @property
    def complete(self) -> bool:
        """Whether the run did all that was planned, to its end."""
        return not self.incomplete

    def to_bytes(self) -> bytes:
        """Return `manifest.json`."""
        return canonical({"format": FORMAT, "manifest": to_json(self, str)}) + b"\n"

    def sums(self) -> bytes:
        """Return `SHA256SUMS`, which names every file and the manifest."""
        every = {one.path: one.sha256 for one in self.files}
        every[MANIFEST] = digest(self.to_bytes())
        return "".join(f"{every[path]}  {path}\n" for path in sorted(every)).encode()


def read_manifest(content: bytes) -> Manifest:
    """Return the manifest that `to_bytes` wrote, and nothing else.

    Raises:
        RecordError: a byte of it is not as `to_bytes` writes it.
    """
    try:
        found: Json = json.loads(content)
        if not isinstance(found, dict) or found.get("format") != FORMAT:
            raise RecordError(f"not written as {FORMAT}")
        manifest = from_json(Manifest, found.get("manifest"))
        same = manifest.to_bytes() == content
    except (ValueError, RecursionError) as error:
        raise RecordError(f"not a manifest: {error}") from None
    if not same:
        raise RecordError("not in the canonical form in which it was sealed")
    return manifest

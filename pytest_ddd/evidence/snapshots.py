"""Keeps the snapshot that a gate compares with: one file a scenario, whole or not there."""

from __future__ import annotations

import json
import re
from pathlib import Path

from pytest_ddd.errors import RecordError
from pytest_ddd.evidence.canonical import canonical
from pytest_ddd.evidence.files import failure, make_private, write_file
from pytest_ddd.jsonable import from_json, to_json
from pytest_ddd.redaction import DEFAULT
from pytest_ddd.snapshots import Snapshot

DIRECTORY = Path(".pytest-ddd") / "snapshots"
_FORMAT = "pytest-ddd/snapshot/v1"


def path_of(root: Path, environment: str, scenario: str) -> Path:
    """Return where the snapshot of one scenario of an environment is kept."""
    plain = (re.sub(r"[^A-Za-z0-9.-]", "-", name) for name in (environment, scenario))
    return root / DIRECTORY / f"{'_'.join(plain)}.json"


def write_snapshot(root: Path, snapshot: Snapshot) -> Path:
    """Write a snapshot in place of the one before, without secrets, and return its path.

    Raises:
        RecordError: it cannot be written; the one before is still there.
    """
    path = path_of(root, snapshot.environment, snapshot.scenario)
    try:
        make_private(path.parent)
    except OSError as error:
        raise failure(path, error) from error
    content = {"format": _FORMAT, "snapshot": to_json(snapshot, DEFAULT.scrub)}
    write_file(path, canonical(content) + b"\n")
    return path


def read_snapshot(path: Path) -> Snapshot | None:
    """Return a snapshot; None when there is none.

    Raises:
        RecordError: it is there and cannot be read.
    """
    try:
        content = json.loads(path.read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValueError, RecursionError) as error:
        raise RecordError(f"{path}: no snapshot that can be read: {error}") from None
    if not isinstance(content, dict) or content.get("format") != _FORMAT:
        raise RecordError(f"{path}: no snapshot of this version")
    return from_json(Snapshot, content.get("snapshot"), str(path))

"""Keeps what could not be written until the run ends with 76 for it."""

from __future__ import annotations

import pytest

from pytest_ddd.errors import RecordError

_KEY = pytest.StashKey[list[RecordError]]()


def note(config: pytest.Config, failure: RecordError) -> None:
    """Let the run end with 76; what fails may come before the first result."""
    config.stash.setdefault(_KEY, []).append(failure)


def taken(config: pytest.Config) -> list[RecordError]:
    """Return, once, what was noted since the last call."""
    found = config.stash.get(_KEY, [])
    config.stash[_KEY] = []
    return found

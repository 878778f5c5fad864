"""Carries long attached texts to the controller: the record keeps only head and digest."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping

import pytest

from pytest_ddd import redaction
from pytest_ddd.plain import TEXT_LIMIT_BYTES, visible

ATTACHMENTS = "ddd_attachments"
"""Name of the user property in which they travel, by their SHA-256."""

LARGEST_BYTES = 4 * 1024**2
"""Of longer ones only head and digest are kept."""


def carried(texts: Iterable[str]) -> list[tuple[str, object]]:
    """Return the texts that a record cannot hold as a user property, without secrets."""
    found = {}
    for text in texts:
        whole = redaction.DEFAULT.scrub(visible(text))
        content = whole.encode()
        if TEXT_LIMIT_BYTES < len(content) <= LARGEST_BYTES:
            found[hashlib.sha256(content).hexdigest()] = whole
    return [(ATTACHMENTS, found)] if found else []


def receive(report: pytest.TestReport) -> Mapping[str, str]:
    """Take the texts off a report."""
    for name, value in report.user_properties:
        if name == ATTACHMENTS and isinstance(value, dict):
            report.user_properties.remove((name, value))
            return value
    return {}

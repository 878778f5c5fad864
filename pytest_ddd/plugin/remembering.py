"""Reads where runs are remembered, and what asked for this one."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from pytest_ddd import redaction

_SCHEMES = ("sqlite", "postgresql", "postgres", "postgresql+psycopg")
_FORMS = "write sqlite:///FILE, postgresql://USER@SERVER/DATABASE or off"


def history_url(text: str, root: Path) -> str | None:
    """Return the URL of the history, or None for `off`; a password in it is a secret from now on.

    Raises:
        pytest.UsageError: neither a URL that we know nor `off`.
    """
    if text == "off":
        return None
    if not text:
        return f"sqlite:///{root / '.pytest-ddd' / 'history.db'}"
    scheme, found, rest = text.partition("://")
    if not found or scheme not in _SCHEMES or (scheme == "sqlite" and len(rest) < 2):
        shown = redaction.DEFAULT.scrub(text)
        raise pytest.UsageError(f"--ddd-history: {shown!r} is no history: {_FORMS}")
    password = urlsplit(text).password
    if password:
        redaction.DEFAULT.register(password, "password")
    return text


def scheduled_at(text: str) -> datetime | None:
    """Return when a scheduled run was due, as DDD_SCHEDULED says it; None for any other run.

    Raises:
        pytest.UsageError: not a time with its offset from UTC.
    """
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise pytest.UsageError(
            f"DDD_SCHEDULED: {text!r} is no time: write it as RFC 3339, 2026-11-23T07:30:00+01:00"
        )
    return moment.astimezone(UTC)

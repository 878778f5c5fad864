"""Sources that several sections read from: a database and what is asked of it."""

from __future__ import annotations

import re
from typing import Annotated
from urllib.parse import parse_qsl, urlsplit

from pydantic import AfterValidator, Field

from pytest_ddd.baseline.fields import URL_REFUSED, Duration, Model, Secret, Whole
from pytest_ddd.redaction_rules import secret_word

_SCHEME = re.compile(r"[a-z][a-z0-9]*(\+[a-z][a-z0-9_]*)?")
_EXAMPLE = "postgresql://reader@db1/shop or sqlite:////srv/shop.db"


def _is_database(url: str) -> str:
    scheme, separator, _ = url.partition("://")
    if not separator or not _SCHEME.fullmatch(scheme):
        raise ValueError(f"not the address of a database: write {_EXAMPLE}")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as mistake:
        raise ValueError(f"not the address of a database: {mistake}") from None
    if parts.password is not None or any(secret_word(key) for key, _ in parse_qsl(parts.query)):
        raise ValueError(URL_REFUSED)
    if scheme.startswith("sqlite"):
        if not parts.path.startswith("//") or parts.hostname or port:
            raise ValueError("needs the whole path of the file: write sqlite:////srv/shop.db")
    elif not parts.path.strip("/"):
        raise ValueError(f"names no database: write {_EXAMPLE}")
    return url


def _is_statement(query: str) -> str:
    statement = query.strip().rstrip(";").strip()
    if not statement:
        raise ValueError("an empty query asks nothing")
    return statement


class Database(Model):
    """One database, asked in a session that cannot write."""

    url: Annotated[str, AfterValidator(_is_database)]
    """As SQLAlchemy writes it, without a password: `postgresql://reader@db1:5432/shop`."""
    password: Secret | None = None
    timeout: Duration = 10.0
    """For one query and its answer, from the first byte to the last."""


class Query(Model):
    """One question to one database."""

    database: Database
    query: Annotated[str, AfterValidator(_is_statement)]
    """One statement that reads."""
    max_rows: Annotated[Whole, Field(ge=1, le=1_000_000)] = 10_000
    """More rows than this are not read: the outcome is UNKNOWN."""

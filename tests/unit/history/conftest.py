"""A store to test with: in SQLite, and in a real PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pytest_ddd.history.store import Store
from tests.lab.svc.postgres import PASSWORD


@pytest.fixture
def url(backend: str, request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of an empty database."""
    if backend == "sqlite":
        return f"sqlite:///{tmp_path / 'history.db'}"
    postgres = request.getfixturevalue("postgres")
    found: str = postgres.database("history")
    return found.replace("@", f":{PASSWORD}@", 1)


@pytest.fixture(
    params=["sqlite", pytest.param("postgresql", marks=pytest.mark.needs("postgresql"))]
)
def backend(request: pytest.FixtureRequest) -> str:
    """Which database: a test that takes a store runs with each."""
    name: str = request.param
    return name


@pytest.fixture
def store(url: str, tmp_path: Path) -> Iterator[Store]:
    """An open store without runs."""
    with Store.open(url, tmp_path) as opened:
        yield opened

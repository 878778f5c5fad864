"""Results, a clock that tests set, and a history on SQLite and on PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pytest_ddd import clock
from pytest_ddd.history.store import Store
from tests.lab.svc import postgres as server
from tests.support.flusher import KEY_NAME
from tests.support.http_service import Service, http_service
from tests.support.pagerduty import KEY, PagerDuty

START = datetime(2026, 11, 23, 7, 30, tzinfo=UTC)


class SetClock:
    """A clock that stands still until it is told or somebody waits."""

    def __init__(self) -> None:
        self.now = START
        self.waits: list[float] = []

    def advance(self, **parts: float) -> None:
        """Let time pass."""
        self.now += timedelta(**parts)

    def monotonic(self) -> float:
        """Seconds since the start."""
        return (self.now - START).total_seconds()

    def wait(self, seconds: float) -> None:
        """Let time pass, and remember that somebody waited."""
        self.waits.append(seconds)
        self.advance(seconds=seconds)


@pytest.fixture
def set_clock(monkeypatch: pytest.MonkeyPatch) -> SetClock:
    """The only clock of this test."""
    found = SetClock()
    monkeypatch.setattr(clock, "now", lambda: found.now)
    monkeypatch.setattr(clock, "monotonic", found.monotonic)
    monkeypatch.setattr(clock, "wait", found.wait)
    return found


@dataclass
class Duty:
    """The stand-in of PagerDuty and where it listens."""

    service: Service
    pagerduty: PagerDuty

    @property
    def url(self) -> str:
        return self.service.url


@pytest.fixture
def duty(monkeypatch: pytest.MonkeyPatch) -> Iterator[Duty]:
    """A pager that takes messages."""
    monkeypatch.setenv(KEY_NAME, KEY)
    pagerduty = PagerDuty()
    with http_service(pagerduty) as service:
        yield Duty(service, pagerduty)


@pytest.fixture(
    params=["sqlite", pytest.param("postgresql", marks=pytest.mark.needs("postgresql"))]
)
def history_url(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> str:
    """The URL of an empty history."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/history.db"
    monkeypatch.setenv("PGPASSWORD", server.PASSWORD)
    postgres: server.Postgres = request.getfixturevalue("postgres")
    url: str = postgres.database(f"escalation_{abs(hash(request.node.nodeid)) % 10**9}")
    return url


@pytest.fixture
def store(history_url: str, tmp_path: Path) -> Iterator[Store]:
    """An open, empty history."""
    with Store.open(history_url, tmp_path) as found:
        yield found

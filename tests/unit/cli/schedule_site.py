"""A site with schedules, and a clock that stands still until a test moves it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from pytest_ddd.history import runs
from pytest_ddd.history.places import default_url
from pytest_ddd.history.records import RunEnd, RunStart
from pytest_ddd.history.store import Store
from pytest_ddd.history.tally import Tally
from pytest_ddd.outcomes import Outcome

WEDNESDAY = datetime(2026, 11, 25, 6, 35, tzinfo=UTC)
"""07:35 in Zurich, five minutes after the morning's health check is due."""

DUE = WEDNESDAY - timedelta(minutes=5)

SCENARIOS = """\
environment: {timezone: Europe/Zurich, holidays: {days: ["2026-11-26"]}}
hosts: {web1: {connection: "local://"}}
scenarios:
  morning-health-check: {due: {at: "07:30", days: business}}
  disaster-recovery-test: {due: {at: "02:30", days: Sun}}
"""

TELL = """\
import json, os, sys
def pytest_configure(config):
    told = {name: os.environ.get(name) for name in ("DDD_SCHEDULED", "DDD_HISTORY")}
    open("told.json", "w").write(json.dumps({"argv": sys.argv[1:], **told}))
"""

CHECK = """\
import os, pytest
pytestmark = [pytest.mark.daily, pytest.mark.scenario("morning-health-check")]
def test_it(host):
    assert "RED" not in os.environ
"""


class Time:
    """The time of the tests."""

    now = WEDNESDAY

    def monotonic(self) -> float:
        return self.now.timestamp()

    def pass_(self, **words: float) -> None:
        self.now += timedelta(**words)


def history() -> Store:
    return Store.open(default_url(Path.cwd()), Path.cwd())


def remember_run(time: Time, due: datetime, *, ends: bool = True) -> None:
    """Write a run into the history, as pytest does."""
    with history() as store, store.transaction() as tx:
        begin = RunStart(
            run_id=f"run-{due:%d}",
            environment="prod",
            scenario="morning-health-check",
            kind="scheduled",
            due_at=due,
            started_at=time.now,
        )
        key = runs.begin(tx, begin)
        if ends:
            end = RunEnd(finished_at=time.now, kind="scheduled", outcome=Outcome.GREEN)
            runs.finish(tx, key, end, Tally())

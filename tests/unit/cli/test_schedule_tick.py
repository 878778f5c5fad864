"""`pytest-ddd schedule tick`: missed runs reach people, and what is forgotten is said again."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from pytest_ddd import clock
from pytest_ddd.cli.main import main
from pytest_ddd.history import lines, runs
from pytest_ddd.history.records import RunEnd, RunStart
from pytest_ddd.history.tally import Tally
from pytest_ddd.outcomes import Outcome
from pytest_ddd.results import CheckResult
from tests.lab.proc import wait_for
from tests.support import pagerduty
from tests.support.alertmanager import PATIENCE_S, Alertmanager
from tests.support.http_service import Asked, Reply, http_service
from tests.unit.cli.schedule_site import DUE, Time, history, remember_run

BASELINE = """\
environment: {timezone: Europe/Zurich}
hosts: {web1: {connection: "local://"}}
scenarios:
  morning-health-check: {due: {at: "07:30"}}
escalation:
  channels: {CHANNEL}
  rules:
    missed: {when: [RED], check: occurrence, notify: [people]}
"""
REAL_NOW = clock.now
KEY = "ddd/prod/prod/morning-health-check/occurrence/missed"


RED = CheckResult(
    result_id="1",
    run_id="killed",
    environment="prod",
    scenario="morning-health-check",
    step=1,
    check_id="morning-health-check/endpoints",
    target="web1",
    entry="",
    nodeid="checks/test_x.py::test_endpoints",
    outcome=Outcome.RED,
    reason="down",
    started_at=DUE,
)


def baseline(site: Path, channel: str) -> None:
    text = BASELINE.replace("CHANNEL", f"people: {channel}")
    (site / "baselines/prod.yaml").write_text(text)


def tick(*more: str, escalate: str = "on") -> int:
    return main(["schedule", "tick", "--host=prod", f"--escalate={escalate}", *more])


@pytest.fixture
def pager(site: Path, monkeypatch: pytest.MonkeyPatch):
    """A site whose pages go to a stand-in for PagerDuty."""
    monkeypatch.setenv("PAGERDUTY_KEY", pagerduty.KEY)
    service = pagerduty.PagerDuty()
    with http_service(service) as running:
        channel = f'{{kind: pagerduty, url: "{running.url}", key: {{env: PAGERDUTY_KEY}}}}'
        baseline(site, channel)
        yield service


def test_a_missed_run_pages_and_the_next_one_resolves(pager, time: Time) -> None:
    assert tick() == 0
    time.pass_(minutes=26)
    assert tick() == 0
    assert pager.incidents == {KEY: "critical"}
    time.pass_(days=1, minutes=-30)
    remember_run(time, DUE + timedelta(days=1))

    assert tick() == 0

    assert (pager.incidents, pager.resolved) == ({}, [KEY])


def test_a_missed_run_pages_once(pager, time: Time) -> None:
    tick()
    time.pass_(minutes=26)
    for _ in range(3):
        tick()
        time.pass_(minutes=1)

    assert pager.log == [f"trigger {KEY}"]


def test_a_run_that_died_pages(pager, time: Time, capsys: pytest.CaptureFixture[str]) -> None:
    remember_run(time, DUE, ends=False)
    time.pass_(minutes=10)

    assert tick() == 0

    assert pager.incidents == {KEY: "critical"}
    assert "run-25 has died" in capsys.readouterr().out


def test_an_hour_without_news_is_silent(
    pager, time: Time, capsys: pytest.CaptureFixture[str]
) -> None:
    remember_run(time, DUE)
    for _ in range(5):
        assert tick() == 0
        time.pass_(minutes=12)

    assert capsys.readouterr() == ("", "")


def test_results_of_a_run_that_died_are_evaluated(pager, site: Path, time: Time) -> None:
    watch_endpoints(site)
    died(time)

    tick()

    assert "ddd/prod/web1/morning-health-check/endpoints/red" in pager.incidents


def watch_endpoints(site: Path) -> None:
    rule = "    red: {when: [RED], check: endpoints, notify: [people]}\n"
    with (site / "baselines/prod.yaml").open("a") as file:
        file.write(rule)


def died(time: Time) -> None:
    """Leave a run that has one red result and no process any more."""
    with history() as store, store.transaction() as tx:
        start = RunStart(
            run_id="killed",
            environment="prod",
            scenario="morning-health-check",
            started_at=time.now,
            process="nobody",
        )
        key = runs.begin(tx, start)
        runs.add(tx, key, 1, RED)
    time.pass_(minutes=10)


def test_what_a_run_could_not_store_is_evaluated_now(pager, site: Path, time: Time) -> None:
    """While the history was away nobody could be told; the next run may be a day ahead."""
    watch_endpoints(site)
    spooled(site, time)

    assert tick() == 0

    assert "ddd/prod/web1/morning-health-check/endpoints/red" in pager.incidents
    assert list((site / ".pytest-ddd/spool").iterdir()) == []


def test_a_damaged_spool_ends_with_76(
    pager, site: Path, time: Time, capsys: pytest.CaptureFixture[str]
) -> None:
    watch_endpoints(site)
    spooled(site, time, "{}\n")

    assert tick() == 76

    assert "the other lines of it were stored" in capsys.readouterr().err
    assert "ddd/prod/web1/morning-health-check/endpoints/red" in pager.incidents


def spooled(site: Path, time: Time, more: str = "") -> None:
    """Leave the spool of a run that could not write its history."""
    start = RunStart(
        run_id="killed", environment="prod", scenario="morning-health-check", started_at=time.now
    )
    end = RunEnd(finished_at=time.now, outcome=Outcome.RED)
    key = lines.RunKey("killed", "prod", "morning-health-check")
    text = lines.of_begin(start) + lines.of_result(RED) + more + lines.of_end(key, end)
    (site / ".pytest-ddd/spool").mkdir(parents=True)
    (site / ".pytest-ddd/spool/killed.jsonl").write_text(text)


def test_a_dry_run_still_tells_what_has_not_arrived(pager, time: Time) -> None:
    tick()
    time.pass_(minutes=26)
    pager.trouble = [Reply(status=500)] * 100
    assert tick() == 75

    assert tick(escalate="dry-run") == 75


def test_a_pager_that_is_down_ends_with_75_and_is_told(
    pager, time: Time, capsys: pytest.CaptureFixture[str]
) -> None:
    tick()
    time.pass_(minutes=26)
    pager.trouble = [Reply(status=500)] * 100

    assert tick() == 75

    said = capsys.readouterr().err
    assert "✗ pending: people: " in said
    assert "PagerDuty answered 500" in said
    assert pagerduty.KEY not in said
    pager.trouble = []
    time.pass_(minutes=20)
    assert tick() == 0
    assert pager.incidents == {KEY: "critical"}


def test_a_dry_run_pages_nobody(pager, time: Time, capsys: pytest.CaptureFixture[str]) -> None:
    tick(escalate="dry-run")
    time.pass_(minutes=26)

    assert tick(escalate="dry-run") == 0

    assert pager.incidents == {}
    assert "(not sent: dry run)" in capsys.readouterr().out


def test_a_tick_without_schedules_still_delivers(pager, site: Path, time: Time) -> None:
    tick()
    time.pass_(minutes=26)
    pager.trouble = [Reply(status=500)] * 100
    tick()
    pager.trouble = []
    text = (site / "baselines/prod.yaml").read_text()
    line = '  morning-health-check: {due: {at: "07:30"}}\n'
    (site / "baselines/prod.yaml").write_text(text.replace("scenarios:\n" + line, ""))
    time.pass_(minutes=20)

    assert tick() == 0
    assert pager.incidents == {KEY: "critical"}


def test_a_tick_without_history_is_a_mistake(pager, capsys: pytest.CaptureFixture[str]) -> None:
    assert tick("--history=off") == 4
    assert "a tick needs the history" in capsys.readouterr().err


def test_a_mistyped_environment_variable_is_named(
    pager, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DDD_ESCALATE", "yes")

    assert main(["schedule", "tick", "--host=prod"]) == 4
    assert "'yes' is none of off, dry-run, on" in capsys.readouterr().err


def test_an_alertmanager_that_is_down_is_told_and_reminded_later(
    site: Path, time: Time, capsys: pytest.CaptureFixture[str]
) -> None:
    down = False

    def answer(asked: Asked) -> Reply:
        return Reply(status=503 if down else 200, body=b"[]")

    with http_service(answer) as service:
        baseline(site, f'{{kind: alertmanager, url: "{service.url}"}}')
        tick()
        time.pass_(minutes=26)
        assert tick() == 0
        down = True

        assert tick() == 0

    assert "! people: Alertmanager answered 503" in capsys.readouterr().err


@pytest.fixture
def people():
    with http_service(lambda _: Reply()) as service:
        yield service


@pytest.fixture
def server(ledger, tmp_path, people):
    (tmp_path / "alertmanager").mkdir()
    running = Alertmanager(ledger, tmp_path / "alertmanager", people)
    yield running
    running.stop()


@pytest.mark.needs("prometheus-alertmanager")
def test_alertmanager_survives_its_restart(
    server, site: Path, time: Time, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In real time, because Alertmanager has a clock of its own."""
    baseline(site, f'{{kind: alertmanager, url: "{server.url}"}}')
    monkeypatch.setattr(clock, "now", lambda: REAL_NOW() - timedelta(hours=1))
    begin = clock.now()
    with history() as store, store.transaction() as tx:
        start = RunStart(
            run_id="killed",
            environment="prod",
            scenario="morning-health-check",
            kind="scheduled",
            due_at=begin,
            started_at=begin,
            process="nobody",
        )
        runs.begin(tx, start)
    monkeypatch.setattr(clock, "now", REAL_NOW)
    assert tick() == 0
    assert server.tells("firing", "prod")
    server.restart()
    assert server.alerts() == []

    assert tick() == 0

    assert server.severities() == ["critical"]
    resolve()
    assert tick() == 0
    assert server.tells("resolved", "prod")
    assert wait_for(lambda: server.alerts() == [], PATIENCE_S)
    assert [status for status, _, _ in server.told] == ["firing", "resolved"]


def resolve() -> None:
    """Let the next scheduled run be done."""
    now = clock.now()
    with history() as store, store.transaction() as tx:
        start = RunStart(
            run_id="good",
            environment="prod",
            scenario="morning-health-check",
            kind="scheduled",
            due_at=now,
            started_at=now,
        )
        key = runs.begin(tx, start)
        end = RunEnd(finished_at=now, kind="scheduled", outcome=Outcome.GREEN)
        runs.finish(tx, key, end, Tally())

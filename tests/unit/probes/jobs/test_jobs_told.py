"""Jobs that a database row, a URL or a command tells of."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest

from pytest_ddd.errors import BaselineError
from tests.lab.svc.postgres import PASSWORD, Postgres
from tests.support.http_servers import answer, replying, serving, silent
from tests.support.shipped import GREEN, RED, UNKNOWN, YELLOW

STARTED, ENDED = "2026-11-23T18:00:05Z", "2026-11-23T18:20:00Z"
KUBERNETES = (
    "told: {started_at: status.startTime, finished_at: status.completionTime,"
    ' succeeded: {status.succeeded: ">0"}, failed: {status.failed: ">3"}}'
)


def printing(value: object) -> str:
    return f"command: {json.dumps('echo ' + chr(39) + json.dumps(value) + chr(39))}"


@pytest.mark.parametrize(
    ("told", "outcome", "words"),
    [
        ({"started_at": STARTED, "finished_at": ENDED, "succeeded": True}, GREEN, "lateness 20m"),
        (
            {"finished_at": "2026-11-23T20:20:00+01:00", "succeeded": True},
            YELLOW,
            "lateness 1h 20m",
        ),
        ({"finished_at": "2026-11-23T20:00:00Z", "succeeded": True}, RED, "lateness 2h >= crit 2h"),
        ({"finished_at": 1795458000, "succeeded": True}, GREEN, "lateness"),
        ({"finished_at": 1795458000000, "succeeded": True}, GREEN, "lateness"),
        ({"finished_at": "2026-11-22T18:20:00Z", "succeeded": True}, RED, "lateness 3h"),
        ({"finished_at": ENDED, "succeeded": False}, RED, "failed 2026-11-23 18:20:00 UTC"),
        ({"finished_at": ENDED}, RED, "succeeded is absent, expected true"),
        ({"started_at": STARTED, "finished_at": None}, RED, "running since"),
        ({"started_at": None, "finished_at": None}, RED, "no run is known"),
        ({"finished_at": "2026-11-23T23:00:00Z", "succeeded": True}, RED, "tells of the future"),
        ({"succeeded": True}, UNKNOWN, "tells neither finished_at nor started_at"),
        ({"finished_at": "18:20", "succeeded": True}, UNKNOWN, "no point in time"),
        ({"finished_at": "2026-11-23T18:20:00", "succeeded": True}, UNKNOWN, "has no time zone"),
        ({"finished_at": True, "succeeded": True}, UNKNOWN, "no point in time"),
        ([], UNKNOWN, "tells neither"),
    ],
)
@pytest.mark.usefixtures("now")
def test_what_a_command_prints(look, told, outcome, words):
    verdict = look(printing(told))

    assert (verdict.outcome, words in verdict.text) == (outcome, True), verdict.text


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        ({"startTime": STARTED, "completionTime": ENDED, "succeeded": 1}, GREEN),
        ({"startTime": STARTED, "active": 1}, RED),
        ({"startTime": STARTED, "failed": 4}, RED),
        ({"startTime": STARTED, "completionTime": ENDED, "succeeded": 0}, RED),
        ({}, UNKNOWN),
    ],
)
@pytest.mark.usefixtures("now")
def test_the_job_of_kubernetes(look, status, outcome):
    assert look(f"{printing({'status': status})}, {KUBERNETES}").outcome is outcome


@pytest.mark.usefixtures("now")
def test_one_that_runs_is_green_until_its_limit(look):
    told = {"started_at": "2026-11-23T18:10:00Z", "finished_at": None}
    patient = 'schedule: "0 18 * * *", late: {crit: 4h}'

    assert look(printing(told), patient).outcome is GREEN
    limited = look(printing(told), f"{patient}, runtime: {{warn: 1h, crit: 2h}}")
    assert limited.outcome is RED
    assert "report runtime 2h 50m >= crit 2h" in limited.text


@pytest.mark.usefixtures("now")
def test_a_run_time_that_nobody_tells_is_unknown(look):
    told = {"finished_at": ENDED, "succeeded": True}
    limits = 'schedule: "0 18 * * *", late: {crit: 4h}, runtime: {crit: 2h}'

    assert look(printing(told), limits).outcome is UNKNOWN


@pytest.mark.parametrize("command", ["echo no", "exit 3", "sleep 60"])
@pytest.mark.usefixtures("now")
def test_a_command_that_fails_is_unknown(look, command):
    assert look(f"command: {command}, timeout: 1s").outcome is UNKNOWN


@pytest.mark.usefixtures("now")
def test_a_url_is_asked(look):
    good = answer(json.dumps({"finished_at": ENDED, "succeeded": True}).encode())
    bad = answer(json.dumps({"finished_at": ENDED, "succeeded": False}).encode())
    with serving(replying(good, bad, answer(b"", status="503 Down"))) as server:
        outcomes = [look(f"http: {{url: '{server.url}/jobs/report'}}").outcome for _ in range(3)]

    assert outcomes == [GREEN, RED, UNKNOWN]
    with serving(silent) as server:
        assert look(f"http: {{url: '{server.url}', deadline: 300ms}}").outcome is UNKNOWN


@pytest.mark.needs("postgresql")
@pytest.mark.usefixtures("now")
def test_a_row_of_postgresql(look, postgres: Postgres, monkeypatch):
    monkeypatch.setenv("SHOP_PASSWORD", PASSWORD)
    url = postgres.database("job_shop")
    postgres.run(
        "CREATE TABLE run (started_at timestamptz, finished_at timestamptz, succeeded bool)",
        database="job_shop",
    )
    query = "SELECT * FROM run ORDER BY started_at DESC LIMIT 1"
    job = f"sql: {{database: {{url: '{url}', password: {{env: SHOP_PASSWORD}}}}, query: '{query}'}}"

    def after(*statements: str) -> object:
        postgres.run(*statements, database="job_shop")
        return look(job).outcome

    assert after("SELECT 1") is RED  # never ran
    assert after(f"INSERT INTO run VALUES ('{STARTED}', '{ENDED}', true)") is GREEN
    assert after("UPDATE run SET succeeded = false") is RED
    assert after("UPDATE run SET finished_at = NULL") is RED  # still running
    assert after(f"UPDATE run SET finished_at = '{ENDED}', succeeded = true") is GREEN
    with postgres.down():
        assert look(job).outcome is UNKNOWN


@pytest.mark.parametrize(
    ("query", "outcome", "words"),
    [
        (f'SELECT "{ENDED}" AS finished_at', GREEN, ""),
        (f'SELECT "{ENDED}" AS finished_at, 0 AS succeeded', RED, "failed"),
        (f'SELECT "{ENDED}" AS finished_at, 7 AS succeeded', UNKNOWN, "neither true nor false"),
        ('SELECT "2026-11-23 18:20:00" AS finished_at', UNKNOWN, "has no time zone"),
        (f'SELECT "{ENDED}" AS ended', UNKNOWN, "has the columns ended"),
        (f'SELECT "{ENDED}" AS finished_at UNION SELECT 1', UNKNOWN, "2 rows"),
        ("SELECT NULL AS finished_at", RED, "no run is known"),
        ("SELECT finished_at FROM none", UNKNOWN, "no such table"),
    ],
)
@pytest.mark.usefixtures("now")
def test_a_row_of_sqlite(look, tmp_path: Path, query, outcome, words):
    sqlite3.connect(tmp_path / "a.db").close()
    verdict = look(f"sql: {{database: {{url: 'sqlite:///{tmp_path}/a.db'}}, query: '{query}'}}")

    assert (verdict.outcome, words in verdict.text) == (outcome, True), verdict.text


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ("command: x, file: {path: /a}", "exactly one of"),
        ("file: {path: a}", "whole path"),
        ("log: {path: /a, success: '.*'}", "matches every line"),
        (r"log: {path: /a, success: '\d+ done'}", "not POSIX extended"),
        ("systemd: report", "not a unit"),
        ("file: {path: /a}, told: {finished_at: b}", "told has a meaning"),
        ("file: {path: /a}, runtime: {crit: 1h}", "does not tell when"),
        ("http: {url: 'http://a'}, from: host, applies_to: [here]", "no meaning for sql and http"),
        ("command: x, from: host", "needs applies_to"),
    ],
)
def test_mistakes_of_a_baseline_are_told(look, fields, words):
    with pytest.raises(BaselineError, match=words):
        look(fields)


@pytest.mark.parametrize("schedule", ["daily", "61 * * * *", "0 0 30 2 *", "* * * *", ""])
def test_a_schedule_that_never_comes_is_refused(look, schedule):
    with pytest.raises(BaselineError, match="not a cron expression"):
        look("command: x", f'schedule: "{schedule}", late: {{crit: 1h}}')

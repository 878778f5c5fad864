"""Several runs, several workers, runs that die: the same alerts, the same messages, no secret."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from pytest_ddd.history import alerts
from pytest_ddd.history.store import Store
from tests.lab.proc import wait_for
from tests.plugin.conftest import Site
from tests.support.http_service import http_service
from tests.support.pagerduty import KEY, PagerDuty

ON = "--ddd-escalate=on"
RULES = """\
escalation:
  channels:
    pager: {kind: exec, command: [flock, heard.lock, sh, -c, "cat >> heard.jsonl; echo >> heard.jsonl"]}
  rules:
    twice: {when: [RED], runs: 2, notify: [pager]}
    yellow: {when: [YELLOW], notify: [pager]}
"""
CHECKS = """
    import os, time
    from pathlib import Path
    from pytest_ddd import clock

    def test_first(judge):
        Path(f"here-{os.environ.get('RUN', '')}").touch()
        until = time.monotonic() + 180
        while len(list(Path().glob("here-*"))) < int(os.environ.get("RUNS", "1")):
            assert time.monotonic() < until, "the other run never came"
            time.sleep(0.02)
        judge(
            Reading(name="q", value=85, unit="%", at=clock.now()),
            Threshold(warn=Limit(value=80), crit=Limit(value=90), unit="%"),
        )

    def test_bad():
        raise AssertionError("it is broken")

    def test_good():
        pass

    def test_blind():
        raise OSError("no look")
"""


@pytest.fixture
def busy(site: Site) -> Site:
    """A site with a yellow, a red, a green and a blind check."""
    site.baseline("local", escalation=RULES)
    site.check(CHECKS)
    return site


def start(site: Site, *args: str, **environment: str) -> subprocess.Popen[str]:
    """Start pytest with escalation on."""
    return subprocess.Popen(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", ON, *args],
        cwd=site.root,
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def messages(site: Site) -> list[tuple[str, str, str]]:
    """Return what people heard, without what differs each time."""
    file = site.root / "heard.jsonl"
    lines = file.read_text().splitlines() if file.exists() else []
    found: list[dict[str, Any]] = [json.loads(line) for line in lines if line]
    return sorted((one["kind"], one["dedup_key"], one["summary"]) for one in found)


def opened(site: Site) -> Store:
    return Store.open(f"sqlite:///{site.root}/.pytest-ddd/history.db", site.root)


def kept(site: Site) -> dict[str, tuple[object, ...]]:
    """Return the alerts, without what differs each time."""
    with opened(site) as store, store.reading() as tx:
        found = alerts.open_alerts(tx)
    return {
        one.key.dedup_key: (one.phase, one.episode, one.severity, len(one.seen), one.announced_as)
        for one in found
    }


def test_in_a_row_with_workers_and_at_once(busy: Site) -> None:
    """Two runs that look at the same time end like two runs in a row, with or without workers."""
    found = []
    for arguments, at_once in (((), False), (("-n2",), False), ((), True)):
        for pattern in ("heard.jsonl", "here-*", ".pytest-ddd/history*"):
            for file in busy.root.glob(pattern):
                file.unlink()
        if at_once:
            both = [start(busy, *arguments, RUN=name, RUNS="2") for name in "ab"]
            ended = [(one.communicate(timeout=240)[0], one.returncode) for one in both]
        else:
            ended = []
            for name in "ab":
                one = start(busy, *arguments, RUN=name)
                ended.append((one.communicate(timeout=240)[0], one.returncode))
        assert [code for _, code in ended] == [1, 1], ended
        found.append((messages(busy), kept(busy)))

    assert [kind for kind, _, _ in found[0][0]] == ["trigger", "trigger"]
    assert found[0] == found[1] == found[2]


def test_what_a_killed_run_found_is_told_by_the_next(site: Site) -> None:
    """The run is killed in mid-air; what it had found is not lost, and the run is `aborted`."""
    site.baseline("local", escalation=RULES.replace("runs: 2, ", ""))
    site.check(
        """
        import os, time
        from pathlib import Path

        def test_bad():
            assert "DYING" not in os.environ, "it is broken"

        def test_hangs():
            if "DYING" in os.environ:
                Path("hanging").touch()
                time.sleep(600)
        """
    )
    dying = start(site, DYING="1")
    try:
        assert wait_for((site.root / "hanging").exists, 180.0)
    finally:
        dying.kill()
        dying.communicate()
    before = messages(site)
    done = start(site, "-k", "hangs")
    text = done.communicate(timeout=240)[0]

    assert before == []
    assert [(kind, key) for kind, key, _ in messages(site)] == [
        ("trigger", "ddd/local/local/daily-checks/bad/twice")
    ], text
    with opened(site) as store, store.reading() as tx:
        states = tx.exec_driver_sql("SELECT state FROM runs ORDER BY id").scalars().all()
    assert states == ["aborted", "finished"]


def test_the_key_stands_in_the_one_place_that_needs_it(site: Site) -> None:
    """A check that shows the key, a pager that echoes it: it is written nowhere."""
    site.write("pd.key", KEY)
    (site.root / "pd.key").chmod(0o600)
    pagerduty = PagerDuty()
    with http_service(pagerduty) as service:
        channel = f"{{kind: pagerduty, url: '{service.url}', key: {{file: {site.root}/pd.key}}}}"
        rule = "{when: [RED], notify: [pager]}"
        text = f"escalation:\n  channels: {{pager: {channel}}}\n  rules: {{down: {rule}}}\n"
        site.baseline("local", escalation=text)
        site.check(
            """
            from pathlib import Path

            def test_it():
                assert False, "refused: " + Path("pd.key").read_text()
            """
        )
        done = site.run(ON, "--junitxml=junit.xml", "-vv")
        again = site.run(ON, "--junitxml=junit.xml", "-vv")

    assert pagerduty.log == ["trigger ddd/local/local/daily-checks/it/down"]
    bodies = [json.loads(one.body) for one in service.asked]
    assert [body.pop("routing_key") for body in bodies] == [KEY]
    assert KEY not in json.dumps(bodies)
    assert KEY not in again.text
    for file in (site.root / ".pytest-ddd").rglob("*"):
        assert not file.is_file() or KEY.encode() not in file.read_bytes(), file
    assert done.status == 1


def test_a_killed_flush_is_taken_up_by_the_next_run(site: Site) -> None:
    """Killed while it was sending: the lease ends, and the message is sent by a later run."""
    wait = "touch began; while test -e stuck; do sleep 0.1; done; exit 75"
    hang = f"if test -e stuck; then {wait}; fi"
    command = f'[sh, -c, "{hang}; cat >> heard.jsonl; echo >> heard.jsonl"]'
    site.baseline(
        "local",
        escalation=RULES.replace("runs: 2, ", "").replace(
            '[flock, heard.lock, sh, -c, "cat >> heard.jsonl; echo >> heard.jsonl"]', command
        ),
    )
    site.check("def test_bad():\n    raise AssertionError('it is broken')\n")
    site.write("stuck", "")
    dying = start(site)

    try:
        assert wait_for((site.root / "began").exists, 180.0)
        assert inflight(site) == 1
    finally:
        dying.kill()
        dying.communicate()
    (site.root / "stuck").unlink()
    expire_leases(site)
    start(site).communicate(timeout=240)

    assert [kind for kind, _, _ in messages(site)] == ["trigger"]


def inflight(site: Site) -> int:
    path = site.root / ".pytest-ddd" / "history.db"
    return len(rows(path, "SELECT id FROM outbox WHERE state = 'inflight'"))


def expire_leases(site: Site) -> None:
    path = site.root / ".pytest-ddd" / "history.db"
    rows(path, "UPDATE outbox SET locked_until = '2020-01-01T00:00:00.000000Z'")


def rows(path: Path, statement: str) -> list[tuple[object, ...]]:
    import sqlite3

    if not path.exists():
        return []
    try:
        with closing(sqlite3.connect(path, timeout=30)) as connection, connection:
            return list(connection.execute(statement))
    except sqlite3.OperationalError:  # the tables are being made
        return []

"""The whole way: a timer's run finds a fault, and people hear of it and of its end."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from textwrap import dedent

import pytest

from pytest_ddd import clock
from tests.support import pagerduty
from tests.support.http_service import Asked, Reply, http_service

CHECK = '''
    import pytest
    pytestmark = [pytest.mark.daily, pytest.mark.scenario("morning-health-check")]

    @pytest.mark.step(1)
    def test_health_endpoints(endpoint, judge):
        """Every health endpoint answers as the baseline says."""
        answer = endpoint.read()
        judge(answer.latency, endpoint.latency)
        assert not answer.problems
'''
BASELINE = """
    hosts: {{self: {{connection: "local://"}}}}
    endpoints:
      shop:
        url: "{shop}/health"
        attempts: {{count: 3, interval: 10ms}}
        latency: {{warn: 20s, crit: 30s}}
        deadline: 40s
    scenarios: {{morning-health-check: {{due: {{at: [{times}], grace: 1d}}}}}}
    escalation:
      channels:
        oncall: {{kind: pagerduty, url: "{pager}", key: {{env: PAGERDUTY_KEY}}}}
      rules:
        health-page: {{when: [RED], check: health_endpoints, notify: [oncall], runbook: "5.1"}}
"""
DEDUP = "ddd/prod/endpoint:shop/morning-health-check/health_endpoints/shop/health-page"


class Shop:
    """A service that is ill or well."""

    status = 500

    def __call__(self, asked: Asked) -> Reply:
        return Reply(status=self.status, body=b"{}")


@pytest.fixture
def shop():
    service = Shop()
    with http_service(service) as running:
        yield service, running.url


@pytest.fixture
def pager(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PAGERDUTY_KEY", pagerduty.KEY)
    service = pagerduty.PagerDuty()
    with http_service(service) as running:
        yield service, running.url


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shop, pager) -> Path:
    """A site whose routine became due a minute ago."""
    monkeypatch.chdir(tmp_path)
    for name in ("DDD_HOST", "DDD_BASELINES", "DDD_HISTORY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DDD_ESCALATE", "on")
    (tmp_path / "checks").mkdir()
    (tmp_path / "checks/test_morning_health_check.py").write_text(dedent(CHECK))
    (tmp_path / "pyproject.toml").write_text('[tool.pytest]\ntestpaths = ["checks"]\n')
    (tmp_path / "baselines").mkdir()
    due(tmp_path, shop[1], pager[1], clock.now())
    return tmp_path


def due(site: Path, shop: str, pager: str, *moments: datetime) -> None:
    times = ", ".join(f'"{moment.astimezone(UTC):%H:%M}"' for moment in moments)
    text = BASELINE.format(shop=shop, pager=pager, times=times)
    (site / "baselines/prod.yaml").write_text(dedent(text))


def command(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pytest_ddd.cli", "schedule", *words, "--host=prod"],
        capture_output=True,
        text=True,
        check=False,
    )


def run() -> subprocess.CompletedProcess[str]:
    return command("run", "morning-health-check", "--red-ok")


def again() -> subprocess.CompletedProcess[str]:
    """Run the routine once more, by hand: the schedule asks for it once."""
    words = [sys.executable, "-m", "pytest", "-m=daily", "--ddd-host=prod"]
    return subprocess.run(words, capture_output=True, text=True, check=False)


def test_a_fault_pages_and_its_end_resolves(site: Path, shop, pager) -> None:
    done = run()
    assert (done.returncode, pager[0].incidents) == (0, {DEDUP: "critical"}), done.stdout
    shop[0].status = 200

    done = again()

    assert (done.returncode, pager[0].incidents) == (0, {}), done.stdout
    assert pager[0].resolved == [DEDUP]


def test_a_pager_that_is_down_is_75_and_a_tick_delivers_later(site: Path, pager) -> None:
    pager[0].trouble = [Reply(status=503)] * 100
    done = run()
    assert done.returncode == 75, done.stdout
    pager[0].trouble = []

    ticked = command("tick")

    assert (ticked.returncode, pager[0].incidents) == (0, {DEDUP: "critical"}), ticked.stderr


def test_the_key_of_the_pager_is_nowhere(site: Path, pager) -> None:
    pager[0].trouble = [Reply(status=400, body=f"bad key {pagerduty.KEY}".encode())]

    done = run()

    assert done.returncode == 75, done.stdout
    assert pagerduty.KEY not in done.stdout + done.stderr
    written = [path for path in site.rglob("*") if path.is_file()]
    assert any(path.name == "history.db" for path in written)
    assert [path for path in written if pagerduty.KEY.encode() in path.read_bytes()] == []

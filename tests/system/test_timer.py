"""A timer of systemd, as it was written, fires a run on a real host."""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from textwrap import dedent

import pytest

from pytest_ddd import clock
from pytest_ddd.cli.main import main
from pytest_ddd.evidence.record import read_record
from pytest_ddd.outcomes import Outcome
from tests.lab.graft import graft
from tests.lab.host import LabHost
from tests.lab.proc import wait_for

pytestmark = pytest.mark.needs("lab", "systemd-analyze")

PATIENCE_S = 240.0
HERE = "/controller"
ROOT = Path(__file__).parents[2]

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


def soon() -> datetime:
    """Return the next full minute that is not too near."""
    moment = clock.now() + timedelta(seconds=80)
    return moment.replace(second=0, microsecond=0)


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in ("DDD_HOST", "DDD_BASELINES", "DDD_HISTORY"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "checks/daily").mkdir(parents=True)
    (tmp_path / "checks/daily/test_morning_health_check.py").write_text(dedent(CHECK))
    (tmp_path / "pyproject.toml").write_text('[tool.pytest]\ntestpaths = ["checks"]\n')
    (tmp_path / "baselines").mkdir()
    return tmp_path


def baseline(site: Path, due: datetime) -> None:
    text = f"""
        hosts: {{self: {{connection: "local://"}}}}
        endpoints: {{web: {{url: "http://127.0.0.1/health", json: {{status: healthy}}, latency: {{warn: 20s, crit: 30s}}, deadline: 40s}}}}
        scenarios: {{morning-health-check: {{due: {{at: "{due:%H:%M}"}}}}}}
    """
    (site / "baselines/prod.yaml").write_text(dedent(text))


def install(site: Path, host: LabHost) -> None:
    """Write the units and hand them to the host, which runs them in this machine's files."""
    assert main(["schedule", "write", "--host=prod", "--format=systemd", "--user=root"]) == 0
    graft(host, HERE, [site, ROOT, sys.prefix, sys.base_prefix])
    for unit in (site / "schedules/systemd").iterdir():
        host.write(f"/etc/systemd/system/{unit.name}", unit.read_text())
        if unit.suffix == ".service":
            drop_in = f"[Service]\nRootDirectory={HERE}\nMountAPIVFS=yes\nEnvironment=PYTHONDONTWRITEBYTECODE=1\n"
            host.write(f"/etc/systemd/system/{unit.name}.d/here.conf", drop_in)
    host.run("systemctl daemon-reload", check=True)


def test_a_timer_fires_the_run_that_is_due(
    site: Path, fresh_host: Callable[[], LabHost], capsys: pytest.CaptureFixture[str]
) -> None:
    host = fresh_host()
    unit = "pytest-ddd-prod-morning-health-check"
    while True:
        due = soon()
        baseline(site, due)
        install(site, host)
        host.run(f"systemctl enable --now {unit}.timer", check=True)
        if clock.now() < due:
            break  # else it waits until tomorrow
        host.run(f"systemctl disable --now {unit}.timer", check=True)
    assert wait_for(lambda: ended(host, unit), PATIENCE_S), said(host, unit)

    assert "Result=success" in host.run(f"systemctl show {unit}.service").stdout, said(host, unit)
    (record,) = (site / "evidence").rglob("results.jsonl")
    found = {each.check_id: each for each in read_record(record).results}
    looked = found["morning-health-check/health_endpoints"]
    assert looked.outcome is Outcome.GREEN, looked.reason
    capsys.readouterr()
    assert main(["schedule", "due", "--host=prod"]) == 0
    told = " ".join(capsys.readouterr().out.split())
    assert f"✓ morning-health-check {due.astimezone(UTC):%a %Y-%m-%d %H:%M} UTC done, GREEN" in told
    tick = "pytest-ddd-prod-tick.service"
    assert host.run(f"systemctl start {tick}").returncode == 0, said(host, tick)


def ended(host: LabHost, unit: str) -> bool:
    shown = host.run(f"systemctl show -p ExecMainExitTimestampMonotonic {unit}.service").stdout
    return shown.strip() not in ("", "ExecMainExitTimestampMonotonic=0")


def said(host: LabHost, unit: str) -> str:
    return host.run(f"journalctl --no-pager -n 60 -u {unit}").stdout + sys.prefix

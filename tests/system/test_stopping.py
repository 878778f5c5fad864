"""A run that is told to stop, by systemd or Kubernetes, keeps what it has."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from datetime import UTC
from pathlib import Path

import pytest

from pytest_ddd import clock
from pytest_ddd.cli.main import main
from tests.lab.proc import wait_for

PATIENCE_S = 120.0

CHECK = """\
import pathlib, time, pytest
pytestmark = [pytest.mark.daily, pytest.mark.scenario("morning-health-check")]

@pytest.mark.step(1)
def test_quick(host):
    pass

@pytest.mark.step(2)
def test_slow(host):
    pathlib.Path("reached").touch()
    time.sleep(600)
"""


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in ("DDD_HOST", "DDD_BASELINES", "DDD_HISTORY"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "checks").mkdir()
    (tmp_path / "checks/test_morning.py").write_text(CHECK)
    (tmp_path / "pyproject.toml").write_text('[tool.pytest]\ntestpaths = ["checks"]\n')
    (tmp_path / "baselines").mkdir()
    due = clock.now().astimezone(UTC)
    (tmp_path / "baselines/prod.yaml").write_text(
        'hosts: {self: {connection: "local://"}}\n'
        f'scenarios: {{morning-health-check: {{due: {{at: "{due:%H:%M}", grace: 1d}}}}}}\n'
    )
    return tmp_path


def test_what_was_found_before_the_stop_is_kept(
    site: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["pytest_ddd.cli", "schedule", "run", "morning-health-check", "--host=prod"]
    # As a shell starts it with `&`: Ctrl-C is ignored there.
    behind = ["sh", "-c", 'trap "" INT; exec "$@"', "sh"]
    process = subprocess.Popen(
        [*behind, sys.executable, "-m", *words],
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        reached = site / "reached"
        wait_for(lambda: reached.exists() or process.poll() is not None, PATIENCE_S)
        assert reached.exists()
        process.send_signal(signal.SIGTERM)
        said, _ = process.communicate(timeout=PATIENCE_S)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    assert process.returncode == 2, said  # pytest's own status for an interrupted run
    main(["schedule", "due", "--host=prod"])
    assert "interrupted" in capsys.readouterr().out
    (record,) = (site / "evidence").rglob("results.jsonl")
    assert "morning-health-check/quick" in record.read_text()

"""What the tests of `pytest-ddd schedule` share."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_ddd import clock
from tests.unit.cli.schedule_site import CHECK, SCENARIOS, TELL, Time


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> Time:
    made = Time()
    monkeypatch.setattr(clock, "now", lambda: made.now)
    monkeypatch.setattr(clock, "monotonic", made.monotonic)
    monkeypatch.setattr(clock, "wait", lambda seconds: made.pass_(seconds=seconds))
    return made


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, time: Time) -> Path:
    for name in ("DDD_HOST", "DDD_BASELINES", "DDD_HISTORY"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "baselines").mkdir()
    (tmp_path / "baselines/prod.yaml").write_text(SCENARIOS)
    (tmp_path / "checks").mkdir()
    (tmp_path / "checks/test_morning.py").write_text(CHECK)
    (tmp_path / "conftest.py").write_text(TELL)
    (tmp_path / "pyproject.toml").write_text("[tool.pytest]\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path

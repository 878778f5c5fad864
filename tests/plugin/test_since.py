"""Logs are read from the last night, or the last scheduled run where that is earlier."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from pytest_ddd.baseline.loader import load_baseline
from pytest_ddd.baseline.model import Baseline
from pytest_ddd.history import places
from pytest_ddd.history.records import RunStart
from pytest_ddd.history.store import Store
from pytest_ddd.plugin.since import logs_since
from tests.unit.history.samples import START, remember, start

NIGHT = START + timedelta(days=3, hours=-9)


@pytest.fixture
def baseline(tmp_path: Path) -> Baseline:
    """The baseline of an environment with a log."""
    (tmp_path / "prod.yaml").write_text(
        "hosts: {web1: {connection: 'local://'}}\n"
        "logs: {syslog: {path: /var/log/syslog, critical: [panic]}}\n"
    )
    return load_baseline(tmp_path, "prod")


def remembered(root: Path, of: RunStart) -> str:
    """Remember a run, and return the address of the history."""
    url = places.default_url(root)
    with Store.open(url, root) as store:
        remember(store, of)
    return url


def test_days_without_a_run_are_not_left_out(tmp_path: Path, baseline: Baseline) -> None:
    url = remembered(tmp_path, start())

    assert logs_since(url, tmp_path, baseline, NIGHT) == START


@pytest.mark.parametrize("of", [start(kind="ad-hoc"), start(environment="test")])
def test_other_runs_move_nothing(tmp_path: Path, baseline: Baseline, of: RunStart) -> None:
    url = remembered(tmp_path, of)

    assert logs_since(url, tmp_path, baseline, NIGHT) == NIGHT


def test_a_run_of_this_morning_does_not_hide_the_night(tmp_path: Path, baseline: Baseline) -> None:
    morning = NIGHT + timedelta(hours=9)
    url = remembered(tmp_path, start(started_at=morning, due_at=morning))

    assert logs_since(url, tmp_path, baseline, NIGHT) == NIGHT


def test_without_a_history_it_is_the_night(tmp_path: Path, baseline: Baseline) -> None:
    (tmp_path / "broken.db").mkdir()

    for url in (None, places.default_url(tmp_path), "sqlite:///broken.db"):
        assert logs_since(url, tmp_path, baseline, NIGHT) == NIGHT

"""When a host may be changed: all its windows open, and long enough for what is to be done."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from pytest_ddd.actions import hours
from pytest_ddd.baseline.loader import load_baseline

SITE = """
environment: {{description: x, timezone: Europe/Zurich}}
hosts: {{web1: {{connection: 'local://'}}}}
{maintenance}
"""
TUESDAY = "maintenance: {tuesday: {window: 'Tue 02:00-04:00'}}"
OPEN = datetime(2026, 12, 1, 1, 30, tzinfo=UTC)  # 02:30 in Zurich


def told(folder: Path, maintenance: str, at: datetime, needs_s: float = 60.0) -> list[str]:
    (folder / "prod.yaml").write_text(SITE.format(maintenance=maintenance))
    return hours.obstacles(load_baseline(folder, "prod"), "web1", at=at, needs_s=needs_s)


def test_an_open_window_is_no_obstacle(tmp_path: Path) -> None:
    assert told(tmp_path, TUESDAY, OPEN) == []


@pytest.mark.parametrize(
    ("hour", "minute", "needs_s", "why"),
    [
        (0, 59, 60.0, "is closed: it is Tue 01:59 there"),
        (3, 0, 60.0, "is closed: it is Tue 04:00 there"),
        (2, 59, 61.0, "closes in 1m, and this batch with its way back may take 1m 01s"),
    ],
)
def test_a_closed_window_says_so_in_its_own_time(
    tmp_path: Path, hour: int, minute: int, needs_s: float, why: str
) -> None:
    (text,) = told(tmp_path, TUESDAY, OPEN.replace(hour=hour, minute=minute), needs_s)

    assert text.startswith("window tuesday (Tue 02:00-04:00 Europe/Zurich, ")
    assert why in text


def test_all_windows_have_to_be_open(tmp_path: Path) -> None:
    both = TUESDAY.replace("}}", "}, night: {window: 'daily 23:00-02:15'}}")

    (text,) = told(tmp_path, both, OPEN)
    assert text.startswith("window night ")


def test_a_host_without_a_window_is_never_changed(tmp_path: Path) -> None:
    mode = "maintenance: {balancer: {begin: 'true', end: 'true'}}"
    for maintenance in ("", mode):
        assert "web1 has no maintenance window" in told(tmp_path, maintenance, OPEN)[0]

"""What a real bash offers after Tab, for pytest and for pytest-ddd."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

BIN = Path(sys.executable).parent
ASK = """
eval "$(register-python-argcomplete pytest pytest-ddd)"
COMP_LINE=$1 COMP_POINT=${#1} COMP_TYPE=9
_python_argcomplete "${1%% *}" 2>/dev/null
printf '%s\\n' "${COMPREPLY[@]}"
"""
HOSTS = "hosts: {web1: {connection: 'local://', groups: [web]}}\ngroups: {web: {}}\n"


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A site with production and staging."""
    for name in ("prod", "staging"):
        (tmp_path / "baselines" / name).mkdir(parents=True)
        (tmp_path / "baselines" / name / "hosts.yaml").write_text(HOSTS)
    return tmp_path


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("pytest-ddd val", ["validate"]),
        ("pytest-ddd validate st", ["staging"]),
        ("pytest-ddd init --time", ["--timezone"]),
        ("pytest-ddd schedule wr", ["write"]),
        ("pytest --ddd-evid", ["--ddd-evidence"]),
        ("pytest --ddd-escalate o", ["off", "on"]),
        ("pytest --host w", ["web", "web1"]),
        ("pytest --host=pro", ["prod"]),
        ("pytest --ddd-host prod,!we", [r"prod,\!web", r"prod,\!web1"]),
    ],
)
def test_bash_is_offered(typed: str, offered: list[str], place: Path) -> None:
    """Verbs, options, choices and the names of the site."""
    assert _ask(typed, place) == offered


def test_a_broken_site_offers_nothing_and_says_nothing(tmp_path: Path) -> None:
    """A shell has no place for messages."""
    (tmp_path / "baselines").mkdir()
    (tmp_path / "baselines" / "prod.yaml").write_text("hosts: {web1: {")

    assert _ask("pytest --host w", tmp_path) == []
    assert _ask("pytest --host w", tmp_path / "baselines") == []
    assert _ask("pytest-ddd validate w", tmp_path / "baselines") == []


def _ask(typed: str, place: Path) -> list[str]:
    done = subprocess.run(
        ["bash", "-c", ASK, "bash", typed],
        cwd=place,
        env={**os.environ, "PATH": f"{BIN}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=True,
    )
    return sorted(word.strip() for word in done.stdout.splitlines() if word.strip())

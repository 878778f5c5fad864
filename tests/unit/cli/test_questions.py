"""`pytest-ddd init` on a terminal: what it asks, and what it makes of answers."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from pytest_ddd.baseline.loader import load_baseline
from pytest_ddd.cli.questions import machine_zone

INIT = [sys.executable, "-m", "pytest_ddd.cli", "init"]


def on_terminal(typed: str, where: Path, *more: str) -> tuple[int, str]:
    """Run `init` on a terminal on which somebody has typed, and return its status and words."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [*INIT, *more], cwd=where, stdin=theirs, stdout=theirs, stderr=theirs
    )
    os.close(theirs)
    os.write(ours, typed.encode())
    said = b""
    while True:
        try:
            said += (piece := os.read(ours, 4096))
        except OSError:  # the other end is closed
            break
        if not piece:
            break
    os.close(ours)
    return process.wait(), said.decode()


def test_a_person_is_asked_and_a_wrong_answer_is_asked_again(tmp_path: Path) -> None:
    """Four answers, one of them at the second try."""
    typed = "Web team\n#web-ops\nCEST\nEurope/Berlin\nTue 02:00-04:00\n"
    status, said = on_terminal(typed, tmp_path)

    baseline = load_baseline(tmp_path / "baselines", "local")
    assert status == 0
    assert "unknown time zone 'CEST'" in said
    assert (baseline.environment.owner, baseline.environment.on_call) == ("Web team", "#web-ops")
    assert baseline.environment.timezone == "Europe/Berlin"
    assert baseline.scenarios["security-patch-tuesday"].window == "Tue 02:00-04:00"


def test_enter_takes_what_stands_in_brackets(tmp_path: Path) -> None:
    """Nobody has to answer; the time zone is the machine's."""
    status, said = on_terminal("\n\n\n\n", tmp_path)

    baseline = load_baseline(tmp_path / "baselines", "local")
    assert status == 0
    assert f"[{machine_zone()}]" in said
    assert baseline.environment.timezone == machine_zone()
    assert baseline.environment.owner == ""


def test_what_a_flag_says_is_not_asked(tmp_path: Path) -> None:
    """Each flag saves its question."""
    status, said = on_terminal("\n\n", tmp_path, "--owner=Web", "--on-call=")

    assert status == 0
    assert "Who answers" not in said
    assert "reached at night" not in said


def test_a_site_that_is_there_is_not_asked_again(tmp_path: Path) -> None:
    """The second `init` has nothing to ask."""
    on_terminal("\n\n\n\n", tmp_path)

    status, said = on_terminal("", tmp_path)

    assert status == 0
    assert "brackets" not in said


def test_a_closed_terminal_is_no_traceback(tmp_path: Path) -> None:
    """End of input instead of an answer."""
    status, said = on_terminal("\x04", tmp_path)

    assert status == 4
    assert "hint: pytest-ddd init --help" in said
    assert "Traceback" not in said


def test_without_a_terminal_nothing_is_asked(tmp_path: Path) -> None:
    """A pipe is no person."""
    done = subprocess.run(
        INIT, cwd=tmp_path, input="Web\n", capture_output=True, text=True, check=True
    )

    assert "brackets" not in done.stdout
    assert load_baseline(tmp_path / "baselines", "local").environment.owner == ""


@pytest.mark.parametrize(
    ("target", "zone"),
    [("/usr/share/zoneinfo/Asia/Tokyo", "Asia/Tokyo"), ("/etc/elsewhere", "UTC")],
)
def test_zone_of_the_machine(target: str, zone: str, tmp_path: Path) -> None:
    """It is the name of the file that /etc/localtime leads to."""
    (tmp_path / "localtime").symlink_to(target)

    assert machine_zone(tmp_path / "localtime") == zone

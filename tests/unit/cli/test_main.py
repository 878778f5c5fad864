"""The command: help, version, and mistakes without a traceback."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from pytest_ddd import login
from pytest_ddd.cli.main import main

REPOSITORY = Path(__file__).parents[3]


def run(*words: str, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pytest_ddd.cli", *words],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY), **environment},
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )


def test_help_names_every_verb(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--help"])

    assert ended.value.code == 0
    printed = capsys.readouterr().out
    assert [verb for verb in ("init", "validate") if f"    {verb}" not in printed] == []


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--version"])

    assert ended.value.code == 0
    assert capsys.readouterr().out.startswith("pytest-ddd ")


@pytest.mark.parametrize("words", [[], ["vaildate"], ["validate", "--nope"], ["init", "a", "b"]])
def test_what_is_mistyped_ends_with_4_and_a_hint(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(words)

    assert ended.value.code == 4
    assert "hint: pytest-ddd" in capsys.readouterr().err


def test_a_user_without_a_name_is_no_traceback(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a container with a number for a user, nothing says what its name is."""
    for name in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(os, "getuid", lambda: 2**31 - 7)

    with pytest.raises(SystemExit) as ended:
        main(["--help"])

    assert ended.value.code == 0
    assert login.name() == "unknown"


def test_a_closed_pipe_is_no_traceback(tmp_path: Path) -> None:
    done = subprocess.run(
        f"{sys.executable} -m pytest_ddd.cli validate --schema | true",
        shell=True,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.stderr == ""


def test_a_terminal_without_unicode_is_enough(tmp_path: Path) -> None:
    done = run(
        "validate",
        "--baselines",
        str(REPOSITORY / "baselines"),
        "local",
        cwd=tmp_path,
        LC_ALL="C",
        PYTHONUTF8="0",
        PYTHONCOERCECLOCALE="0",
    )

    assert (done.returncode, done.stdout.split()[1]) == (0, "local:")

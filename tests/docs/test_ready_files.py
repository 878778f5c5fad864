"""The ready files for CI systems in docs are what those systems accept."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

GATE = Path(__file__).parents[2] / "docs" / "gate.md"
SCHEMAS = {
    ".github/workflows/patch-gate.yml": ("vendor.github-workflows",),
    ".gitlab-ci.yml": ("vendor.gitlab-ci", "--data-transform", "gitlab-ci"),
}


def shown(name: str) -> str:
    text = GATE.read_text(encoding="utf-8")
    found = re.search(rf":caption: {re.escape(name)}\n\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    assert found is not None, name
    return found[1]


def complaints(text: str, name: str, where: Path) -> str:
    file = where / Path(name).name
    file.write_text(text, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "check_jsonschema", "--builtin-schema", *SCHEMAS[name], file],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    return "" if done.returncode == 0 else done.stdout + done.stderr


@pytest.mark.parametrize("name", SCHEMAS)
def test_file_is_accepted(name: str, tmp_path: Path) -> None:
    assert complaints(shown(name), name, tmp_path) == ""


@pytest.mark.parametrize("name", SCHEMAS)
def test_a_wrong_file_is_not(name: str, tmp_path: Path) -> None:
    """Or the test above would say nothing."""
    assert "Schema validation errors" in complaints(
        re.sub(r"^( *)(runs-on|script):", r"\1no-\2:", shown(name), flags=re.MULTILINE),
        name,
        tmp_path,
    )


def _gitlab_script() -> list[str]:
    script: list[str] = yaml.safe_load(shown(".gitlab-ci.yml"))["patch"]["script"]
    return script


@pytest.mark.parametrize(
    ("before", "patch", "gate", "passes"),
    [
        (0, 0, 0, True),
        (1, 0, 0, True),  # red before: the gate decides
        (4, 0, 0, False),  # nothing was looked at: nothing is patched
        (75, 0, 0, False),
        (0, 0, 1, False),
        (0, 2, 0, False),  # patching failed, and nothing is worse: still no success
        (0, 2, 1, False),
    ],
)  # fmt: skip
def test_what_the_gitlab_job_ends_with(
    before: int, patch: int, gate: int, passes: bool, tmp_path: Path
) -> None:
    """Its lines in a shell that stops at a failure, as runners do; programs that only end."""
    for name, body in {
        "pytest": f'case "$*" in *=before) exit {before};; *) exit {gate};; esac',
        "ansible-playbook": f"exit {patch}",
    }.items():
        (tmp_path / name).write_text(f"#!/bin/sh\necho {name} $* >>{tmp_path}/ran\n{body}\n")
        (tmp_path / name).chmod(0o755)
    script = "set -eo pipefail\n" + "\n".join(_gitlab_script())

    done = subprocess.run(
        ["bash", "-c", script], env={"PATH": f"{tmp_path}:/usr/bin:/bin"}, check=False
    )

    assert (done.returncode == 0) == passes
    patched = "ansible-playbook" in (tmp_path / "ran").read_text()
    assert patched == (before in (0, 1))

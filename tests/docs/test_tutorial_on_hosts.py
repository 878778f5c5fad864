"""The part of the tutorial that needs an ssh host, on one of the lab."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.test_documents import ROOT, _blocks
from tests.lab.host import LabHost
from tests.lab.lab import Lab

TUTORIAL = ROOT / "docs" / "tutorial.md"
CHECK = "checks/daily/test_kernel.py"

pytestmark = pytest.mark.needs("lab")


@pytest.fixture
def site(lab: Lab, lab_hosts: dict[str, LabHost], tmp_path: Path) -> Path:
    """The site as the tutorial leaves it; only the way to the hosts is the lab's."""
    subprocess.run([Path(sys.executable).with_name("pytest-ddd"), "init"], cwd=tmp_path, check=True)
    for block in _blocks(TUTORIAL):
        if block.file:
            file = tmp_path / block.file
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(block.text, encoding="utf-8")
    hosts = tmp_path / "baselines" / "prod" / "hosts.yaml"
    text, count = re.subn(
        r'"ssh://ops@(\w+)\.example\.org"',
        rf'"ssh://ops@\1", ssh_config: "{lab.ssh_config}"',
        hosts.read_text(encoding="utf-8"),
    )
    assert count == 3
    hosts.write_text(text, encoding="utf-8")
    return tmp_path


def typed() -> list[str]:
    """Return the command of the tutorial that runs the own check by ssh."""
    (line,) = [
        line
        for block in _blocks(TUTORIAL)
        for line in block.text.splitlines()
        if line.startswith("pytest ") and CHECK in line and "--host" in line
    ]
    return [sys.executable, "-m", *shlex.split(line)]


def test_own_check_over_ssh(lab: Lab, site: Path) -> None:
    """Green; red with the line that the tutorial shows; a misspelt host is told."""
    good = lab.exec(typed(), cwd=site)
    assert good.returncode == 0, good.stdout + good.stderr
    assert "✓ GREEN: All good" in good.stdout

    check = site / CHECK
    check.write_text(check.read_text(encoding="utf-8").replace('"Linux"', '"Linux 7"'))
    bad = lab.exec(typed(), cwd=site)
    (shown,) = [one.text for one in _blocks(TUTORIAL) if one.text.startswith("✗ RED web1 assert")]
    assert bad.returncode == 1
    for line in shown.splitlines():
        assert line.strip() in bad.stdout, bad.stdout

    wrong = lab.exec([word.replace("web1", "wbe1") for word in typed()], cwd=site)
    assert wrong.returncode == 4
    assert "web1" in wrong.stdout + wrong.stderr
    assert "Traceback" not in wrong.stdout + wrong.stderr

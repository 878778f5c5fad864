"""A copy of an example, and pytest to run it as its README says."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeAlias

import pytest

from tests.system.conftest import Here, Place, Prod, Run

EXAMPLES = Path(__file__).parents[2] / "examples"


class Example(Prod):
    """One example, copied to where it may write."""

    def __init__(self, name: str, root: Path) -> None:
        shutil.copytree(EXAMPLES / name, root)
        self.root = root
        self.lab: Place = Here()

    def write(self, path: str, text: str) -> Path:
        """Write a file of the site."""
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
        return file

    def init(self) -> None:
        """Bring the shipped checks."""
        program = Path(sys.executable).with_name("pytest-ddd")
        subprocess.run([program, "init"], cwd=self.root, check=True, capture_output=True)

    def look(self, *args: str, env: Mapping[str, str] | None = None) -> Run:
        """Run its daily checks."""
        shutil.rmtree(self.root / "evidence", ignore_errors=True)
        command = [sys.executable, "-m", "pytest", "-m", "daily", *args]
        done = self.lab.exec(command, cwd=self.root, env=env or {}, timeout=600.0)
        return self._left(done)

    def fails(self, *args: str) -> subprocess.CompletedProcess[str]:
        """Run it and return what it says, where it leaves no record."""
        command = [sys.executable, "-m", "pytest", "-m", "daily", *args]
        return self.lab.exec(command, cwd=self.root, env=os.environ, timeout=600.0)


Copy: TypeAlias = Callable[[str], Example]


@pytest.fixture
def example(tmp_path: Path) -> Copy:
    """Call it with the name of an example for a copy of it."""
    return lambda name: Example(name, tmp_path / name)

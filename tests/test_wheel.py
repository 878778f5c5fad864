"""The built wheel holds everything that a site needs."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built and unpacked."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder)]
    subprocess.run([*build, str(ROOT)], check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "site-packages")
    return folder / "site-packages"


def _run(unpacked: Path, where: Path, *command: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(unpacked), "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(
        [sys.executable, *command],
        cwd=where,
        env=environment,
        text=True,
        capture_output=True,
        check=False,
    )


def test_every_file_of_the_package_is_there(unpacked: Path) -> None:
    """Scripts, templates and schemas travel with the modules that use them."""
    listed = subprocess.run(
        ["git", "ls-files", "pytest_ddd"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split()

    assert [name for name in listed if not (unpacked / name).exists()] == []


def test_a_site_made_by_init_runs_at_once(unpacked: Path, tmp_path: Path) -> None:
    """`init` in an empty folder, then the Morning Health Check of this machine."""
    begun = _run(unpacked, tmp_path, "-m", "pytest_ddd.cli", "init")
    run = _run(unpacked, tmp_path, "-m", "pytest", "-m", "daily", "-p", "no:cacheprovider")

    assert begun.returncode == 0, begun.stderr
    assert "Morning Health Check, local" in run.stdout
    assert run.returncode in (0, 1), run.stdout  # this machine may have trouble of its own
    assert "Traceback" not in run.stdout + run.stderr
    assert list(tmp_path.glob("evidence/*/report.html"))
    assert "could not look" not in run.stdout


def test_nothing_of_the_tests_is_in_the_wheel(unpacked: Path) -> None:
    """Tests and papers stay at home."""
    assert {path.name for path in unpacked.iterdir() if not path.name.endswith(".dist-info")} == {
        "pytest_ddd"
    }

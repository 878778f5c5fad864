"""What a killed run or a killed sealing leaves can be sealed, at whatever moment it was killed."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from pytest_ddd.errors import RecordError, UsageError
from pytest_ddd.evidence import sealing
from pytest_ddd.evidence.ledger import read_ledger
from pytest_ddd.evidence.recovery import recover, reseal
from pytest_ddd.evidence.sources import DirectorySource, open_package
from pytest_ddd.evidence.verification import verify
from tests.unit.evidence.packages import RESULTS, record, sealed

SEALS = """
import sys
from pathlib import Path
from tests.unit.evidence.packages import sealed
from tests.unit.evidence.samples import result
print("ready", flush=True)
sealed(Path(sys.argv[1]), [result(target=f"web{n}") for n in range(300)])
"""


def test_the_account_of_a_sealed_run_comes_back(tmp_path: Path) -> None:
    done = sealed(tmp_path)
    run, end = recover(done.directory)
    assert (end, run.incomplete) == (done.manifest.record, ())
    assert run.population.outcomes == done.manifest.outcomes


def test_a_run_that_was_killed_before_its_first_result_can_be_sealed(tmp_path: Path) -> None:
    directory, _, _ = record(tmp_path)
    (directory / "results.jsonl").unlink()
    done = reseal(directory)
    assert (done.manifest.executed, done.manifest.complete) == (0, False)
    assert verify(DirectorySource(directory)).problems == []


def test_a_damaged_line_is_sealed_as_it_is_and_told(tmp_path: Path) -> None:
    directory, _, _ = record(tmp_path)
    file = directory / "results.jsonl"
    lines = file.read_bytes().splitlines(keepends=True)
    file.write_bytes(b"".join((*lines[:2], b"nonsense\n", *lines[3:])))
    done = reseal(directory)
    assert "results.jsonl:3: 9 bytes that are not JSON" in done.manifest.damage
    assert verify(DirectorySource(directory)).problems == []


def test_a_directory_of_something_else_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no start\.json"):
        reseal(tmp_path)


@pytest.mark.parametrize("name", ["start.json", "run.json"])
def test_a_damaged_statement_is_told(tmp_path: Path, name: str) -> None:
    done = sealed(tmp_path)
    (done.directory / "manifest.json").unlink()
    (done.directory / name).write_text("{}")
    with pytest.raises(RecordError, match=name):
        reseal(done.directory)


def test_another_package_of_a_run_that_is_sealed_is_refused(tmp_path: Path) -> None:
    """Else whoever can write could change an unsigned package, and have it sealed and signed."""
    done = sealed(tmp_path)
    archive = done.archive.read_bytes()
    record = done.directory / "results.jsonl"
    (done.directory / "manifest.json").unlink()
    record.write_bytes(record.read_bytes().replace(b"93 %", b"13 %"))
    with pytest.raises(RecordError, match="was sealed before, as another package") as told:
        reseal(done.directory)
    assert done.archive.name in told.value.hint
    assert done.archive.read_bytes() == archive
    assert len(read_ledger(tmp_path / "ledger.jsonl").entries) == 1


def test_a_package_that_was_sealed_anew_elsewhere_is_not_signed(tmp_path: Path) -> None:
    done = sealed(tmp_path)
    other = sealed(tmp_path / "elsewhere", RESULTS[:2])
    shutil.rmtree(done.directory)
    shutil.copytree(other.directory, done.directory)
    with pytest.raises(RecordError, match="was sealed before, as another package"):
        reseal(done.directory)


def without_archive(directory: Path) -> None:
    directory.with_name(f"{directory.name}.zip").unlink()


def without_ledger(directory: Path) -> None:
    (directory.parent / "ledger.jsonl").unlink()


def without_manifest(directory: Path) -> None:
    without_ledger(directory)  # which is written after the manifest
    (directory / "manifest.json").unlink()


def with_a_part(directory: Path) -> None:
    without_manifest(directory)
    (directory / ".report.html.part").write_text("half")


@pytest.mark.parametrize("damage", [without_archive, without_ledger, without_manifest, with_a_part])
def test_what_a_killed_sealing_lacks_is_made_up(
    tmp_path: Path, damage: Callable[[Path], None]
) -> None:
    directory = sealed(tmp_path).directory
    damage(directory)
    done = reseal(directory)
    assert verify(DirectorySource(directory), ledger=tmp_path / "ledger.jsonl").problems == []
    with closing(open_package(done.archive)) as packed:
        assert verify(packed).problems == []
    assert done.manifest.complete


def test_sealing_twice_changes_nothing(tmp_path: Path) -> None:
    done = sealed(tmp_path)
    before = done.archive.read_bytes(), (tmp_path / "ledger.jsonl").read_bytes()
    reseal(done.directory)
    assert (done.archive.read_bytes(), (tmp_path / "ledger.jsonl").read_bytes()) == before


@pytest.mark.parametrize("delay_s", [0.0, 0.05, 0.1, 0.2, 0.3])
def test_kill_9_while_sealing_leaves_what_can_be_sealed(tmp_path: Path, delay_s: float) -> None:
    command = [sys.executable, "-c", SEALS, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        process.stdout.readline()
        try:
            process.wait(delay_s)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
    directories = [path for path in tmp_path.glob("*Z_*") if path.is_dir()]
    if not directories or not (directories[0] / "start.json").exists():
        return  # killed before anything was promised
    done = reseal(directories[0])
    found = verify(DirectorySource(done.directory), ledger=tmp_path / "ledger.jsonl")
    assert found.problems == []
    assert len(read_ledger(tmp_path / "ledger.jsonl").entries) == 1


def test_a_disk_that_is_full_while_sealing_leaves_nothing_half_sealed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*unused: object) -> None:
        raise RecordError("manifest.json: cannot be written: No space left on device")

    monkeypatch.setattr(sealing, "refuse_secrets", full)
    with pytest.raises(RecordError, match="No space left"):
        sealed(tmp_path)
    monkeypatch.undo()
    directory = next(path for path in tmp_path.glob("*Z_*") if path.is_dir())
    assert not (directory / "manifest.json").exists()
    assert os.listdir(tmp_path) == [directory.name]  # noqa: PTH208 - names are what matters
    assert reseal(directory).manifest.executed == len(RESULTS)

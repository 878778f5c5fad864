"""The chain of the record: each line names the one before it, the first one the start."""

from __future__ import annotations

import hashlib
import json
import subprocess
from pathlib import Path

import pytest

from pytest_ddd.errors import UsageError
from pytest_ddd.evidence.record import RecordWriter, is_being_written, read_record
from pytest_ddd.evidence.recovery import reseal
from tests.unit.evidence.packages import record
from tests.unit.evidence.samples import result


@pytest.fixture
def lines(tmp_path: Path) -> list[bytes]:
    directory, _, _ = record(tmp_path)
    return (directory / "results.jsonl").read_bytes().splitlines(keepends=True)


def test_each_line_names_the_digest_of_the_one_before(lines: list[bytes]) -> None:
    named = [json.loads(line)["prev"] for line in lines[1:]]
    assert named == [hashlib.sha256(line).hexdigest() for line in lines[:-1]]


def test_lines_are_numbered_from_one(lines: list[bytes]) -> None:
    assert [json.loads(line)["seq"] for line in lines] == [1, 2, 3, 4, 5, 6]


def test_the_first_line_names_the_start(tmp_path: Path) -> None:
    directory, _, _ = record(tmp_path)
    start = subprocess.run(
        ["sha256sum", directory / "start.json"], capture_output=True, text=True, check=True
    ).stdout.split()[0]
    first = (directory / "results.jsonl").read_text().splitlines()[0]
    assert json.loads(first)["prev"] == start


def test_coreutils_can_follow_it(tmp_path: Path, lines: list[bytes]) -> None:
    (tmp_path / "r").write_bytes(b"".join(lines))
    done = subprocess.run(
        "sed -n 3p r | sha256sum",
        shell=True,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split()[0] == json.loads(lines[3])["prev"]


@pytest.mark.parametrize(
    ("order", "line"),
    [
        ((0, 2, 1, 3, 4, 5), 2),
        ((0, 1, 3, 4, 5), 3),
        ((0, 1, 1, 2, 3, 4, 5), 3),
        ((1, 2, 3, 4, 5), 1),
    ],
    ids=["swapped", "taken away", "there twice", "first one gone"],
)
def test_lines_out_of_place_are_told(
    tmp_path: Path, lines: list[bytes], order: tuple[int, ...], line: int
) -> None:
    file = tmp_path / "results.jsonl"
    file.write_bytes(b"".join(lines[number] for number in order))
    first = json.loads(lines[0])["prev"]
    assert f"results.jsonl:{line}: " in read_record(file, first).damage[0]


def test_another_start_breaks_the_chain_at_its_first_line(tmp_path: Path) -> None:
    directory, _, _ = record(tmp_path)
    damage = read_record(directory / "results.jsonl", "0" * 64).damage
    assert len(damage) == 1
    assert "results.jsonl:1: does not continue" in damage[0]


def test_a_run_that_is_going_on_cannot_be_sealed_from_outside(tmp_path: Path) -> None:
    directory, _, _ = record(tmp_path / "old")
    with RecordWriter(tmp_path / "run") as writer:
        writer.add(result())
        (tmp_path / "run" / "start.json").write_bytes((directory / "start.json").read_bytes())
        with pytest.raises(UsageError, match="still going on"):
            reseal(tmp_path / "run")
    assert not is_being_written(writer.path)

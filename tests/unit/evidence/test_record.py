"""results.jsonl: whole lines, private, there before anything goes wrong."""

from __future__ import annotations

import json
import os
import resource
import signal
import stat
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from pytest_ddd.errors import RecordError
from pytest_ddd.evidence.record import RecordWriter, read_record, run_directory
from pytest_ddd.outcomes import Outcome
from pytest_ddd.redaction import Redactor
from tests.unit.evidence.samples import RUN_ID, START, result


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return run_directory(tmp_path / "evidence", START, "prod", "morning-health-check", RUN_ID)


@contextmanager
def small_files() -> Iterator[int]:
    """Let no file of this process grow beyond 2000 bytes, as a full disk would.

    Not as a fixture: pytest's own output may go to a file too.
    """
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2000, limits[1]))
    try:
        yield 2000
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


def fill(writer: RecordWriter) -> None:
    for _ in range(10):
        writer.add(result())


def test_the_directory_name_tells_when_where_what_and_which_run() -> None:
    path = run_directory(Path("evidence"), START, "prod", "morning-health-check", RUN_ID)
    assert str(path) == "evidence/2026-11-23T073000Z_prod_morning-health-check_7f3c9a12"


def test_the_directory_name_is_in_utc() -> None:
    local = START.astimezone(timezone(timedelta(hours=9)))
    assert run_directory(Path("e"), local, "p", "s", RUN_ID).name.startswith("2026-11-23T073000Z")


@pytest.mark.parametrize("name", ["../../etc", "prod/eu", "prüd:1", "a b\nc", "", "x" * 300, ".."])
def test_no_name_of_an_environment_leaves_the_root(name: str) -> None:
    path = run_directory(Path("evidence"), START, name, name, RUN_ID)
    assert path.parent == Path("evidence")
    assert path.name.isascii()
    assert len(path.name) <= 100
    assert not set(path.name) & set(" :/\n")


def test_only_the_owner_can_read_it(directory: Path) -> None:
    with RecordWriter(directory) as writer:
        writer.add(result())
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    assert stat.S_IMODE(writer.path.stat().st_mode) == 0o600


def test_a_record_is_never_written_over(directory: Path) -> None:
    RecordWriter(directory).close()
    with pytest.raises(RecordError, match="File exists"):
        RecordWriter(directory)


def test_a_link_in_place_of_the_directory_is_refused(directory: Path, tmp_path: Path) -> None:
    directory.parent.mkdir()
    directory.symlink_to(tmp_path)
    with pytest.raises(RecordError, match="symbolic link"):
        RecordWriter(directory)


def test_a_result_is_in_the_file_as_soon_as_it_is_added(directory: Path) -> None:
    with RecordWriter(directory) as writer:
        writer.add(result())
        assert len(read_record(writer.path).results) == 1


def test_what_was_written_comes_back(directory: Path) -> None:
    results = (result(), result(Outcome.RED, target="web2", reason="line one\nline two\u2028x"))
    with RecordWriter(directory) as writer:
        for one in results:
            writer.add(one)
    assert read_record(writer.path).results == results


def test_each_line_is_one_json_object(directory: Path) -> None:
    with RecordWriter(directory) as writer:
        writer.add(result(reason="a\nb\x00\x1b[31m\udcff"))
    (line,) = writer.path.read_text(encoding="utf-8").split("\n")[:-1]
    assert json.loads(line)["v"] == 1


def test_no_secret_reaches_the_file(directory: Path) -> None:
    redactor = Redactor()
    redactor.register("canary-4711")
    with RecordWriter(directory, redactor) as writer:
        writer.add(result(reason="canary-4711", entry="canary-4711", nodeid="x[canary-4711]"))
    assert b"canary" not in writer.path.read_bytes()


def test_a_full_disk_is_told_and_leaves_whole_lines(directory: Path) -> None:
    writer = RecordWriter(directory)
    with (
        small_files() as limit,
        pytest.raises(RecordError, match="cannot be written: File too large"),
    ):
        fill(writer)
    writer.close()
    record = read_record(writer.path)
    assert (len(record.results), record.damage) == (writer.count, ())
    assert 0 < writer.path.stat().st_size <= limit


def test_a_place_that_cannot_be_written_is_told_with_a_hint(tmp_path: Path) -> None:
    (tmp_path / "evidence").write_text("a file")
    with pytest.raises(RecordError, match="--ddd-evidence"):
        RecordWriter(tmp_path / "evidence" / "run")


def test_closing_twice_is_fine(directory: Path) -> None:
    writer = RecordWriter(directory)
    writer.close()
    writer.close()


def test_a_cut_last_line_is_told_and_the_rest_is_read(directory: Path) -> None:
    with RecordWriter(directory) as writer:
        writer.add(result())
        writer.add(result(target="web2"))
    os.truncate(writer.path, writer.path.stat().st_size - 20)
    record = read_record(writer.path)
    assert [one.target for one in record.results] == ["web1"]
    assert "results.jsonl:2: the last line is cut" in record.damage[0]


@pytest.mark.parametrize("line", [b"{nonsense}\n", b"\xff\xfe\n", b"[1]\n", b'{"v": 9}\n', b"\n"])
def test_a_damaged_line_is_told_and_the_rest_is_read(directory: Path, line: bytes) -> None:
    with RecordWriter(directory) as writer:
        writer.add(result())
    writer.path.write_bytes(line + writer.path.read_bytes())
    record = read_record(writer.path)
    assert len(record.results) == 1
    assert "results.jsonl:1: " in record.damage[0]


def test_a_missing_record_is_told(tmp_path: Path) -> None:
    with pytest.raises(RecordError, match="No such file"):
        read_record(tmp_path / "results.jsonl")


def test_kill_9_loses_nothing_that_was_finished(directory: Path) -> None:
    script = textwrap.dedent(
        """
        import sys
        from pathlib import Path
        from pytest_ddd.evidence.record import RecordWriter
        from tests.unit.evidence.samples import result
        writer = RecordWriter(Path(sys.argv[1]))
        for number in range(10_000):
            writer.add(result(target=f"web{number}"))
            print(number, flush=True)
        """
    )
    command = [sys.executable, "-c", script, str(directory)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        told = [process.stdout.readline() for _ in range(50)]
        process.send_signal(signal.SIGKILL)
        told += process.stdout.readlines()
    finished = {f"web{line.strip()}" for line in told if line.endswith("\n")}
    assert finished <= {one.target for one in read_record(directory / "results.jsonl").results}


def test_a_start_before_the_epoch_has_a_name_too() -> None:
    path = run_directory(Path("e"), datetime(1969, 1, 1, tzinfo=START.tzinfo), "p", "s", "r")
    assert path.name == "1969-01-01T000000Z_p_s_r"

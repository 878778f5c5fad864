"""Backups that are files: the newest match counts, and what looks wrong about it is told."""

from __future__ import annotations

import gzip
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pytest_ddd import clock
from pytest_ddd.connections import Connections
from pytest_ddd.errors import CannotLookError
from tests.unit.probes.backup_site import GREEN, RED, YELLOW, backup, check, texts
from tests.unit.probes.resource_site import Corner, remote

pytestmark = pytest.mark.needs("busybox", "unshare")

HOUR_S = 3600


@pytest.fixture
def here() -> Iterator[Connections]:
    connections = Connections({})
    yield connections
    connections.close()


@pytest.fixture
def place(tmp_path: Path) -> Path:
    path = tmp_path / "da ta$(touch pwned)"
    path.mkdir()
    return path


def dump(path: Path, *, hours_ago: float, size_bytes: int = 1000) -> Path:
    path.write_bytes(bytes(size_bytes))
    made = clock.now().timestamp() - hours_ago * HOUR_S
    os.utime(path, (made, made))
    return path


def three_days(place: Path) -> None:
    for day, hours_ago in enumerate((49, 25, 1)):
        dump(place / f"shop {day}.sql", hours_ago=hours_ago)


def test_the_newest_match_is_the_latest_backup(here: Connections, place: Path) -> None:
    three_days(place)
    outcome, state = check(backup(here, kind="files", files=f"{place}/shop *.sql"))
    assert (outcome, texts(state)) == (GREEN, "")
    assert state.age.value == pytest.approx(HOUR_S, abs=60)
    assert "shop 2.sql" in state.age.detail
    assert not Path("pwned").exists()


def test_an_old_file_is_yellow_and_then_red(here: Connections, place: Path) -> None:
    dump(place / "a.sql", hours_ago=30)
    assert check(backup(here, kind="files", files=f"{place}/*.sql"))[0] is YELLOW
    crit = {"crit": "29h"}
    assert check(backup(here, kind="files", files=f"{place}/*.sql", age=crit))[0] is RED


def test_no_match_is_red(here: Connections, place: Path) -> None:
    outcome, state = check(backup(here, kind="files", files=f"{place}/*.sql"))
    assert (outcome, texts(state)) == (RED, "there is no backup at all")


def test_a_missing_directory_is_red(here: Connections, tmp_path: Path) -> None:
    outcome, state = check(backup(here, kind="files", files=f"{tmp_path}/gone/*.sql"))
    assert (outcome, texts(state)) == (RED, f"there is no directory {tmp_path}/gone")


def test_directories_only_are_unknown(here: Connections, tmp_path: Path) -> None:
    """The age and the size of a directory say nothing: it may be empty."""
    (tmp_path / "copies" / "2026-01-01").mkdir(parents=True)
    with pytest.raises(CannotLookError, match="matches directories only"):
        backup(here, kind="files", files=f"{tmp_path}/copies/*").read()


def test_a_directory_beside_the_files_is_no_backup(here: Connections, tmp_path: Path) -> None:
    (tmp_path / "copies").mkdir()
    (tmp_path / "copies" / "db.dump").write_text("x" * 10)
    (tmp_path / "copies" / "lost+found").mkdir()
    state = backup(here, kind="files", files=f"{tmp_path}/copies/*").read()
    assert state.size.value == 10


def test_an_unreadable_directory_is_unknown(
    place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed = Path("/tmp") / f"ddd-closed-{os.getpid()}"
    closed.mkdir(mode=0o700)
    (tmp_path / "bin").mkdir()
    engine = tmp_path / "bin" / "podman"
    drop = "setpriv --reuid=65534 --regid=65534 --clear-groups"
    engine.write_text(f'#!/bin/sh\nshift 3\nexec {drop} "$@"\n')
    engine.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"), prepend=":")
    connections = remote()
    try:
        one = backup(connections, kind="files", files=f"{closed}/*.sql")
        one.host = "web1"
        with pytest.raises(CannotLookError, match="cannot be read"):
            one.read()
    finally:
        connections.close()
        closed.rmdir()


def test_an_empty_file_is_red(here: Connections, place: Path) -> None:
    dump(place / "a.sql", hours_ago=1, size_bytes=0)
    outcome, state = check(backup(here, kind="files", files=f"{place}/*.sql"))
    assert (outcome, texts(state)) == (RED, f"{place}/a.sql has 0 B only")


def test_a_size_collapse_is_red(here: Connections, place: Path) -> None:
    three_days(place)
    dump(place / "shop 3.sql", hours_ago=0.5, size_bytes=100)
    outcome, state = check(backup(here, kind="files", files=f"{place}/*.sql"))
    assert outcome is RED
    assert state.shrink is not None
    assert state.shrink.value == 90


def test_with_one_earlier_backup_the_size_is_not_compared(here: Connections, place: Path) -> None:
    dump(place / "a.sql", hours_ago=25)
    dump(place / "b.sql", hours_ago=1, size_bytes=1)
    assert check(backup(here, kind="files", files=f"{place}/*.sql"))[1].shrink is None


def test_a_file_from_the_future_is_red(here: Connections, place: Path) -> None:
    dump(place / "a.sql", hours_ago=-3)
    outcome, state = check(backup(here, kind="files", files=f"{place}/*.sql"))
    assert (outcome, "is from the future" in texts(state)) == (RED, True)


def test_a_file_that_grows_is_red(here: Connections, place: Path) -> None:
    write = "import sys, time\nf = open(sys.argv[1], 'ab', 0)\nwhile True: f.write(b'x'); time.sleep(0.1)"
    writer = subprocess.Popen([sys.executable, "-c", write, str(place / "a.sql")])
    try:
        while not (place / "a.sql").exists() or not (place / "a.sql").stat().st_size:
            clock.wait(0.02)
        outcome, state = check(backup(here, kind="files", files=f"{place}/*.sql"))
    finally:
        writer.kill()
        writer.wait()
    assert (outcome, "is still growing" in texts(state)) == (RED, True)


def test_a_truncated_archive_is_red_when_data_is_read(here: Connections, place: Path) -> None:
    archive = place / "a.sql.gz"
    archive.write_bytes(gzip.compress(os.urandom(100_000)))
    one = backup(here, kind="files", files=f"{place}/*.gz", integrity="data")
    assert check(one)[0] is GREEN
    os.truncate(archive, 50_000)
    one.forget()
    outcome, state = check(one)
    assert outcome is RED
    assert "unexpected end of file" in texts(state)


def test_what_nobody_can_read_is_unknown_when_data_is_to_be_read(
    here: Connections, place: Path
) -> None:
    dump(place / "a.bin", hours_ago=1)
    with pytest.raises(CannotLookError, match="integrity: data knows"):
        backup(here, kind="files", files=f"{place}/*.bin", integrity="data").read()


def test_busybox_will_do(place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    three_days(place)
    (tmp_path / "site").mkdir()
    corner = Corner(tmp_path / "site", busybox=True)
    monkeypatch.setenv("PATH", str(corner.bin), prepend=":")
    connections = remote()
    try:
        one = backup(connections, kind="files", files=f"{place}/shop [0-9].sql")
        one.host = "web1"
        outcome, state = check(one)
    finally:
        connections.close()
        corner.close()
    assert outcome is GREEN
    assert state.age.value == pytest.approx(HOUR_S, abs=60)

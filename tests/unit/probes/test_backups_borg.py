"""Real borg repositories: fresh, stale, shrunk, damaged, locked and gone."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from pytest_ddd import clock
from pytest_ddd.connections import Connections
from pytest_ddd.errors import CannotLookError
from pytest_ddd.probes.backups import Backup
from tests.unit.probes.backup_site import GREEN, RED, YELLOW, backup, check, texts

pytestmark = pytest.mark.needs("borg", "busybox")

PASSPHRASE = 'it\'s a "pass" $word'
VARIABLE = "TEST_BORG_PASSPHRASE"


class Repository:
    """A borg repository."""

    def __init__(self, path: Path) -> None:
        self.path = path
        base = path.with_name(f"{path.name}.base")
        self.environment = {
            **os.environ,
            "BORG_PASSPHRASE": PASSPHRASE,
            "BORG_BASE_DIR": str(base),
            "BORG_RELOCATED_REPO_ACCESS_IS_OK": "yes",
        }

    def do(self, *words: str) -> None:
        subprocess.run(["borg", *words], env=self.environment, capture_output=True, check=True)

    def add(self, source: Path, size_bytes: int, *, hours_ago: float, name: str = "") -> None:
        """Back up one file of random content."""
        source.mkdir(exist_ok=True)
        (source / "data").write_bytes(os.urandom(size_bytes))
        at = clock.now() - timedelta(hours=hours_ago)
        archive = f"{self.path}::{name or f'web1-{hours_ago:g}'}"
        self.do("create", "--timestamp", f"{at:%Y-%m-%dT%H:%M:%S}", archive, str(source))


@pytest.fixture(scope="session")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Repository:
    repository = Repository(tmp_path_factory.mktemp("borg") / "empty")
    repository.do("init", "-e", "repokey", str(repository.path))
    return repository


@pytest.fixture(scope="session")
def three_days(empty: Repository, tmp_path_factory: pytest.TempPathFactory) -> Repository:
    """A backup a day, the last one an hour old."""
    path = tmp_path_factory.mktemp("borg") / "three"
    shutil.copytree(empty.path, path)
    repository = Repository(path)
    for hours_ago in (49, 25, 1):
        repository.add(path.with_name("source"), 300_000, hours_ago=hours_ago)
    return repository


@pytest.fixture
def repository(three_days: Repository, tmp_path: Path) -> Repository:
    """A copy to spoil."""
    shutil.copytree(three_days.path, tmp_path / "copy")
    return Repository(tmp_path / "copy")


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Connections]:
    monkeypatch.setenv(VARIABLE, PASSPHRASE)
    monkeypatch.setenv("BORG_BASE_DIR", str(tmp_path / "base"))
    connections = Connections({})
    yield connections
    connections.close()


def borg(here: Connections, repository: Repository, **fields: object) -> Backup:
    given: dict[str, object] = {
        "kind": "borg",
        "repository": str(repository.path),
        "password": {"env": VARIABLE},
    }
    return backup(here, **{**given, **fields})


def test_a_fresh_backup_is_green(here: Connections, three_days: Repository) -> None:
    outcome, state = check(borg(here, three_days))
    assert (outcome, texts(state)) == (GREEN, "")
    assert state.age.value == pytest.approx(3600, abs=120)
    assert state.size.value == 300_000
    assert state.shrink is not None
    assert state.shrink.value == 0


def test_its_local_times_are_understood_in_any_zone(
    here: Connections, three_days: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    connections = Connections({})
    try:
        state = borg(connections, three_days).read()
    finally:
        connections.close()
    assert state.age.value == pytest.approx(3600, abs=120)


def test_no_backup_last_night_is_yellow(
    here: Connections, empty: Repository, tmp_path: Path
) -> None:
    shutil.copytree(empty.path, tmp_path / "copy")
    repository = Repository(tmp_path / "copy")
    repository.add(tmp_path / "source", 1000, hours_ago=30)
    assert check(borg(here, repository))[0] is YELLOW


def test_never_any_backup_is_red(here: Connections, empty: Repository) -> None:
    outcome, state = check(borg(here, empty))
    assert (outcome, texts(state)) == (RED, "there is no backup at all")


def test_only_archives_with_another_prefix_are_none(
    here: Connections, three_days: Repository
) -> None:
    assert check(borg(here, three_days, host="db1-"))[0] is RED


def test_a_size_collapse_is_red(here: Connections, repository: Repository, tmp_path: Path) -> None:
    repository.add(tmp_path / "source", 30_000, hours_ago=0)
    outcome, state = check(borg(here, repository))
    assert outcome is RED
    assert state.shrink is not None
    assert state.shrink.value == 90


@pytest.mark.parametrize("integrity", ["structure", "data"])
@pytest.mark.parametrize("harm", ["zeroed", "truncated"])
def test_a_damaged_segment_is_red(
    here: Connections, repository: Repository, integrity: str, harm: str
) -> None:
    segment = max(repository.path.glob("data/0/*"), key=lambda path: path.stat().st_size)
    if harm == "truncated":
        os.truncate(segment, 5000)
    else:
        with segment.open("r+b") as data:
            data.seek(1000)
            data.write(bytes(100))
    outcome, state = check(borg(here, repository, integrity=integrity))
    assert outcome is RED
    assert "damage" in texts(state)


def test_a_wrong_passphrase_is_unknown(
    here: Connections, three_days: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, "wrong")
    with pytest.raises(CannotLookError, match="incorrect") as failure:
        borg(here, three_days).read()
    assert "the key `password`" in failure.value.hint


def test_without_a_passphrase_nobody_is_asked(here: Connections, three_days: Repository) -> None:
    started = clock.monotonic()
    with pytest.raises(CannotLookError, match="passphrase"):
        borg(here, three_days, password=None).read()
    assert clock.monotonic() - started < 20


def test_a_repository_that_is_gone_is_red(here: Connections, tmp_path: Path) -> None:
    outcome, state = check(borg(here, Repository(tmp_path / "gone")))
    assert (outcome, texts(state)[:16]) == (RED, "no repository at")


def test_a_locked_repository_is_read(here: Connections, repository: Repository) -> None:
    lock(repository)
    outcome, state = check(borg(here, repository, integrity="none"))
    assert (outcome, texts(state)) == (GREEN, "")


def test_a_lock_of_yesterday_is_red(here: Connections, repository: Repository) -> None:
    lock(repository, age_s=100_000)
    outcome, state = check(borg(here, repository, integrity="none"))
    assert (outcome, texts(state)[:10]) == (RED, "locked for")


def test_integrity_below_a_lock_is_unknown(here: Connections, repository: Repository) -> None:
    lock(repository)
    with pytest.raises(CannotLookError, match="Failed to create/acquire the lock"):
        borg(here, repository).read()


def test_no_process_has_the_passphrase_among_its_arguments(
    here: Connections, three_days: Repository, tmp_path: Path
) -> None:
    spy = tmp_path / "borg"
    spy.write_text(
        "#!/bin/sh\ncat /proc/[0-9]*/cmdline >> $SPY 2>/dev/null\n"
        'printf "%s" "$BORG_PASSPHRASE" > $SPY.env\nexec /usr/bin/borg "$@"\n'
    )
    spy.chmod(0o755)
    environment = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "SPY": str(tmp_path / "seen")}
    assert check(borg(here, three_days, environment=environment))[0] is GREEN
    assert (tmp_path / "seen.env").read_text() == PASSPHRASE
    assert PASSPHRASE.encode() not in (tmp_path / "seen").read_bytes()


def lock(repository: Repository, *, age_s: float = 60) -> None:
    """Lock as a backup on another machine does."""
    directory = repository.path / "lock.exclusive"
    directory.mkdir()
    (directory / "web1@1234567890.4711-0").touch()
    made = clock.now().timestamp() - age_s
    os.utime(directory, (made, made))

"""Real restic repositories: fresh, stale, shrunk, damaged, locked and gone."""

from __future__ import annotations

import json
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
from tests.unit.probes.backup_site import GREEN, RED, UNKNOWN, YELLOW, backup, check, texts

pytestmark = pytest.mark.needs("restic", "busybox")

PASSWORD = 'it\'s a "pass" $word'
VARIABLE = "TEST_RESTIC_PASSWORD"


class Repository:
    """A restic repository with a cache of its own."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.environment = {
            **os.environ,
            "RESTIC_REPOSITORY": str(path),
            "RESTIC_PASSWORD": PASSWORD,
            "RESTIC_CACHE_DIR": str(path.with_name(f"{path.name}.cache")),
        }

    def do(self, *words: str) -> str:
        done = subprocess.run(
            ["restic", *words], env=self.environment, capture_output=True, text=True, check=True
        )
        return done.stdout

    def add(self, source: Path, size_bytes: int, *, hours_ago: float, host: str = "web1") -> None:
        """Back up one file of random content."""
        source.mkdir(exist_ok=True)
        (source / "data").write_bytes(os.urandom(size_bytes))
        at = (clock.now() - timedelta(hours=hours_ago)).astimezone()
        stamp = f"{at:%Y-%m-%d %H:%M:%S}"
        self.do("backup", "-q", "--host", host, "--time", stamp, str(source))

    @property
    def largest_pack(self) -> Path:
        packs = (path for path in (self.path / "data").glob("*/*") if path.is_file())
        return max(packs, key=lambda path: path.stat().st_size)


@pytest.fixture(scope="session")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Repository:
    repository = Repository(tmp_path_factory.mktemp("restic") / "empty")
    repository.do("init")
    return repository


@pytest.fixture(scope="session")
def three_days(empty: Repository, tmp_path_factory: pytest.TempPathFactory) -> Repository:
    """A backup a day, the last one an hour old."""
    path = tmp_path_factory.mktemp("restic") / "three"
    shutil.copytree(empty.path, path)
    repository = Repository(path)
    source = path.with_name("source")
    for hours_ago in (49, 25, 1):
        repository.add(source, 300_000, hours_ago=hours_ago)
    return repository


@pytest.fixture(scope="session")
def one_day(empty: Repository, tmp_path_factory: pytest.TempPathFactory) -> Repository:
    """One backup, an hour old."""
    path = tmp_path_factory.mktemp("restic") / "one"
    shutil.copytree(empty.path, path)
    repository = Repository(path)
    repository.add(path.with_name("source"), 300_000, hours_ago=1)
    return repository


@pytest.fixture
def repository(one_day: Repository, tmp_path: Path) -> Repository:
    """A copy to spoil."""
    shutil.copytree(one_day.path, tmp_path / "copy")
    return Repository(tmp_path / "copy")


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Connections]:
    monkeypatch.setenv(VARIABLE, PASSWORD)
    monkeypatch.setenv("RESTIC_CACHE_DIR", str(tmp_path / "cache"))
    connections = Connections({})
    yield connections
    connections.close()


def restic(here: Connections, repository: Repository, **fields: object) -> Backup:
    given: dict[str, object] = {
        "kind": "restic",
        "repository": str(repository.path),
        "password": {"env": VARIABLE},
        "integrity": "none",
    }
    return backup(here, **{**given, **fields})


def test_a_fresh_backup_is_green(here: Connections, three_days: Repository) -> None:
    outcome, state = check(restic(here, three_days, integrity="structure"))
    assert (outcome, texts(state)) == (GREEN, "")
    assert state.age.value == pytest.approx(3600, abs=120)
    assert state.size.value == 300_000
    assert state.shrink is not None
    assert state.shrink.value == 0


def test_no_backup_last_night_is_yellow_and_then_red(
    here: Connections, empty: Repository, tmp_path: Path
) -> None:
    shutil.copytree(empty.path, tmp_path / "copy")
    repository = Repository(tmp_path / "copy")
    repository.add(tmp_path / "source", 1000, hours_ago=30)
    assert check(restic(here, repository))[0] is YELLOW
    assert check(restic(here, repository, age={"warn": "20h", "crit": "29h"}))[0] is RED


def test_never_any_backup_is_red(here: Connections, empty: Repository) -> None:
    outcome, state = check(restic(here, empty))
    assert (outcome, texts(state)) == (RED, "there is no backup at all")


def test_only_backups_of_another_host_are_none(here: Connections, three_days: Repository) -> None:
    assert check(restic(here, three_days, host="db1"))[0] is RED


def test_a_size_collapse_is_red(here: Connections, three_days: Repository, tmp_path: Path) -> None:
    shutil.copytree(three_days.path, tmp_path / "copy")
    repository = Repository(tmp_path / "copy")
    repository.add(three_days.path.with_name("source"), 30_000, hours_ago=0)
    outcome, state = check(restic(here, repository))
    assert outcome is RED
    assert state.shrink is not None
    assert state.shrink.value == 90


def test_an_empty_backup_is_red(here: Connections, repository: Repository, tmp_path: Path) -> None:
    (tmp_path / "nothing").mkdir()
    repository.do("backup", "-q", "--host", "web1", str(tmp_path / "nothing"))
    outcome, state = check(restic(here, repository))
    assert (outcome, "has 0 B only" in texts(state)) == (RED, True)


def test_a_backup_of_other_paths_is_not_compared(
    here: Connections, repository: Repository, tmp_path: Path
) -> None:
    repository.add(tmp_path / "small", 10, hours_ago=0)
    _, state = check(restic(here, repository))
    assert state.shrink is None


def test_other_hosts_in_the_repository_are_named(
    here: Connections, repository: Repository, tmp_path: Path
) -> None:
    repository.add(tmp_path / "small", 10, hours_ago=0, host="db1")
    _, state = check(restic(here, repository))
    assert "of host db1; the repository also holds web1" in state.age.detail


def test_a_backup_from_the_future_is_red(
    here: Connections, repository: Repository, tmp_path: Path
) -> None:
    repository.add(tmp_path / "source", 1000, hours_ago=-48)
    outcome, state = check(restic(here, repository))
    assert (outcome, "is from the future" in texts(state)) == (RED, True)


def test_zeroed_data_is_red_when_data_is_read(here: Connections, repository: Repository) -> None:
    with repository.largest_pack.open("r+b") as pack:
        pack.seek(1000)
        pack.write(bytes(100))
    outcome, state = check(restic(here, repository, integrity="data"))
    assert outcome is RED
    assert "damaged: " in texts(state)
    assert "does not match" in texts(state)


def test_zeroed_data_is_not_seen_without_reading_it_and_the_reading_says_so(
    here: Connections, repository: Repository
) -> None:
    with repository.largest_pack.open("r+b") as pack:
        pack.seek(1000)
        pack.write(bytes(100))
    outcome, state = check(restic(here, repository, integrity="structure"))
    assert outcome is GREEN
    assert state.integrity is not None
    assert "damaged data is not seen" in state.integrity.expected


def test_a_truncated_pack_is_red(here: Connections, repository: Repository) -> None:
    os.truncate(repository.largest_pack, 1000)
    outcome, state = check(restic(here, repository, integrity="structure"))
    assert (outcome, "damaged: " in texts(state)) == (RED, True)


def test_a_subset_of_the_data_can_be_read(here: Connections, three_days: Repository) -> None:
    outcome, state = check(restic(here, three_days, integrity="data", data_subset="50%"))
    assert outcome is GREEN
    assert state.integrity is not None
    assert "50% of the data" in state.integrity.expected


def test_a_snapshot_that_cannot_be_read_is_never_passed_over(
    here: Connections, repository: Repository
) -> None:
    newest = json.loads(repository.do("snapshots", "--json"))[-1]["id"]
    os.truncate(repository.path / "snapshots" / newest, 10)
    try:
        outcome, _ = check(restic(here, repository))
    except CannotLookError:
        outcome = UNKNOWN
    assert outcome in (RED, UNKNOWN)


def test_a_wrong_password_is_unknown(
    here: Connections, one_day: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, "wrong")
    with pytest.raises(CannotLookError, match="wrong password") as failure:
        restic(here, one_day).read()
    assert "the key `password`" in failure.value.hint


def test_a_missing_password_is_unknown(
    here: Connections, one_day: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(VARIABLE)
    with pytest.raises(CannotLookError, match=VARIABLE):
        restic(here, one_day).read()


def test_a_repository_that_is_gone_is_red(here: Connections, tmp_path: Path) -> None:
    outcome, state = check(restic(here, Repository(tmp_path / "gone")))
    assert (outcome, texts(state)[:16]) == (RED, "no repository at")


def test_a_server_that_is_away_is_unknown(here: Connections) -> None:
    away = backup(
        here, kind="restic", repository="rest:http://127.0.0.1:9/", password={"env": VARIABLE}
    )
    with pytest.raises(CannotLookError, match="connection refused"):
        away.read()


def test_a_locked_repository_is_read(here: Connections, repository: Repository) -> None:
    lock_repository(repository)
    outcome, state = check(restic(here, repository))
    assert (outcome, texts(state)) == (GREEN, "")


def test_a_stale_lock_is_red(
    here: Connections, repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock_repository(repository)
    later = clock.now() + timedelta(hours=2)
    monkeypatch.setattr(clock, "now", lambda: later)
    outcome, state = check(restic(here, repository))
    assert (outcome, texts(state)[:17]) == (RED, "a stale lock of r")


def test_looking_leaves_no_lock(here: Connections, repository: Repository) -> None:
    before = sorted(repository.path.rglob("*"))
    check(restic(here, repository, integrity="data"))
    assert sorted(repository.path.rglob("*")) == before


def test_without_restic_it_is_unknown_and_says_what_to_install(
    here: Connections, one_day: Repository, tmp_path: Path
) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "cat").symlink_to("/bin/cat")
    with pytest.raises(CannotLookError, match="restic is not installed") as failure:
        restic(here, one_day, environment={"PATH": str(tmp_path / "bin")}).read()
    assert failure.value.hint.startswith("apt-get install restic")


def test_no_process_has_the_password_among_its_arguments(
    here: Connections, one_day: Repository, tmp_path: Path
) -> None:
    spy = tmp_path / "restic"
    spy.write_text(
        "#!/bin/sh\ncat /proc/[0-9]*/cmdline >> $SPY 2>/dev/null\n"
        'printf "%s" "$RESTIC_PASSWORD" > $SPY.env\nexec /usr/bin/restic "$@"\n'
    )
    spy.chmod(0o755)
    environment = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "SPY": str(tmp_path / "seen")}
    assert check(restic(here, one_day, environment=environment))[0] is GREEN
    assert (tmp_path / "seen.env").read_text() == PASSWORD
    assert PASSWORD.encode() not in (tmp_path / "seen").read_bytes()


def lock_repository(repository: Repository) -> None:
    """Leave the lock that a killed backup leaves."""
    process = subprocess.Popen(
        ["restic", "backup", "-q", "--stdin"],
        env=repository.environment,
        stdin=subprocess.PIPE,
    )
    deadline = clock.monotonic() + 30
    # Restic writes `<id>-tmp-<number>` first: a lock is there once it has its own name.
    while not any("-tmp-" not in lock.name for lock in (repository.path / "locks").iterdir()):
        assert clock.monotonic() < deadline
        clock.wait(0.05)
    process.kill()
    process.communicate()

"""The store: transactions, several writers, and what it refuses."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import func, insert, select, text

from pytest_ddd.errors import RecordError, UsageError
from pytest_ddd.history import migrating, places, runs
from pytest_ddd.history.metadata import METADATA, TABLE_MODULES
from pytest_ddd.history.store import Store
from pytest_ddd.history.tables import READINGS, RESULTS, RUNS
from tests.lab.svc.postgres import PASSWORD
from tests.unit.history.samples import remember, result, start

_OPEN = """
import sys
from pathlib import Path
from pytest_ddd.history.store import Store
Store.open(sys.argv[1], Path.cwd()).close()
"""

_WRITE = """
import sys
from dataclasses import replace
from pathlib import Path
from pytest_ddd.history import runs
from pytest_ddd.history.store import Store
from tests.unit.history.samples import result, start
of = start()
with Store.open(sys.argv[1], Path.cwd()) as store:
    with store.transaction() as tx:
        key = runs.begin(tx, of)
    for seq in range(1, int(sys.argv[2]) + 1):
        with store.appending() as tx:
            runs.add(tx, key, seq, result(of))
"""


def _at_once(count: int, script: str, *arguments: str) -> Sequence[str]:
    """Run a script in several processes at once and return what each complained of."""
    env = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}
    begun = [
        subprocess.Popen(
            [sys.executable, "-c", script, *arguments], env=env, stderr=subprocess.PIPE, text=True
        )
        for _ in range(count)
    ]
    return [process.communicate(timeout=300)[1] for process in begun]


def test_four_first_uses_at_once_all_succeed(url: str, tmp_path: Path) -> None:
    complaints = _at_once(4, _OPEN, url)

    assert complaints == ["", "", "", ""]
    with Store.open(url, tmp_path) as store, store.reading() as tx:
        assert tx.execute(text("SELECT version_num FROM alembic_version")).scalars().all() == [
            migrating.HEAD
        ]


def test_eight_processes_write_into_one_file(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'history.db'}"

    complaints = _at_once(8, _WRITE, url, "1000")

    assert complaints == [""] * 8
    with Store.open(url, tmp_path) as store, store.reading() as tx:
        counts = (
            tx.execute(select(func.count(RESULTS.c.seq)).group_by(RESULTS.c.run)).scalars().all()
        )
    assert counts == [1000] * 8


def test_the_migrations_make_the_tables_that_the_code_knows(store: Store) -> None:
    for module in TABLE_MODULES:
        __import__(module)
    with store.reading() as tx:
        differences = compare_metadata(MigrationContext.configure(tx), METADATA)

    assert differences == []


def test_head_is_the_last_script() -> None:
    scripts = ScriptDirectory(str(Path(migrating.__file__).with_name("migrations")))

    assert scripts.get_current_head() == migrating.HEAD


def test_an_exception_leaves_nothing(store: Store) -> None:
    def fail() -> None:
        with store.transaction() as tx:
            runs.begin(tx, start())
            raise KeyError

    with pytest.raises(KeyError):
        fail()

    with store.reading() as tx:
        assert tx.execute(select(func.count()).select_from(RUNS)).scalar() == 0


def test_an_exception_leaves_nothing_of_what_was_appended(store: Store) -> None:
    of = start()
    with store.transaction() as tx:
        key = runs.begin(tx, of)

    def fail() -> None:
        with store.appending() as tx:
            runs.add(tx, key, 1, result(of))
            raise KeyError

    with pytest.raises(KeyError):
        fail()

    with store.appending() as rows:
        runs.add(rows, key, 2, result(of))
    with store.reading() as tx:
        assert tx.execute(select(RESULTS.c.seq)).scalars().all() == [2]


def test_what_cannot_be_appended_is_told_in_words(store: Store) -> None:
    def add() -> None:
        with store.appending() as tx:
            runs.add(tx, 7, 1, result(start()))

    with pytest.raises(RecordError, match=r"history .*(?i:foreign key)"):
        add()


def test_a_newer_history_is_refused_and_stays_as_it_is(url: str, tmp_path: Path) -> None:
    with Store.open(url, tmp_path) as store, store.transaction() as tx:
        tx.execute(text("UPDATE alembic_version SET version_num = '9999'"))

    with pytest.raises(RecordError, match="a newer pytest-ddd has written this history") as refused:
        Store.open(url, tmp_path)
    assert "upgrade" in refused.value.hint


def test_a_history_is_copied_before_it_is_upgraded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"sqlite:///{tmp_path / 'history.db'}"
    with Store.open(url, tmp_path) as store:
        remember(store, start())
    monkeypatch.setattr(migrating, "HEAD", "next")

    Store.open(url, tmp_path).close()

    [copy] = tmp_path.glob("history.db.*.bak")
    assert copy.stat().st_mode & 0o777 == 0o600
    monkeypatch.undo()
    with Store.open(f"sqlite:///{copy}", tmp_path) as kept, kept.reading() as tx:
        assert tx.execute(select(func.count()).select_from(RUNS)).scalar() == 1


def test_a_result_is_never_stored_twice(store: Store) -> None:
    of = start()
    one = result(of)
    remember(store, of, [one])

    with pytest.raises(RecordError, match="history"):
        remember(store, start(1), [one])


def test_readings_need_their_result(store: Store) -> None:
    def add() -> None:
        values = {"run": 7, "seq": 1, "n": 1, "name": "x", "unit": "", "at": start().started_at}
        with store.transaction() as tx:
            tx.execute(insert(READINGS).values(**values, record="{}"))

    with pytest.raises(RecordError, match="history"):
        add()


def test_durable_writes_are_synchronous(tmp_path: Path) -> None:
    with Store.open("sqlite:///history.db", tmp_path) as store:
        with store.transaction(durable=True) as tx:
            assert tx.exec_driver_sql("PRAGMA synchronous").scalar() == 2
        with store.transaction() as tx:
            assert tx.exec_driver_sql("PRAGMA synchronous").scalar() == 1
            assert tx.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        with store.transaction(durable=True) as tx:
            assert tx.exec_driver_sql("PRAGMA synchronous").scalar() == 2


def test_only_the_owner_can_read_it(tmp_path: Path) -> None:
    root = tmp_path / "site"
    root.mkdir()
    with Store.open(places.default_url(root), root) as store:
        remember(store, start())
        modes = {path.name: path.stat().st_mode & 0o777 for path in root.rglob("*")}

    assert modes.pop(".pytest-ddd") == 0o700
    assert set(modes.values()) == {0o600}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("history.db", "not a URL"),
        ("mysql://server/history", "mysql: no such history"),
        ("sqlite://", "sqlite: no such history"),
    ],
)
def test_other_databases_are_refused(text: str, told: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=told) as refused:
        Store.open(text, tmp_path)
    assert "sqlite:///" in refused.value.hint


def test_a_place_that_cannot_be_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no directory")

    with pytest.raises(RecordError, match="the history cannot be opened"):
        Store.open("sqlite:///file/history.db", tmp_path)


def test_a_file_that_is_no_history_is_told(tmp_path: Path) -> None:
    (tmp_path / "history.db").write_text("no database at all, but long enough to be one" * 50)

    with pytest.raises(RecordError, match="not a database"):
        Store.open("sqlite:///history.db", tmp_path)


def test_network_file_systems_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(places, "file_system", lambda path: "nfs4")

    with pytest.raises(RecordError, match="lies on nfs4") as refused:
        Store.open("sqlite:///history.db", tmp_path)
    assert "postgresql://" in refused.value.hint


def test_the_innermost_mount_tells_the_file_system(tmp_path: Path) -> None:
    mounts = tmp_path / "mountinfo"
    mounts.write_text(
        "22 1 8:1 / / rw - ext4 /dev/sda1 rw\n"
        "40 22 0:40 / /srv rw shared:1 - nfs4 files:/srv rw\n"
        "41 40 0:41 / /srv/with\\040blank rw - xfs /dev/sdb rw\n"
    )

    assert places.file_system(Path("/srv/checks"), mounts) == "nfs4"
    assert places.file_system(Path("/srv/with blank/checks"), mounts) == "xfs"
    assert places.file_system(Path("/srvother"), mounts) == "ext4"
    assert places.file_system(Path("/"), tmp_path / "missing") == ""


@pytest.mark.needs("postgresql")
def test_a_server_that_is_down_is_told_without_the_password(
    tmp_path: Path,
) -> None:
    url = f"postgresql://lab:{PASSWORD}@127.0.0.1:1/history?connect_timeout=5"

    with pytest.raises(RecordError, match="history postgresql") as told:
        Store.open(url, tmp_path)

    assert PASSWORD not in str(told.value)
    assert "refused" in str(told.value)

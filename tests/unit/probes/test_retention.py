"""Retention: too short, too long, with gaps; and what cannot be read is never green."""

from __future__ import annotations

import gzip
import os
import re
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from pytest_ddd import clock
from pytest_ddd.baseline.model import Declaration
from pytest_ddd.baseline.sections.retention import Retention as Model
from pytest_ddd.connections import Connections, parse_hostspec
from pytest_ddd.errors import CannotLookError
from pytest_ddd.probes.retention import Records, RetentionState
from pytest_ddd.probes.sql import Databases
from pytest_ddd.results import Origin
from tests.lab.svc.postgres import PASSWORD, Postgres

DAYS = (0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10)


def state(connections: Connections, **says: object) -> RetentionState:
    declaration = Declaration(
        section="retention",
        key="auth",
        model=Model.model_validate(says),
        origins={(): Origin(file="baselines/prod/retention.yaml", line=2)},
    )
    databases = Databases()
    try:
        return Records(
            declaration, target="web1", host="web1", connections=connections, databases=databases
        ).read()
    finally:
        databases.close()


@pytest.fixture(scope="module")
def connections() -> Iterator[Connections]:
    made = Connections({"web1": parse_hostspec("local://", name="web1")})
    yield made
    made.close()


class Logs:
    """A log of some days, each in a file of its own, the older ones packed."""

    def __init__(self, folder: Path, connections: Connections) -> None:
        self.folder, self.connections, self.now = folder, connections, clock.now()

    def at(self, days: int) -> datetime:
        return self.now - timedelta(days=days)

    def write(self, days: Sequence[int] = DAYS, form: str = "%Y-%m-%dT%H:%M:%S+00:00") -> None:
        for old in self.folder.iterdir():
            old.unlink()
        for number, day in enumerate(days):
            name = "auth.log" if number == 0 else f"auth.log.{number}.gz"
            text = f"{self.at(day).strftime(form)} web1 sshd[1]: hello\n".encode()
            path = self.folder / name
            path.write_bytes(text if number == 0 else gzip.compress(text))
            os.utime(path, (self.at(day).timestamp(), self.at(day).timestamp()))

    def problems(self, **says: object) -> list[str]:
        values = {"kind": "log", "files": f"{self.folder}/auth.log*", "applies_to": ["all"]}
        found = state(self.connections, **{**values, "keep": "10d", "gap": "1d", **says})
        return [re.sub(r"\d{4}-\d\d-\d\d", "DATE", one.text) for one in found.problems]


@pytest.fixture
def logs(tmp_path: Path, connections: Connections) -> Logs:
    folder = tmp_path / "a log"
    folder.mkdir()
    made = Logs(folder, connections)
    made.write()
    return made


@pytest.mark.parametrize(
    ("days", "says", "told"),
    [
        (DAYS[:9], {}, "the oldest record is of DATE, it has to be kept for 10 days"),
        ((*DAYS, 30), {"maximum": "20d", "gap": "30d"}, "there are records of DATE, none may be older than 20 days"),
        ((0, 1, 2, 6, 7, 8, 9, 10), {}, "no record between DATE and DATE"),
        (DAYS[3:], {}, "no record between DATE and DATE"),
        (DAYS, {"keep": None, "rule": "cis-8-10"}, "it has to be kept for 90 days"),
        ((), {}, "holds no record"),
    ],
    ids=["too short", "too long", "gap", "nothing new", "rule", "empty"],
)  # fmt: skip
def test_fault_is_told_and_gone_when_healed(
    logs: Logs, days: Sequence[int], says: dict[str, object], told: str
) -> None:
    logs.write(days)
    found = logs.problems(**says)
    assert len(found) == 1
    assert told in found[0]
    logs.write()
    assert logs.problems(maximum="20d") == []


@pytest.mark.parametrize(
    "form", ["%b %e %H:%M:%S", "[%d/%b/%Y:%H:%M:%S +0000]", "%Y-%m-%d %H:%M:%S,000"]
)
def test_forms_of_stamps(logs: Logs, form: str) -> None:
    logs.write(form=form)

    assert logs.problems(gap="2d") == []


def test_young_system_has_no_old_records(logs: Logs) -> None:
    logs.write(DAYS[:6])
    started = f"{logs.at(5):%Y-%m-%dT%H:%M:%SZ}"
    earlier = f"{logs.at(8):%Y-%m-%dT%H:%M:%SZ}"

    assert logs.problems(started=started) == []
    assert len(logs.problems(started=earlier)) == 1


def test_files_are_records_themselves(logs: Logs) -> None:
    logs.write(form="no stamp")

    assert logs.problems(kind="files") == []
    (logs.folder / "auth.log.10.gz").unlink()
    assert len(logs.problems(kind="files")) == 1


@pytest.mark.parametrize(
    ("harm", "why"),
    [
        (lambda logs: (logs.folder / "auth.log.2.gz").write_bytes(b"\x1f\x8bno"), "cannot be unpacked"),
        (lambda logs: (logs.folder / "auth.log.99").write_text("what is this\n"), "1 lines of .* do not say when"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_unknown(logs: Logs, harm: object, why: str) -> None:
    assert callable(harm)
    harm(logs)

    with pytest.raises(CannotLookError, match=why):
        logs.problems(gap="3d")


def test_line_that_goes_on_is_no_blind_spot(logs: Logs) -> None:
    file = logs.folder / "auth.log"
    file.write_text(file.read_text() + "    at line 7 of a traceback\n")

    assert logs.problems() == []


def test_clause_is_cited(logs: Logs) -> None:
    says = {"kind": "log", "files": f"{logs.folder}/auth.log*", "applies_to": ["all"]}
    found = state(logs.connections, **says, rule="pci-10-5-1")

    assert "PCI DSS v4.0.1, 10.5.1: 365 days for audit logs" in found.readings[0].detail
    assert "not legal advice" in found.readings[0].detail


@pytest.mark.needs("postgresql")
def test_table_of_a_real_database(
    postgres: Postgres, connections: Connections, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RETENTION_PASSWORD", PASSWORD)
    url = postgres.database("retention")
    fill = (
        "drop table if exists orders; create table orders (at timestamptz); "
        "insert into orders select now() - make_interval(days => d) from generate_series(0, {}) d"
    )

    def problems(query: str = "select distinct date(at) from orders") -> list[str]:
        database = {"url": url, "password": {"env": "RETENTION_PASSWORD"}}
        sql = {"database": database, "query": query}
        found = state(connections, kind="sql", sql=sql, keep="30d", maximum="60d", gap="1d")
        return [one.text for one in found.problems]

    postgres.run(fill.format(40), database="retention")
    assert problems() == []
    assert problems("select at from orders") == []
    postgres.run(fill.format(20), database="retention")
    assert ["has to be kept for 30 days" in one for one in problems()] == [True]
    postgres.run(fill.format(80), database="retention")
    assert ["none may be older than 60 days" in one for one in problems()] == [True]
    postgres.run("delete from orders where at < now() - interval '50 days' or date(at) between current_date - 20 and current_date - 15", database="retention")  # fmt: skip
    assert ["no record between" in one for one in problems()] == [True]
    with pytest.raises(CannotLookError, match="2 columns"):
        problems("select at, 1 from orders")
    with pytest.raises(CannotLookError, match="which is no time"):
        problems("select 'soon'")
    with postgres.down(), pytest.raises(CannotLookError):
        problems()
    postgres.run("delete from orders", database="retention")
    assert ["holds no record" in one for one in problems()] == [True]

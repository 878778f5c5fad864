"""The section `configuration` of a real baseline becomes items that look at a real host."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from pytest_ddd import clock, results
from pytest_ddd.baseline.loader import load_baseline
from pytest_ddd.connections import Connections, ConnectionSpec
from pytest_ddd.errors import UnreachableError
from pytest_ddd.outcomes import Outcome
from pytest_ddd.probes.configuration import DriftItem, entries
from pytest_ddd.probes.scope import Scope
from pytest_ddd.results import Origin

HOSTS = """version: 1
hosts:
  web1: {connection: "local://", groups: [web]}
  web2: {connection: "local://"}
"""
CONFIGURATION = """configuration:
  files:
    /etc/passwd:
      mode: "0644"
      contains: ["^root:", "^nobody:"]
    /etc/hosts: {applies_to: [web]}
  users:
    root: {uid: 0}
  unlisted:
    users: yellow
    setuid: red
    setuid_paths: [/usr]
"""


@pytest.fixture
def connections() -> Iterator[Connections]:
    specs = {
        name: ConnectionSpec(name=name, kind="local", hostspec="local://")
        for name in ("web1", "web2")
    }
    connections = Connections(specs)
    yield connections
    connections.close()


@pytest.fixture
def scope(tmp_path: Path, connections: Connections, monkeypatch: pytest.MonkeyPatch) -> Scope:
    monkeypatch.chdir(tmp_path)
    root = tmp_path / "baselines/prod"
    root.mkdir(parents=True)
    (root / "hosts.yaml").write_text(HOSTS)
    (root / "configuration.yaml").write_text(CONFIGURATION)
    now = clock.now()
    return Scope(
        baseline=load_baseline(Path("baselines"), "prod"), hosts=("web1", "web2"), whole=True,
        connections=connections, profile="day", since=now, started_at=now,
    )  # fmt: skip


def one(scope: Scope, host: str, key: str) -> DriftItem:
    [found] = [item for item in entries(scope) if (item.host, item.key) == (host, key)]
    return found


def test_each_declaration_is_one_item_of_each_host_it_applies_to(scope: Scope) -> None:
    both = {"file:/etc/passwd", "user:root", "unlisted:users", "unlisted:setuid"}
    expected = {(host, key) for host in ("web1", "web2") for key in both}
    assert {(item.target, item.key) for item in entries(scope)} == (
        expected | {("web1", "file:/etc/hosts")}
    )


def test_declaring_reads_nothing(scope: Scope) -> None:
    assert [item.taken for item in entries(scope)] == [None] * 9


@pytest.mark.parametrize(
    ("kind", "outcome", "line"), [("users", Outcome.YELLOW, 10), ("setuid", Outcome.RED, 11)]
)
def test_severity_of_unlisted_things_comes_from_the_baseline(
    scope: Scope, kind: str, outcome: Outcome, line: int
) -> None:
    threshold = one(scope, "web1", f"unlisted:{kind}").extra
    reading = results.Reading(name=f"unlisted {kind}", value=1, at=clock.now())
    judged = results.judge(reading, threshold)
    assert judged.outcome is outcome
    assert judged.origin == Origin(file="baselines/prod/configuration.yaml", line=line)


def test_threshold_is_green_when_nothing_is_unlisted(scope: Scope) -> None:
    reading = results.Reading(name="unlisted users", value=0, at=clock.now())
    judged = results.judge(reading, one(scope, "web1", "unlisted:users").extra)
    assert judged.outcome is Outcome.GREEN


def test_only_unlisted_items_have_something_extra(scope: Scope) -> None:
    assert one(scope, "web1", "file:/etc/passwd").read().extra is None


def test_every_reading_says_what_where_and_which_line(scope: Scope) -> None:
    drift = one(scope, "web1", "file:/etc/passwd").read()
    file = "baselines/prod/configuration.yaml"
    assert [
        (reading.name, reading.expected, str(reading.origin)) for reading in drift.readings
    ] == [
        ("file /etc/passwd state", "file", f"{file}:3"),
        ("file /etc/passwd mode", "0644", f"{file}:4"),
        ("file /etc/passwd contains", "a match of `^root:`", f"{file}:5"),
        ("file /etc/passwd contains", "a match of `^nobody:`", f"{file}:5"),
    ]
    assert all(reading.source for reading in drift.readings)


@pytest.mark.needs("unshare")  # root: setuid files are looked for everywhere
def test_many_threads_read_all_items_at_once(scope: Scope) -> None:
    items = entries(scope) * 8
    with ThreadPoolExecutor(16) as pool:
        found = list(pool.map(lambda item: item.read(), items))
    assert [drift for drift in found if drift.problems] == []


def test_dead_host_is_unreachable_not_drift(scope: Scope) -> None:
    dead = ConnectionSpec(
        name="web1", kind="ssh", hostspec="ssh://127.0.0.9:1", address="127.0.0.9", port=1
    )
    connections = Connections({"web1": dead})
    item = one(scope, "web1", "user:root")
    lost = DriftItem(declaration=item.declaration, host="web1", connections=connections)
    try:
        with pytest.raises(UnreachableError):
            lost.read()
    finally:
        connections.close()

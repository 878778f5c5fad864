"""Which backups and resources a baseline asks for, and from where they are looked at."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from pytest_ddd import clock
from pytest_ddd.baseline.loader import load_baseline
from pytest_ddd.connections import Connections
from pytest_ddd.probes import backups, resources
from pytest_ddd.probes.scope import Scope

BASELINE = """
hosts:
  db1: {connection: "ssh://db1"}
  web1: {connection: "ssh://web1"}
backups:
  vault: {kind: files, files: "/backup/*.gz"}
  dumps: {kind: files, files: "/backup/{host}/*.gz", applies_to: [db1]}
  pulled: {kind: files, files: "/pulled/{host}/*.gz", applies_to: [db1], from: controller}
thresholds:
  memory: {warn: 80%, crit: 90%, night: {crit: 99%}}
  disk:/var: {crit: 90%, applies_to: [web1]}
"""


@pytest.fixture
def connections() -> Iterator[Connections]:
    connections = Connections({})
    yield connections
    connections.close()


@pytest.fixture
def scope(tmp_path: Path, connections: Connections) -> Scope:
    (tmp_path / "prod.yaml").write_text(BASELINE)
    return Scope(
        baseline=load_baseline(tmp_path, "prod"),
        hosts=("db1", "web1"),
        whole=True,
        connections=connections,
        profile="night",
        since=clock.now(),
        started_at=clock.now(),
    )


def test_backups_know_where_they_are_looked_at(scope: Scope) -> None:
    found = {(one.key, one.target, one.host) for one in backups.entries(scope)}
    assert found == {("vault", "prod", ""), ("dumps", "db1", "db1"), ("pulled", "db1", "")}


def test_a_backup_has_limits_without_being_told(scope: Scope) -> None:
    vault = backups.entries(scope)[0]
    assert vault.age.crit is not None
    assert (vault.age.crit.value, vault.shrink.unit) == (50 * 3600, "%")


def test_every_host_has_its_resources(scope: Scope) -> None:
    found = {(one.key, one.target, one.host) for one in resources.entries(scope)}
    assert found == {
        ("memory", "db1", "db1"),
        ("memory", "web1", "web1"),
        ("disk:/var", "web1", "web1"),
    }


def test_limits_of_the_night_know_their_line(scope: Scope) -> None:
    memory = resources.entries(scope)[0].threshold
    assert memory.warn is None
    assert memory.crit is not None
    assert (memory.crit.value, str(memory.crit.origin)[-12:]) == (99, "prod.yaml:10")


def test_without_the_environment_only_hosts_have_backups(scope: Scope) -> None:
    found = backups.entries(replace(scope, whole=False, hosts=("web1",)))
    assert found == []

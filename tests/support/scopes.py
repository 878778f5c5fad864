"""Scopes for tests of probes: this machine as the only host, declared as a baseline would."""

from __future__ import annotations

from pathlib import Path

from pytest_ddd import clock
from pytest_ddd.baseline.loader import load_baseline
from pytest_ddd.connections import Connections, ConnectionSpec
from pytest_ddd.probes.scope import Scope

HERE = "hosts: {here: {connection: 'local://'}}\n"


def scope_of(folder: Path, sections: str, connections: Connections | None = None) -> Scope:
    """Return the scope of an environment `prod` that says this; `here` is its host."""
    (folder / "prod.yaml").write_text(HERE + sections, encoding="utf-8")
    ours = connections or Connections(
        {"here": ConnectionSpec(name="here", kind="local", hostspec="local://")}
    )
    return Scope(
        baseline=load_baseline(folder, "prod"),
        hosts=("here",),
        whole=True,
        connections=ours,
        profile="day",
        since=clock.now(),
        started_at=clock.now(),
    )

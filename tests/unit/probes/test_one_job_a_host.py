"""All that the entries of a host ask is one job there: no second round, and nothing asked again."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from pytest_ddd import clock
from pytest_ddd.baseline.loader import load_baseline
from pytest_ddd.connections import Connections, parse_hostspec
from pytest_ddd.probes import configuration, resources
from pytest_ddd.probes.ahead import ReadAhead
from pytest_ddd.probes.entry import AnyEntry
from pytest_ddd.probes.scope import Scope
from tests.support.sshd import needs

BASELINE = """version: 1
hosts:
  box: {connection: "docker://box"}
configuration:
  services: {sleeper: {running: true, enabled: true}}
  files: {/etc/passwd: {owner: root, mode: "0644"}}
  sysctl: {kernel.ostype: {value: Linux}}
thresholds:
  "disk:/": {warn: 99%, crit: 100%}
  memory: {warn: 99%, crit: 100%}
  load: {warn: 5000, crit: 10000}
"""
SYSTEMCTL = """#!/bin/sh
[ "$1" = is-enabled ] && { echo enabled; exit; }
echo MainPID=%s
echo Id=sleeper.service
echo Names=sleeper.service
echo LoadState=loaded
echo ActiveState=active
echo SubState=running
"""
ENGINE = """#!/bin/sh
exec unshare -m sh -c 'mount -t tmpfs none /run && mkdir -p /run/systemd/system && exec sh'
"""
SETSID = """#!/bin/sh
echo job >>%s
exec %s "$@"
"""
"""What starts each job in a process group of its own."""


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(["sleep", "600"]) as process:
        yield process
        process.kill()


@pytest.fixture
def scope(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sleeper: subprocess.Popen[bytes]
) -> Iterator[Scope]:
    """One host that counts its jobs in `jobs`."""
    setsid = subprocess.check_output(["sh", "-c", "command -v setsid"], text=True).strip()
    programs = {
        "docker": ENGINE,
        "systemctl": SYSTEMCTL % sleeper.pid,
        "setsid": SETSID % (tmp_path / "jobs", setsid),
    }
    for name, text in programs.items():
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o755)
    (tmp_path / "prod.yaml").write_text(BASELINE)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    connections = Connections({"box": parse_hostspec("docker://box", name="box")})
    now = clock.now()
    yield Scope(
        baseline=load_baseline(tmp_path, "prod"), hosts=("box",), whole=True,
        connections=connections, profile="day", since=now, started_at=now,
    )  # fmt: skip
    connections.close()


def _problems(scope: Scope) -> list[str]:
    """Read everything ahead; return what is wrong."""
    items, usage = configuration.entries(scope), resources.entries(scope)
    entries: list[AnyEntry] = [*items, *usage]
    ahead = ReadAhead(scope.connections)
    ahead.start(entries, ["box"])
    assert all(ahead.wait(entry, lambda: None) for entry in entries)
    ahead.stop()
    drifts, uses = [item.read() for item in items], [one.read() for one in usage]
    assert all(drift.readings for drift in drifts)
    assert all(use.readings for use in uses)
    problems = [*(drift.problems for drift in drifts), *(use.problems for use in uses)]
    return [problem.text for some in problems for problem in some]


@needs("unshare")
def test_one_job(scope: Scope, tmp_path: Path) -> None:
    """The state of a service's process comes along with the service."""
    assert _problems(scope) == []

    assert (tmp_path / "jobs").read_text() == "job\n"


@needs("unshare")
def test_a_stopped_process_is_seen_in_that_job(
    scope: Scope, tmp_path: Path, sleeper: subprocess.Popen[bytes]
) -> None:
    """And one that goes on again is well."""
    sleeper.send_signal(signal.SIGSTOP)
    os.waitpid(sleeper.pid, os.WUNTRACED)

    [problem] = _problems(scope)

    assert f"its process {sleeper.pid} is stopped (state T)" in problem
    assert (tmp_path / "jobs").read_text() == "job\n"

    sleeper.send_signal(signal.SIGCONT)
    assert _problems(scope) == []

"""A site whose production is three real hosts of the lab, healthy at first."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent
from typing import Protocol

import pytest

from pytest_ddd.evidence.record import read_record
from pytest_ddd.results import CheckResult
from tests.lab.host import LabHost
from tests.lab.lab import Lab
from tests.lab.reap import Ledger
from tests.lab.svc.restic import Restic

ROOT = Path(__file__).parents[2]

HOSTS = """
    version: 1
    environment: {{description: Three lab hosts, timezone: UTC}}
    hosts:
      web1: {{connection: "ssh://ops@web1", ssh_config: {ssh}, sudo: true, groups: [web]}}
      web2: {{connection: "ssh://ops@web2", ssh_config: {ssh}, sudo: true, groups: [web]}}
      db1: {{connection: "ssh://ops@db1", ssh_config: {ssh}, sudo: true}}
    groups: {{web: {{}}}}
"""
ENDPOINTS = """
    endpoints:
      shop:
        url: https://web1.lab.test/health
        ca: {ca}
        json: {{status: healthy, uptime: ">0"}}
        attempts: {{count: 2, interval: 100ms}}
        latency: {{warn: 20s, crit: 30s}}
        deadline: 40s
      web-health:
        url: "http://{{address}}/health"
        applies_to: [web]
        attempts: {{count: 2, interval: 100ms}}
        latency: {{warn: 5s, crit: 8s}}
        deadline: 10s
      db-ssh: {{url: "tcp://db1:22"}}
"""
THRESHOLDS = """
    thresholds:
      memory: {warn: 97%, crit: 99%}
      load: {warn: 40, crit: 80}
      disk: {warn: 80%, crit: 90%, exclude: ["/", "/etc/*"]}
      "disk:/run": {warn: 80%, crit: 90%}
      inodes: {warn: 80%, crit: 90%, exclude: ["/"]}
      open_files: {warn: 70%, crit: 90%}
"""
LOGS = """
    logs:
      nginx:
        path: /var/log/nginx/error.log
        applies_to: [web]
        critical: ["[[](crit|alert|emerg)[]]"]
        error: ["[[]error[]]"]
      journal:
        journal: "*"
        priority: warning
        critical: ["LAB-CRITICAL"]
        error: ["LAB-ERROR"]
"""
BACKUPS = """
    backups:
      data:
        kind: restic
        repository: {repository}
        password: {{file: {password}}}
        integrity: data
"""
CONFIGURATION = """
    configuration:
      packages:
        nginx-light: {}
        openssh-server: {}
      services:
        nginx: {running: true, enabled: true, responds: "tcp:80"}
        ssh: {running: true, enabled: true}
        cron: {running: true, enabled: true}
      files:
        /etc/ssh/sshd_config: {owner: root, group: root, mode: "0644"}
        /etc/nginx/conf.d/lab.conf: {mode: "0644", contains: ["listen 80"]}
      users:
        ops: {shell: /bin/bash}
        sudopw: {}
        noisy: {}
        dashuser: {shell: /bin/dash}
        ashuser: {}
        cshuser: {}
        fishuser: {}
      sysctl:
        net.ipv4.ip_forward: {value: 0}
      listeners:
        "tcp:22": {}
        "tcp:80": {}
        "tcp:443": {}
      unlisted: {listeners: red, users: red}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What `pytest -m daily --host=prod` said and left."""

    status: int
    text: str
    results: tuple[CheckResult, ...]
    directory: Path

    def of(self, target: str, entry: str) -> CheckResult:
        """Return the last look at one entry of one target."""
        found = [one for one in self.results if (one.target, one.entry) == (target, entry)]
        assert found, [(one.target, one.entry) for one in self.results]
        return max(found, key=lambda one: one.look)

    def bad(self) -> dict[tuple[str, str], str]:
        """Return everything that is not green, by target and entry."""
        return {
            (one.target, one.entry): one.outcome.value
            for one in self.results
            if one.outcome.value not in ("GREEN", "NOT_APPLICABLE")
        }


class Place(Protocol):
    """Where pytest runs: the lab, or this machine itself."""

    def exec(
        self, argv: Sequence[str], *, cwd: Path, env: Mapping[str, str], timeout: float
    ) -> subprocess.CompletedProcess[str]:
        """Run a command to its end."""


class Here:
    """This machine, where servers on loopback are."""

    def exec(
        self, argv: Sequence[str], *, cwd: Path, env: Mapping[str, str], timeout: float
    ) -> subprocess.CompletedProcess[str]:
        """Run a command to its end."""
        return subprocess.run(
            argv,
            cwd=cwd,
            env={**os.environ, **env},
            timeout=timeout,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )


class Prod:
    """A site with the environment `prod`."""

    def __init__(self, root: Path, lab: Place) -> None:
        self.root, self.lab = root, lab
        root.mkdir(exist_ok=True)
        shutil.copytree(ROOT / "checks", root / "checks")
        (root / "pyproject.toml").write_text(
            "[tool.pytest]\nstrict = true\ntestpaths = ['checks']\n"
        )

    def baseline(self, section: str, text: str) -> None:
        """Write one file of the environment."""
        folder = self.root / "baselines" / "prod"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{section}.yaml").write_text(dedent(text))

    def run(self, *args: str, timeout: float = 600.0, path: str = "") -> Run:
        """Run the daily checks, where the hosts can be reached; `path` goes in front of PATH."""
        shutil.rmtree(self.root / "evidence", ignore_errors=True)
        command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-m", "daily", *args]
        env = {"PATH": f"{path}:{os.environ['PATH']}"} if path else {}
        done = self.lab.exec(command, cwd=self.root, timeout=timeout, env=env)
        return self._left(done)

    def _left(self, done: subprocess.CompletedProcess[str]) -> Run:
        records = sorted(self.root.glob("evidence/*/results.jsonl"))
        assert records, done.stdout + done.stderr
        results = tuple(one for record in records for one in read_record(record).results)
        return Run(
            status=done.returncode,
            text=done.stdout + done.stderr,
            results=results,
            directory=records[0].parent,
        )


@pytest.fixture(scope="module")
def restic(ledger: Ledger, tmp_path_factory: pytest.TempPathFactory) -> Restic:
    """A repository with a snapshot of just now."""
    folder = tmp_path_factory.mktemp("restic")
    (folder / "data").mkdir()
    (folder / "data" / "file").write_bytes(b"kept" * 50_000)
    made = Restic(ledger, folder / "repository")
    made.backup(folder / "data")
    return made


@pytest.fixture(scope="module")
def prod(
    lab: Lab,
    lab_hosts: dict[str, LabHost],
    restic: Restic,
    tmp_path_factory: pytest.TempPathFactory,
) -> Prod:
    """Production as it should be."""
    site = Prod(tmp_path_factory.mktemp("site"), lab)
    site.baseline("hosts", HOSTS.format(ssh=lab.ssh_config))
    site.baseline("endpoints", ENDPOINTS.format(ca=lab.authority.cert))
    site.baseline("thresholds", THRESHOLDS)
    site.baseline("logs", LOGS)
    site.baseline("backups", BACKUPS.format(repository=restic.path, password=restic.password_file))
    site.baseline("configuration", CONFIGURATION)
    return site

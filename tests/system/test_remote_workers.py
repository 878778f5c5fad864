"""xdist workers on other machines: each reads the hosts that it is dealt, from where it is."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest

from pytest_ddd.evidence.record import read_record
from tests.lab.net import Net, answers, enter
from tests.lab.proc import Proc
from tests.lab.reap import Ledger
from tests.support.sshd import CONFIG, make_key

pytestmark = pytest.mark.needs("net", "sshd", "ssh", "ssh-keygen")

CHECK = """
import pytest

pytestmark = pytest.mark.daily

def test_drift(drift_item):
    assert drift_item.read().problems == ()
"""
BASELINE = """
version: 1
hosts:
{hosts}
configuration:
  sysctl: {{kernel.ostype: {{value: Linux}}}}
  files: {{/etc/passwd: {{owner: root}}}}
"""
HOSTS, WORKERS = ("web1", "web2", "web3", "web4"), ("north", "south")


class _Site:
    """A control machine, two machines for workers and one sshd for all hosts."""

    def __init__(self, ledger: Ledger, root: Path) -> None:
        self.root, self.net = root, Net(ledger)
        for name in ("host_key", "client_key"):
            make_key(root / name)
        shutil.copy(root / "client_key.pub", root / "authorized_keys")
        self.ports = {name: self.net.attach(name) for name in (*WORKERS, "hosts")}
        config = CONFIG.format(base=root, port=22, extra="")
        config = config.replace("ListenAddress 127.0.0.1\n", "")
        (root / "sshd_config").write_text(config)
        kind, key = (root / "host_key.pub").read_text().split()[:2]
        addresses = ",".join(port.address for port in self.ports.values())
        (root / "known_hosts").write_text(f"{addresses} {kind} {key}\n")
        (root / "ssh_config").write_text(
            f"IdentityFile {root}/client_key\nIdentityAgent none\nUser root\nBatchMode yes\n"
            f"UserKnownHostsFile {root}/known_hosts\n"
        )
        Path("/run/sshd").mkdir(exist_ok=True)
        self._servers = []
        for name, port in self.ports.items():
            argv = ["/usr/sbin/sshd", "-D", "-e", "-f", str(root / "sshd_config")]
            sshd = Proc(ledger, name, argv, prefix=enter(port.netns))
            self._servers.append(sshd)
            sshd.ready(partial(answers, port.address, 22, self.net.ctl, b"SSH-"))
        self._write(root / "site")

    def _write(self, folder: Path) -> None:
        (folder / "checks").mkdir(parents=True)
        (folder / "baselines").mkdir()
        (folder / "pyproject.toml").write_text("[tool.pytest]\n")
        (folder / "checks" / "test_own.py").write_text(CHECK)
        address = self.ports["hosts"].address
        hosts = "\n".join(
            f"  {name}: {{connection: 'ssh://{address}', ssh_config: {self.root}/ssh_config}}"
            for name in HOSTS
        )
        (folder / "baselines" / "prod.yaml").write_text(BASELINE.format(hosts=hosts))

    def close(self) -> None:
        """Leave nothing behind."""
        for server in self._servers:
            server.stop()
        for port in self.ports.values():
            self.net.detach(port)
        self.net.close()

    def run(self) -> subprocess.CompletedProcess[str]:
        """Run the checks with one worker on each machine; they share this one's files."""
        workers = [
            f"--tx=ssh=-F {self.root}/ssh_config {self.ports[name].address}"
            f"//python={sys.executable}//chdir={self.root}/site"
            for name in WORKERS
        ]
        options = ["-p", "no:cacheprovider", "--dist=load", "--host=prod", *workers]
        return subprocess.run(
            [*enter(self.net.ctl), sys.executable, "-m", "pytest", *options],
            cwd=self.root / "site",
            capture_output=True,
            text=True,
            check=False,
            timeout=600,
            env={**os.environ, "COVERAGE_PROCESS_START": ""},
        )


@contextmanager
def _ledger() -> Iterator[Ledger]:
    made = Ledger.open()
    try:
        yield made
    finally:
        assert made.close() == []


def test_workers_in_two_other_networks(tmp_path: Path) -> None:
    """All hosts are green, two each by the worker of each network, one login a host."""
    with _ledger() as ledger:
        site = _Site(ledger, tmp_path)
        try:
            done = site.run()
        finally:
            site.close()
        log = (ledger.dir / "hosts.log").read_text()

    results = read_record(next(tmp_path.glob("site/evidence/*/results.jsonl"))).results
    assert done.returncode == 0, done.stdout + done.stderr
    assert {one.outcome.value for one in results} == {"GREEN"}
    by_worker: dict[str, set[str]] = {}
    for one in results:
        by_worker.setdefault(one.worker, set()).add(one.target)
    assert sorted(map(len, by_worker.values())) == [2, 2]
    logins = [line for line in log.splitlines() if "Accepted publickey" in line]
    assert len(logins) == len(HOSTS)
    callers = {line.split(" from ")[1].split()[0] for line in logins}
    assert callers == {site.ports[name].address for name in WORKERS}

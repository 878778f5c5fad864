"""A site whose production is Debian hosts that wait for updates of the lab's application."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from textwrap import dedent

from pytest_ddd import clock
from pytest_ddd.actions.journal import Journal
from pytest_ddd.evidence.record import read_record
from pytest_ddd.results import CheckResult
from tests.lab.host import LabHost
from tests.lab.lab import Lab
from tests.lab.proc import Proc, wait_for
from tests.lab.svc.debian import HEALTH, Archive, served, version
from tests.support.keys import Key, make_key

ROOT = Path(__file__).parents[2]
SCENARIO = "security-patch-tuesday"
CHANGE = "CHG-7"

HOSTS = """
    version: 1
    environment: {{description: Debian hosts, timezone: UTC}}
    hosts:
{hosts}
    groups: {{canary: {{}}, app: {{}}}}
"""
HOST = '      {name}: {{connection: "ssh://ops@{name}", ssh_config: {ssh}, sudo: true, groups: [{group}]}}'
PATCHES = """
    patches:
      app:
        apt: {{lock_wait: 1s}}
        batches: [1, 25%, 100%]
        order: [canary]
        services: [labapp]
        checks: ["{health}"]
        settle: 15s
        duration: 60s
        rollback_duration: 60s
"""
MAINTENANCE = """
    maintenance:
      tuesday: {{window: "daily {begin:%H:%M}-{end:%H:%M}"}}
      balancer: {{begin: "date >>/root/drained; touch /run/drained", end: rm -f /run/drained}}
"""
ENDPOINTS = """
    endpoints:
      app:
        url: "http://{address}:8080/version"
        body: "^1[.]"
        applies_to: [all]
        attempts: {count: 2, interval: 1s}
        latency: {warn: 20s, crit: 30s}
        deadline: 40s
"""
SLOW = (
    'if [ "$1" = configure ]; then touch /run/half; while [ -e /run/half ]; do sleep 0.1; done; fi'
)
"""A package that is configured by half until somebody removes /run/half."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What `pytest -m weekly --host=prod` said and left."""

    status: int
    text: str
    results: tuple[CheckResult, ...]

    def of(self, name: str, target: str) -> CheckResult:
        """Return the result of a check about a target."""
        check_id = f"{SCENARIO}/{name}"
        found = [one for one in self.results if (one.check_id, one.target) == (check_id, target)]
        assert len(found) == 1, self.text
        return found[0]

    def outcomes(self, name: str) -> dict[str, str]:
        """Return target -> outcome of a check."""
        check_id = f"{SCENARIO}/{name}"
        return {one.target: one.outcome.value for one in self.results if one.check_id == check_id}


@dataclass(kw_only=True)
class Tuesday:
    """The site, its hosts, the archive that they know, and somebody who may approve."""

    root: Path
    lab: Lab
    archive: Archive
    hosts: dict[str, LabHost]
    signer: Key
    debs: dict[str, Path] = field(default_factory=dict)

    def prepare(self) -> None:
        """Write a baseline in which everything may be changed now."""
        shutil.rmtree(self.root, ignore_errors=True)
        shutil.copytree(ROOT / "checks" / "weekly", self.root / "checks" / "weekly")
        (self.root / "pyproject.toml").write_text(
            "[tool.pytest]\nstrict = true\ntestpaths = ['checks']\n"
        )
        lines = [
            HOST.format(name=name, ssh=self.lab.ssh_config, group="app" if number else "canary")
            for number, name in enumerate(self.hosts)
        ]
        now = clock.now()
        self.baseline("hosts", HOSTS.format(hosts="\n".join(lines)))
        self.baseline("patches", PATCHES.format(health=HEALTH))
        self.baseline("rollback", "rollback: {packages: {packages: {}, timeout: 60s}}")
        self.baseline(
            "maintenance",
            MAINTENANCE.format(begin=now - timedelta(hours=2), end=now + timedelta(hours=8)),
        )
        self.baseline("endpoints", ENDPOINTS)
        person = f"{{principal: sara@example.org, key: '{self.signer.fingerprint}'}}"
        self.baseline("approvals", f"approvals: {{{SCENARIO}: {{signers: [{person}]}}}}")

    def baseline(self, section: str, text: str) -> None:
        """Write one file of the environment."""
        folder = self.root / "baselines" / "prod"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{section}.yaml").write_text(dedent(text))

    def offer(self, *names: str, others: Sequence[str] = ("1.0",)) -> None:
        """Let the archives offer these versions as security updates, others besides; tell hosts."""
        self.archive.publish("security", [self.debs[name] for name in names], label="Lab-Security")
        self.archive.publish("stable", [self.debs[name] for name in others])
        for host in self.hosts.values():
            host.run("apt-get -q update", check=True)

    def reset(self) -> None:
        """Put every host back to the old version, and forget what was done."""
        self.archive.publish("stable", [self.debs["1.0"]])
        self.archive.publish("security", [self.debs["1.1"]], label="Lab-Security")
        script = (
            "set -e; rm -rf /var/lib/pytest-ddd /run/drained /root/drained /run/reboot-required /run/half "
            "/var/lib/dpkg/lock-held; apt-mark -q unhold labapp; apt-get -q update && dpkg --force-downgrade --force-bad-verify -i /root/labapp.deb && "
            "systemctl reset-failed; systemctl restart labapp"
        )
        for host in self.hosts.values():
            host.run(script, check=True)
        self.prepare()

    def approve(self, *, key: Key | None = None, **says: object) -> Path:
        """Write an approval, and let somebody sign it."""
        key, now = key or self.signer, clock.now()
        said = {
            "change": CHANGE, "environment": "prod", "scenario": SCENARIO,
            "hosts": f"[{', '.join(self.hosts)}]",
            "valid_from": f"'{now - timedelta(hours=1):%Y-%m-%dT%H:%M:%SZ}'",
            "valid_until": f"'{now + timedelta(hours=8):%Y-%m-%dT%H:%M:%SZ}'",
            "approver": f"{{principal: sara@example.org, key: '{key.fingerprint}'}}",
            **says,
        }  # fmt: skip
        file = self.root / "approval.yaml"
        file.write_text("".join(f"{name}: {value}\n" for name, value in said.items()))
        words = [
            "ssh-keygen",
            "-q",
            "-Y",
            "sign",
            "-n",
            "pytest-ddd-approval",
            "-f",
            str(key.path),
            str(file),
        ]
        file.with_name("approval.yaml.sig").unlink(missing_ok=True)
        subprocess.run(words, check=True, capture_output=True)
        return file

    def command(self, *args: str) -> list[str]:
        """Return the command that patches, with an approval."""
        head = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-m", "weekly"]
        return [*head, "--host=prod", f"--ddd-change={CHANGE}", *args]

    def apply(self, *args: str, approval: Path | None = None) -> Run:
        """Patch, with an approval."""
        file = approval or self.approve()
        return self.run("--ddd-apply", f"--ddd-approval={file}", *args)

    def run(self, *args: str, env: Mapping[str, str] | None = None) -> Run:
        """Run the weekly checks where the hosts can be reached."""
        shutil.rmtree(self.root / "evidence", ignore_errors=True)
        done = self.lab.exec(self.command(*args), cwd=self.root, env=env or {}, timeout=900.0)
        return self.left(done.returncode, done.stdout + done.stderr)

    def begin(self) -> Proc:
        """Start to patch, and return at once."""
        shutil.rmtree(self.root / "evidence", ignore_errors=True)
        words = self.command("--ddd-apply", f"--ddd-approval={self.approve()}")
        return self.lab.popen(words, name="patching", cwd=self.root)

    def ended(self, run: Proc) -> Run:
        """Wait for the end of what was begun."""
        status = run.popen.wait(900.0)
        return self.left(status, run.log.read_text(errors="replace"))

    def let_go(self, name: str) -> None:
        """Wait until the slow package of a host is at its half, and let it go on."""
        half = "test -e /run/half && rm /run/half"
        assert wait_for(lambda: not self.hosts[name].run(half).returncode, 300.0)

    def in_force(self, name: str) -> bool:
        """Whether the updates of a host were carried out and verified."""
        deeds = Journal(self.root).deeds()
        wanted = ("patches", name)
        return any(
            one.is_in_force and (one.subject.kind, one.subject.target) == wanted for one in deeds
        )

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Change the environment as another run does."""
        with Journal(self.root).lock("run-prod"):
            yield

    def left(self, status: int, text: str) -> Run:
        """Return what a run has left."""
        records = sorted(self.root.glob("evidence/*/results.jsonl"))
        results = tuple(one for record in records for one in read_record(record).results)
        return Run(status=status, text=text, results=results)

    def ddd(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run `pytest-ddd` where the hosts can be reached."""
        command = [sys.executable, "-m", "pytest_ddd.cli", *words]
        return self.lab.exec(command, cwd=self.root, timeout=900.0)

    def versions(self) -> dict[str, str]:
        """Return which version each host has."""
        return {name: version(host) for name, host in self.hosts.items()}

    def served(self) -> dict[str, str]:
        """Return which version answers on each host."""
        return {name: served(host) for name, host in self.hosts.items()}

    def touched(self) -> list[str]:
        """Return the hosts that were ever out of service."""
        return [
            name
            for name, host in self.hosts.items()
            if not host.run("test -e /root/drained").returncode
        ]

    def drained(self) -> list[str]:
        """Return the hosts that are out of service."""
        return [
            name
            for name, host in self.hosts.items()
            if not host.run("test -e /run/drained").returncode
        ]


def open_tuesday(lab: Lab, root: Path, names: Sequence[str]) -> Tuesday:
    """Boot hosts with the old version, and offer them the new one."""
    archive = Archive(lab, root / "archive")
    tuesday = Tuesday(
        root=root / "site",
        lab=lab,
        archive=archive,
        hosts=lab.up(names),
        signer=make_key(root / "signer"),
    )
    starts = "#!/bin/sh\nexit 1\n"
    other = "#!/bin/sh\nexec busybox httpd -f -p 8080 -h /etc\n"
    tuesday.debs = {
        "1.0": archive.deb("1.0"),
        "1.1": archive.deb("1.1"),
        "1.2": archive.deb("1.2", start=starts),
        "1.3": archive.deb("1.3", postinst='[ "$1" != configure ] || exit 3'),
        "1.4": archive.deb("1.4", start=other),
        "1.5": archive.deb("1.5", postinst=SLOW),
        "1.6": archive.deb("1.6", postinst="touch /run/reboot-required"),
    }
    archive.publish("stable", [tuesday.debs["1.0"]])
    archive.publish("security", [tuesday.debs["1.1"]], label="Lab-Security")
    for host in tuesday.hosts.values():
        archive.use(host, "stable", "security")
        host.run(
            "apt-get -q -y install labapp=1.0 && cd /root && apt-get -q download labapp=1.0 && mv labapp_1.0_all.deb labapp.deb",
            check=True,
        )
    return tuesday

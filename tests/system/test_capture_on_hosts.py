"""What is captured from real hosts is green at once, and tells each later change exactly."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.lab import faults
from tests.lab.host import LabHost
from tests.lab.lab import Lab
from tests.system.conftest import Prod

pytestmark = pytest.mark.needs("lab")

NAMES = ("front", "app", "vault", "jobs", "plain")
HOSTS = """
    version: 1
    environment: {{timezone: UTC}}
    hosts:
      front: {{connection: "ssh://ops@front", ssh_config: {ssh}, sudo: true}}
      app: {{connection: "ssh://ops@app", ssh_config: {ssh}, sudo: true}}
      vault: {{connection: "ssh://ops@vault", ssh_config: {ssh}, sudo: true}}
      jobs: {{connection: "ssh://ops@jobs", ssh_config: {ssh}, sudo: true}}
      plain: {{connection: "ssh://ops@plain", ssh_config: {ssh}}}   # no sudo here
"""
SHOP = """[Unit]
Description=A shop that tells how it is
[Service]
ExecStart=/usr/bin/python3 -m http.server 8080 -d /srv/shop
StandardError=append:/var/log/shop.log
[Install]
WantedBy=multi-user.target
"""
TINY = """
dir=$(mktemp -d); mkdir $dir/DEBIAN; chmod 755 $dir
printf 'Package: tiny\\nVersion: {version}\\nArchitecture: all\\nMaintainer: n <n@example.org>\\n' \
  >$dir/DEBIAN/control
echo 'Description: tiny' >>$dir/DEBIAN/control
dpkg-deb -b $dir /root/tiny.deb && dpkg -i --force-downgrade /root/tiny.deb
"""
REPOSITORIES = """
mkdir -p /etc/restic && echo secret >/etc/restic/password && chmod 600 /etc/restic/password
echo 'RESTIC_PASSWORD_FILE=/etc/restic/password' >/etc/default/nightly-backup
export RESTIC_PASSWORD_FILE=/etc/restic/password
restic init -q -r /srv/nightly && restic backup -q -r /srv/nightly /etc
borg init -e none /srv/weekly && borg create /srv/weekly::first /etc
RESTIC_PASSWORD_FILE=/etc/hostname restic init -q -r /srv/locked
"""
MOUNT = "mount -t tmpfs -o nosuid,size=10m data /srv/data"
NEARLY_FULL = """
mkdir /srv/full && mount -t tmpfs -o size=10m full /srv/full && head -c 8800K /dev/zero >/srv/full/x
"""
LISTEN = "systemd-run -q --unit=extra python3 -m http.server 9999"
MOMENTARY = ("cpu", "load", "memory", "swap", "open_files")
"""Resources of this machine, which is as busy as it happens to be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """Something that is done by hand, undone by hand, and the entries that must tell of it."""

    do: str
    undo: str
    tells: Mapping[str, str]


def red(do: str, undo: str, *entries: str) -> Change:
    return Change(do=do, undo=undo, tells=dict.fromkeys(entries, "RED"))


NGINX_GONE = ("service:nginx", "listener:tcp:80", "listener:tcp:443", "http-80")

ROUNDS: list[dict[str, list[Change]]] = [
    {
        "front": [
            red("systemctl -q disable nginx", "systemctl -q enable nginx", "service:nginx"),
            red("mount -o remount,suid /srv/data", "mount -o remount,nosuid /srv/data",
                "mount:/srv/data"),
        ],
        "app": [
            red("sed -i s/healthy/sick/ /srv/shop/health", "sed -i s/sick/healthy/ /srv/shop/health",
                "http-8080"),
            red("echo '# me' >>/etc/sudoers.d/ops", "sed -i '/# me/d' /etc/sudoers.d/ops",
                "file:/etc/sudoers.d/ops"),
        ],
        "vault": [
            red("mv /srv/nightly/snapshots /srv/nightly/away && mkdir /srv/nightly/snapshots",
                "rmdir /srv/nightly/snapshots && mv /srv/nightly/away /srv/nightly/snapshots",
                "nightly"),
            red("gpasswd -a noisy sudo", "gpasswd -d noisy sudo", "user:noisy", "group:sudo"),
        ],
        "jobs": [
            red("sed -i 's/^0 2/0 3/' /etc/cron.d/report",
                "sed -i 's/^0 3/0 2/' /etc/cron.d/report",
                "cron:report", "file:/etc/cron.d/report"),
            red("dpkg -P tiny", TINY.format(version="1.3"), "package:tiny"),
        ],
        "plain": [
            red("systemctl stop cron", "systemctl start cron", "service:cron"),
            red(LISTEN, "systemctl stop extra", "unlisted:listeners"),
        ],
    },
    {
        "front": [
            red("systemctl stop nginx", "systemctl start nginx", *NGINX_GONE),
            red("umount /srv/data", MOUNT, "mount:/srv/data"),
        ],
        "app": [
            red("echo 'FATAL: gone' >>/var/log/shop.log", "sed -i '/gone/d' /var/log/shop.log",
                "shop"),
        ],
        "vault": [
            red("borg delete /srv/weekly::first", "borg create /srv/weekly::first /etc/default",
                "weekly"),
            red("chmod 644 /etc/gshadow", "chmod 640 /etc/gshadow", "file:/etc/gshadow"),
        ],
        "jobs": [
            red("echo '6 6 * * * /usr/bin/other' | crontab -u ops -",
                "echo '5 4 * * * /usr/bin/tidy' | crontab -u ops -", "cron:tidy"),
            red("chown ops /etc/crontab", "chown root /etc/crontab", "file:/etc/crontab"),
        ],
        "plain": [
            red("usermod -s /bin/sh noisy", "usermod -s /bin/bash noisy", "user:noisy"),
            red("mv /etc/hosts.allow /etc/away", "mv /etc/away /etc/hosts.allow",
                "file:/etc/hosts.allow"),
        ],
    },
    {
        "front": [red("head -c 9500K /dev/zero >/srv/data/full", "rm /srv/data/full", "disk")],
        "app": [
            red("systemctl disable --now -q shop", "systemctl enable --now -q shop",
                "service:shop", "listener:tcp:8080", "http-8080"),
            Change(do="echo 'error: no stock' >>/var/log/shop.log",
                   undo="sed -i '/no stock/d' /var/log/shop.log", tells={"shop": "YELLOW"}),
        ],
        "vault": [
            red("cp /bin/true /usr/local/bin/root-me && chmod u+s /usr/local/bin/root-me",
                "rm /usr/local/bin/root-me", "unlisted:setuid"),
        ],
        "jobs": [red(TINY.format(version="2.0"), TINY.format(version="1.3"), "package:tiny")],
        "plain": [red("useradd -M intruder", "userdel intruder", "unlisted:users")],
    },
]  # fmt: skip
"""24 changes; those of one round are made together, and each has to be told on its own."""


@pytest.fixture(scope="module")
def hosts(lab: Lab) -> Iterator[dict[str, LabHost]]:
    """Five hosts that differ."""
    found = lab.up(NAMES)
    found["front"].run(f"mkdir /srv/data && {MOUNT}", check=True)
    found["app"].write("/srv/shop/health", '{"status": "healthy"}\n')
    found["app"].write("/etc/systemd/system/shop.service", SHOP)
    found["app"].run("systemctl enable --now -q shop", check=True)
    found["vault"].run(REPOSITORIES, check=True)
    found["jobs"].write("/etc/cron.d/report", "0 2 * * * root /usr/bin/report --all\n")
    found["jobs"].run(NEARLY_FULL, check=True)
    found["jobs"].run("echo '5 4 * * * /usr/bin/tidy' | crontab -u ops -", check=True)
    found["jobs"].run(TINY.format(version="1.3"), check=True)
    found["plain"].run("chmod 750 /etc/sudoers.d", check=True)
    yield found
    for host in found.values():
        lab.remove(host)


@dataclass(frozen=True, slots=True, kw_only=True)
class Captured:
    """A site after its first capture."""

    prod: Prod
    said: str

    def capture(self, *args: str) -> subprocess.CompletedProcess[str]:
        return _capture(self.prod, *args)

    def text(self, section: str) -> str:
        return self._file(section).read_text()

    def replace(self, section: str, old: str, new: str) -> None:
        text = self.text(section)
        assert old in text
        self._file(section).write_text(text.replace(old, new))

    def _file(self, section: str) -> Path:
        return self.prod.root / "baselines" / "prod" / f"{section}.yaml"


def _capture(prod: Prod, *args: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pytest_ddd.cli", "capture", *args]
    return prod.lab.exec(command, cwd=prod.root, env={}, timeout=180)


@pytest.fixture(scope="module")
def captured(
    lab: Lab, hosts: dict[str, LabHost], tmp_path_factory: pytest.TempPathFactory
) -> Captured:
    """Everything that can be found on the five hosts."""
    assert set(hosts) == set(NAMES)
    prod = Prod(tmp_path_factory.mktemp("captured"), lab)
    prod.baseline("hosts", HOSTS.format(ssh=lab.ssh_config))
    done = _capture(prod, "--discover", "--host=prod", "--write")
    assert done.returncode == 0, done.stderr
    return Captured(prod=prod, said=done.stderr)


def bad(prod: Prod) -> dict[tuple[str, str], str]:
    """Return what a run does not find green, without what this machine is busy with."""
    found = prod.run("--host=prod").bad()
    return {key: outcome for key, outcome in found.items() if key[1] not in MOMENTARY}


def test_all_is_green_right_after_capture(captured: Captured) -> None:
    run = captured.prod.run("--host=prod")

    assert not {key for key in run.bad() if key[1] not in MOMENTARY}
    assert {one.target for one in run.results if one.outcome.value == "GREEN"} >= set(NAMES)


@pytest.mark.parametrize(
    ("section", "line"),
    [
        ("configuration", 'tiny: {version: "1.3", applies_to: [jobs]}'),
        ("configuration", "nginx: {running: true, enabled: true}"),
        ("configuration", "shop: {running: true, enabled: true, applies_to: [app]}"),
        ("configuration", 'tidy: {user: ops, schedule: "5 4 * * *", command: /usr/bin/tidy'),
        ("configuration", '"tcp:8080": {applies_to: [app]}'),
        ("configuration", "/srv/data: {filesystem: tmpfs, options: [rw, nosuid]"),
        ("configuration", "net.ipv4.ip_forward: {value: 0}"),
        ("configuration", "ops: {uid: 1000, gid: 1000, shell: /bin/bash"),
        ("endpoints", 'url: "http://{address}:8080/health"'),
        ("endpoints", "json: {status: healthy}"),
        ("thresholds", "disk: {warn: 80%, crit: 90%"),
        ("thresholds", '"disk:/srv/full":'),
        ("thresholds", 'description: "It was at 86 % when this was captured"'),
        ("hosts", 'plain: {connection: "ssh://ops@plain", ssh_config: '),
        ("hosts", "   # no sudo here"),
        ("hosts", "/srv/full]"),
        ("logs", "path: /var/log/shop.log"),
        ("logs", "path: /var/log/nginx/error.log"),
        ("backups", "environment: {RESTIC_PASSWORD_FILE: /etc/restic/password}"),
        ("backups", "weekly: {kind: borg, repository: /srv/weekly, applies_to: [vault]}"),
    ],
)
def test_what_is_there_is_written(captured: Captured, section: str, line: str) -> None:
    assert line in captured.text(section)


def test_what_cannot_be_opened_is_left_out_and_said(captured: Captured) -> None:
    assert "vault: backups:locked left out: restic repository /srv/locked: " in captured.said
    assert "hint: say in backups.yaml how it is opened: locked: {kind: restic" in captured.said
    assert "locked" not in captured.text("backups")


def test_without_sudo_what_only_root_sees_is_said(captured: Captured) -> None:
    assert "plain: logs left out: only root sees" in captured.said
    assert "plain: files left out: /etc/sudoers.d cannot be read" in captured.said
    assert "plain: cron left out: the crontabs of users cannot be read" in captured.said
    assert "hint: let this host's connection use sudo" in captured.said


def test_untrusted_certificate_is_told_with_the_way_to_trust_it(captured: Captured) -> None:
    assert "endpoints:https-443 left out: certificate is signed by" in captured.said
    assert "ca: /path/of/authorities.pem" in captured.said


def test_existing_file_is_changed_only_on_demand_and_keeps_its_comments(
    captured: Captured, hosts: dict[str, LabHost]
) -> None:
    """The setting is another now: the diff says so, and --write makes it the baseline."""
    old, new = "net.ipv4.tcp_syncookies: {value: 1}", "net.ipv4.tcp_syncookies: {value: 0}"
    captured.replace("configuration", old, f"{old}   # asked for by Ann")
    before = captured.text("configuration")
    everywhere = [("ip", "netns", "exec", host.netns) for host in hosts.values()]
    for prefix in everywhere:
        subprocess.run([*prefix, "sysctl", "-qw", "net.ipv4.tcp_syncookies=0"], check=True)
    words = ("sysctl:net.ipv4.tcp_syncookies", "--host=prod")

    shown = captured.capture(*words)
    after_looking = captured.text("configuration")
    written = captured.capture(*words, "--write")
    after = captured.text("configuration")
    found = bad(captured.prod)
    for prefix in everywhere:
        subprocess.run([*prefix, "sysctl", "-qw", "net.ipv4.tcp_syncookies=1"], check=True)
    captured.replace("configuration", new, old)

    assert "not written: baselines/prod/configuration.yaml" in shown.stderr
    assert f"-    {old}   # asked for by Ann\n+    {new}   # asked for by Ann\n" in shown.stdout
    assert after_looking == before
    assert written.returncode == 0, written.stderr
    assert after == before.replace(old, new)
    assert found == {}


def test_only_a_service_that_is_well_becomes_an_entry(
    captured: Captured, hosts: dict[str, LabHost]
) -> None:
    """What is stopped on purpose is a state to keep; what failed is a thing to mend."""
    for name, program in (("broken", "false"), ("calm", "true")):
        unit = f"[Service]\nExecStart=/bin/{program}\n[Install]\nWantedBy=multi-user.target\n"
        hosts["jobs"].write(f"/etc/systemd/system/{name}.service", unit)
    hosts["jobs"].run("systemctl daemon-reload; systemctl start broken; true", check=True)
    names = ("services:broken", "services:calm", "services:nowhere", "packages:nowhere")

    done = captured.capture(*names, "--host=jobs")

    hosts["jobs"].run("rm /etc/systemd/system/broken.service; systemctl daemon-reload", check=True)
    added = [line.strip("+ ") for line in done.stdout.splitlines() if line.startswith("+ ")]
    assert added == ["calm: {running: false, enabled: false, applies_to: [jobs]}"]
    assert "jobs: services:broken left out: is failed" in done.stderr
    assert "jobs: services:nowhere left out: " in done.stderr
    assert "jobs: packages:nowhere left out: is not installed" in done.stderr


def test_second_capture_has_nothing_to_change(captured: Captured) -> None:
    done = captured.capture("--discover", "configuration", "logs", "backups", "--host=prod")

    assert done.stdout == ""
    assert "Nothing to change" in done.stderr


@pytest.mark.parametrize("number", range(len(ROUNDS)), ids=lambda number: f"round-{number + 1}")
def test_changes_by_hand_turn_exactly_their_entries(
    captured: Captured, hosts: dict[str, LabHost], number: int
) -> None:
    expected = {
        (name, entry): outcome
        for name, changes in ROUNDS[number].items()
        for change in changes
        for entry, outcome in change.tells.items()
    }
    with ExitStack() as stack:
        for name, changes in ROUNDS[number].items():
            for change in changes:
                stack.enter_context(faults.changed(hosts[name], change.do, change.undo))
        found = bad(captured.prod)

    assert found == expected


def test_all_is_green_again_when_everything_is_undone(captured: Captured) -> None:
    assert bad(captured.prod) == {}

"""Real hosts changed by hand: each change is told exactly, and gone when it is healed."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest

from pytest_ddd.connections import Connections
from pytest_ddd.errors import CannotLookError
from tests.lab.host import LabHost
from tests.lab.lab import Lab
from tests.support.reaching import reaching as reach
from tests.unit.probes.drift.sandbox import BASELINE, NAME, beside, declared

pytestmark = pytest.mark.needs("lab")

TINY = """
dir=$(mktemp -d); mkdir $dir/DEBIAN; chmod 755 $dir
printf 'Package: tiny\\nVersion: {version}\\nArchitecture: all\\nMaintainer: n <n@example.org>\\n' \
  >$dir/DEBIAN/control
echo 'Description: tiny' >>$dir/DEBIAN/control
dpkg-deb -b $dir /root/tiny.deb && dpkg -i --force-downgrade /root/tiny.deb
"""
RESTARTING = "[Service]\\nExecStart=/bin/false\\nRestart=always\\nRestartSec=60\\n"
DEAD_SCRIPT = (
    "#!/bin/sh\\n### BEGIN INIT INFO\\n# Provides: old\\n# Default-Start: 2 3 4 5\\n"
    "# Default-Stop: 0 1 6\\n### END INIT INFO\\nexit 0\\n"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One host, and the connections that look at it."""

    host: LabHost
    connections: Connections

    def problems(self, key: str, /, **values: object) -> list[str]:
        look = beside((), self.connections, key, **values)
        return [str(problem) for problem in look.read().problems]

    def extra(self, key: str, /, *listed: str, **values: object) -> str:
        names = [declared(name) for name in listed]
        extra = beside(names, self.connections, key, **values).read().extra
        assert extra is not None
        return extra.detail


@pytest.fixture(scope="module")
def host(lab: Lab) -> Iterator[LabHost]:
    """A host of this file's own."""
    host = lab.fresh("drift")
    host.run(TINY.format(version="1.3"), check=True)
    host.write("/etc/cron.d/backup", "0 2 * * * root /usr/bin/backup --all\n")
    host.run("echo '5 4 * * * /usr/bin/report' | crontab -u ops -", check=True)
    host.write("/etc/app.conf", "alpha = 1\n", mode=0o640)
    yield host
    lab.remove(host)


@contextmanager
def reaching(lab: Lab, host: LabHost, *, sudo: bool) -> Iterator[Target]:
    with reach(lab, host, name=NAME, sudo=sudo) as connections:
        yield Target(host=host, connections=connections)


@pytest.fixture(scope="module")
def target(lab: Lab, host: LabHost) -> Iterator[Target]:
    """The host as root sees it."""
    with reaching(lab, host, sudo=True) as target:
        yield target


CRON: dict[str, object] = {
    "user": "system",
    "schedule": "0 2 * * *",
    "command": "/usr/bin/backup --all",
}
OPS_CRON: dict[str, object] = {"user": "ops", "schedule": "5 4 * * *", "command": "/usr/bin/report"}
WEB: dict[str, object] = {"responds": "tcp:443"}

CASES: dict[str, tuple[str, dict[str, object], str, str, list[str]]] = {
    "stopped": (
        "service:nginx", WEB, "systemctl stop nginx", "systemctl start nginx",
        ["is inactive (dead), expected running", "does not answer on tcp port 443"],
    ),
    "disabled": (
        "service:nginx", {}, "systemctl disable nginx", "systemctl enable nginx",
        ["is disabled, expected enabled"],
    ),
    "link-removed-by-hand": (
        "service:nginx", {}, "rm /etc/systemd/system/multi-user.target.wants/nginx.service",
        "systemctl enable nginx", ["is disabled, expected enabled"],
    ),
    "masked": (
        "service:nginx", {}, "systemctl mask nginx", "systemctl unmask nginx",
        ["is masked, expected enabled"],
    ),
    "failed": (
        "service:nginx", {}, "echo broken >/etc/nginx/conf.d/x.conf; systemctl restart nginx; true",
        "rm /etc/nginx/conf.d/x.conf; systemctl reset-failed nginx; systemctl start nginx",
        ["is failed (exit-code), expected running"],
    ),
    "hung": (
        "service:nginx", WEB, "systemctl kill -s SIGSTOP nginx", "systemctl kill -s SIGCONT nginx",
        ["is stopped (state T)", "tcp port 443 is open, but nobody takes the connection"],
    ),
    "workers-hung": (
        "service:nginx", WEB, "pkill -STOP -u www-data nginx", "pkill -CONT -u www-data nginx",
        ["tcp port 443 is open, but nobody takes the connection"],
    ),
    "old-code": (
        "service:nginx", {}, "cp -a /usr/sbin/nginx /root/n; mv /root/n /usr/sbin/nginx",
        "systemctl restart nginx", ["runs old code: /usr/sbin/nginx was replaced"],
    ),
    "started": (
        "service:extra", {"running": False, "enabled": None},
        "systemd-run --unit=extra sleep 600", "systemctl stop extra",
        ["is active (running), expected not running"],
    ),
    "downgraded": (
        "package:tiny", {"version": "1.3"}, TINY.format(version="1.2"), TINY.format(version="1.3"),
        ["version is 1.2, expected 1.3"],
    ),
    "removed": (
        "package:tiny", {}, "dpkg -P tiny", TINY.format(version="1.3"),
        ["is not installed, expected installed"],
    ),
    "listener-gone": (
        "listener:tcp:443", {}, "systemctl stop nginx", "systemctl start nginx",
        ["nothing listens, expected listening on every address"],
    ),
    "mode": (
        "file:/etc/app.conf", {"mode": "0640"}, "chmod 666 /etc/app.conf", "chmod 640 /etc/app.conf",
        [f"mode is 0666, expected 0640 ({BASELINE}:2)"],
    ),
    "content": (
        "file:/etc/app.conf", {"content": "alpha = 1\n"}, "echo 'beta = 2' >>/etc/app.conf",
        "echo 'alpha = 1' >/etc/app.conf", ["@@ -1 +1,2 @@\n alpha = 1\n+beta = 2\n"],
    ),
    "system-cron": (
        "cron:backup", CRON, "sed -i 's/^0 2/0 5/' /etc/cron.d/backup",
        "sed -i 's/^0 5/0 2/' /etc/cron.d/backup",
        ["runs at 0 5 * * * in /etc/cron.d/backup, expected 0 2 * * *"],
    ),
    "user-cron": (
        "cron:report", OPS_CRON, "crontab -r -u ops",
        "echo '5 4 * * * /usr/bin/report' | crontab -u ops -", ["no line runs `/usr/bin/report`"],
    ),
    "user": (
        "user:ops", {"shell": "/bin/bash", "groups": []}, "usermod -s /bin/sh -G adm ops",
        "usermod -s /bin/bash -G '' ops",
        ["shell is /bin/sh, expected /bin/bash", "groups differ: adm is too many"],
    ),
}  # fmt: skip
"""Key, what the baseline says, the change, its undoing, and what has to be said."""


@pytest.mark.parametrize("case", CASES)
def test_change_is_told_and_gone_when_healed(target: Target, case: str) -> None:
    key, values, change, heal, expected = CASES[case]
    assert target.problems(key, **values) == []
    target.host.run(change, check=True)
    try:
        found = target.problems(key, **values)
    finally:
        target.host.run(heal, check=True)
    assert len(found) == len(expected), found
    assert [part for part, text in zip(expected, found, strict=True) if part not in text] == []
    assert target.problems(key, **values) == []


EXTRA: dict[str, tuple[tuple[str, ...], str, str, str]] = {
    "listeners": (
        ("listener:tcp:22", "listener:tcp:80", "listener:tcp:443"),
        "echo 'server { listen 8099; }' >/etc/nginx/conf.d/x.conf; systemctl restart nginx",
        "rm /etc/nginx/conf.d/x.conf; systemctl restart nginx", "tcp:0.0.0.0:8099 (nginx, pid ",
    ),
    "users": (
        tuple(f"user:{name}" for name in
              ("ops", "sudopw", "noisy", "dashuser", "ashuser", "cshuser", "fishuser")),
        "useradd -M -u 4711 -s /bin/bash eve", "userdel eve", "eve (uid 4711, /bin/bash)",
    ),
    "setuid": ((), "cp /bin/sh /usr/local/bin/s; chmod 4755 /usr/local/bin/s",
               "rm /usr/local/bin/s", "/usr/local/bin/s"),
    "packages": (("package:apt",), TINY.format(version="1.3").replace("tiny", "teeny"),
                 "dpkg -P teeny", "teeny"),
    "services": ((), "systemd-run --unit=extra sleep 600", "systemctl stop extra", "extra.service"),
}  # fmt: skip
"""What is listed, the change, its undoing, and what is named."""


@pytest.mark.parametrize("kind", EXTRA)
def test_unlisted_thing_is_named_and_gone_when_healed(target: Target, kind: str) -> None:
    listed, change, heal, named = EXTRA[kind]
    before = target.extra(f"unlisted:{kind}", *listed, **{kind: "red"})
    assert named not in before
    target.host.run(change, check=True)
    try:
        found = target.extra(f"unlisted:{kind}", *listed, **{kind: "red"})
    finally:
        target.host.run(heal, check=True)
    assert named in found
    assert target.extra(f"unlisted:{kind}", *listed, **{kind: "red"}) == before


def test_nothing_is_unlisted_on_a_described_host(target: Target) -> None:
    listed = EXTRA["listeners"][0]
    assert target.extra("unlisted:listeners", *listed, listeners="red") == ""


def test_kernel_setting_changed_from_outside(target: Target) -> None:
    write = ["ip", "netns", "exec", target.host.netns, "sysctl", "-qw"]
    assert target.problems("sysctl:net.ipv4.ip_forward", value=0) == []
    subprocess.run([*write, "net.ipv4.ip_forward=1"], check=True)
    found = target.problems("sysctl:net.ipv4.ip_forward", value=0)
    subprocess.run([*write, "net.ipv4.ip_forward=0"], check=True)
    assert found == [f"value is 1, expected 0 ({BASELINE}:2)"]


@pytest.mark.parametrize("unit", ["sshd", "systemd-journald", "cron.service"])
def test_alias_static_unit_and_full_name_are_healthy(target: Target, unit: str) -> None:
    assert target.problems(f"service:{unit}") == []


def test_unknown_unit_is_named(target: Target) -> None:
    [found] = target.problems("service:nowhere")
    assert found.startswith("is unknown to systemd, expected running")


def test_unit_that_restarts_for_ever_is_named(target: Target) -> None:
    script = f"printf '{RESTARTING}' >/run/systemd/system/loop.service; systemctl start loop"
    restarts = "[ $(systemctl show -p SubState --value loop) = auto-restart ]"
    target.host.run(f"{script}; until {restarts}; do sleep 0.1; done", check=True)
    [found] = target.problems("service:loop", enabled=None)
    target.host.run("systemctl stop loop; rm /run/systemd/system/loop.service", check=True)
    assert found.startswith("is activating (auto-restart), expected running")


def test_init_script_whose_daemon_died_is_not_running(target: Target) -> None:
    target.host.run(
        f"printf '{DEAD_SCRIPT}' >/etc/init.d/old; chmod 755 /etc/init.d/old;"
        "systemctl daemon-reload; systemctl start old",
        check=True,
    )
    found = target.problems("service:old", enabled=None)
    target.host.run("systemctl stop old; rm /etc/init.d/old; systemctl daemon-reload", check=True)
    assert found == [f"is active (exited), expected running ({BASELINE}:1)"]


def test_systemd_that_does_not_answer_is_unknown(target: Target) -> None:
    sockets = "/run/systemd/private /run/dbus/system_bus_socket"
    target.host.run(f"for s in {sockets}; do mv $s $s.off; done", check=True)
    try:
        with pytest.raises(CannotLookError, match="bus"):
            target.problems("service:nginx")
    finally:
        target.host.run(f"for s in {sockets}; do mv $s.off $s; done", check=True)


@pytest.mark.parametrize(
    ("key", "values"),
    [
        ("file:/etc/shadow", {"lacks": ["^eve:"]}),
        ("file:/root/nothing", {"state": "absent"}),
        ("cron:x", {"user": "root", "schedule": "@daily", "command": "x"}),
        ("unlisted:setuid", {"setuid": "red", "setuid_paths": ["/root", "/etc"]}),
    ],
)
def test_what_an_unprivileged_login_may_not_see_is_unknown(
    lab: Lab, host: LabHost, key: str, values: dict[str, object]
) -> None:
    with (
        reaching(lab, host, sudo=False) as target,
        pytest.raises(CannotLookError, match=r"denied|privileged") as failure,
    ):
        target.problems(key, **values)
    assert "sudo: true" in failure.value.hint

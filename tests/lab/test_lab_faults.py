"""Each fault can be seen while it lasts, and is gone afterwards."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest

from tests.lab import faults
from tests.lab.host import LabHost
from tests.lab.lab import Lab
from tests.lab.net import answers
from tests.lab.proc import wait_for
from tests.lab.reap import Ledger
from tests.lab.slow import Wire

Hosts = dict[str, LabHost]
Fault = Callable[[LabHost], AbstractContextManager[None]]

CASES: list[tuple[str, Fault, str, str, str]] = [
    ("stop", lambda h: faults.stop_service(h, "nginx"), "systemctl is-active nginx", "inactive", "active"),
    ("fail", lambda h: faults.fail_service(h, "nginx"), "systemctl is-active nginx", "failed", "active"),
    ("disable", lambda h: faults.disable_service(h, "cron"), "systemctl is-enabled cron", "disabled", "enabled"),
    ("freeze", lambda h: faults.freeze_service(h, "nginx"), "curl -s -m 5 localhost/health || echo hangs", "hangs", "{"),
    ("full", faults.full_filesystem, "df --output=pcent /srv/full | tail -n 1", "100%", ""),
    ("90 %", lambda h: faults.full_filesystem(h, percent=90), "df --output=pcent /srv/full | tail -n 1", "90%", ""),
    ("inodes", faults.inode_full, "df --output=ipcent /srv/inodes | tail -n 1", "100%", ""),
    ("ro", faults.read_only_remount, "touch /tmp/x || echo ro; rm -f /tmp/x", "ro", ""),
    ("mode", lambda h: faults.file_changed(h, "/etc/crontab", mode="666"), "stat -c %a /etc/crontab", "666", "644"),
    ("text", lambda h: faults.file_changed(h, "/etc/issue", "hi\n"), "cat /etc/issue", "hi", "Debian"),
    ("setuid", lambda h: faults.file_added(h, "/usr/bin/evil", mode=0o4755), "stat -c %a /usr/bin/evil", "4755", ""),
    ("missing", lambda h: faults.file_missing(h, "/etc/issue"), "ls /etc/issue", "", "/etc/issue"),
    ("user", faults.user_added, "id -u intruder", "10", ""),
    ("listener", faults.listener_added, "ss -ltnH | grep -o :4444", ":4444", ""),
    ("sysctl", lambda h: faults.sysctl_changed(h, "net.ipv4.ip_forward", "1"), "sysctl -n net.ipv4.ip_forward", "1", "0"),
]  # fmt: skip


@pytest.mark.needs("lab")
@pytest.mark.parametrize(
    ("fault", "command", "broken", "healthy"),
    [pytest.param(*case[1:], id=case[0]) for case in CASES],
)
def test_fault_shows_and_heals(
    lab_hosts: Hosts, fault: Fault, command: str, broken: str, healthy: str
) -> None:
    host = lab_hosts["web2"]
    with fault(host):
        during = host.run(command).stdout.strip()
    after = host.run(command).stdout.strip()
    assert during.startswith(broken)
    assert after.startswith(healthy)
    assert during != after


@pytest.mark.needs("lab")
def test_frozen_service_still_counts_as_active(lab_hosts: Hosts) -> None:
    with faults.freeze_service(lab_hosts["web2"], "nginx"):
        assert lab_hosts["web2"].run("systemctl is-active nginx").stdout == "active\n"


@pytest.mark.needs("lab")
@pytest.mark.parametrize(
    ("fault", "message"),
    [
        (faults.link_down, "timed out"),
        (faults.ssh_down, "refused"),
        (faults.ssh_hangs, "timed out"),
    ],
)
def test_unreachable_host(lab: Lab, lab_hosts: Hosts, fault: Fault, message: str) -> None:
    ssh = ["ssh", "-F", str(lab.ssh_config), "-o", "ConnectTimeout=1", "db1", "true"]
    with fault(lab_hosts["db1"]):
        assert message in lab.exec(ssh).stderr
    assert lab.ssh("db1", "true").returncode == 0


@pytest.mark.needs("lab", "wire")
def test_wire_adds_latency(lab: Lab, lab_hosts: Hosts) -> None:
    host = lab_hosts["web1"]

    def connect_s() -> float:
        start = time.monotonic()
        assert wait_for(lambda: answers(host.address, 22, lab.net.ctl))
        return time.monotonic() - start

    with Wire(lab.net, host.port, delay_s=0.1):
        assert connect_s() >= 0.2
    assert wait_for(lambda: connect_s() < 0.1)


@pytest.mark.needs("lab", "fuse")
def test_hung_mount_holds_df_up(lab_hosts: Hosts) -> None:
    host = lab_hosts["web2"]
    with faults.hung_mount(host):
        assert host.run("timeout -s KILL 2 df /srv/hung").returncode == 137
        assert "/srv/hung" in host.run("cat /proc/mounts").stdout
    assert host.run("df /srv/hung").returncode == 0


@pytest.mark.needs("lab")
def test_memory_limit_kills_what_goes_beyond(fresh_host: Callable[[], LabHost]) -> None:
    host = fresh_host()
    host.limit_memory(150_000_000)
    unit = "systemd-run -q --wait -p Restart=no sh -c"
    assert (
        host.run(
            f"{unit} 'head -c 400000000 /dev/zero | tail -c 300000000 >/dev/null; exit $?'"
        ).returncode
        != 0
    )
    assert host.run("systemctl is-active ssh").stdout == "active\n"


def test_memory_hog_uses_memory_and_goes(ledger: Ledger) -> None:
    with faults.memory_hog(ledger, 50_000_000) as proc:
        assert proc.running
    assert not proc.running

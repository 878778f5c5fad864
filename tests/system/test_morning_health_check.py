"""The Morning Health Check on three real hosts: green when healthy, each fault found, green again."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack

import pytest

from tests.lab import faults
from tests.lab.host import LabHost
from tests.lab.lab import Lab
from tests.system.conftest import Prod

pytestmark = pytest.mark.needs("lab", "restic")

Hosts = dict[str, LabHost]


def test_healthy_hosts_are_green(prod: Prod) -> None:
    """All five steps are green on healthy hosts, and the exit status is 0."""
    run = prod.run("--host=prod")

    assert run.bad() == {}, run.text
    assert run.status == 0
    assert {one.step for one in run.results} == {0, 1, 2, 3, 4, 5}
    assert {one.target for one in run.results} >= {"web1", "web2", "db1", "endpoint:shop", "prod"}


def test_three_faults_are_found_and_healed(prod: Prod, lab_hosts: Hosts) -> None:
    """Three faults: right colour, host and line of the baseline; green after healing."""
    with ExitStack() as broken:
        broken.enter_context(faults.full_filesystem(lab_hosts["web2"], "/srv/full", percent=95))
        broken.enter_context(faults.listener_added(lab_hosts["db1"], 4444))
        broken.enter_context(faults.stop_service(lab_hosts["web1"], "nginx"))
        run = prod.run("--host=prod")

    assert run.status == 1
    disk = run.of("web2", "disk")
    assert disk.outcome.value == "RED"
    assert re.search(
        r"disk /srv/full 9\d.* >= crit 90 % \(baselines/prod/thresholds.yaml:5\)", disk.reason
    )
    assert run.of("db1", "unlisted:listeners").outcome.value == "RED"
    assert "4444" in run.text
    assert run.of("web1", "service:nginx").outcome.value == "RED"
    assert run.of("endpoint:shop", "shop").outcome.value == "RED"
    assert "Traceback" not in run.text

    assert prod.run("--host=prod").bad() == {}


Fault = Callable[[Hosts], AbstractContextManager[None]]

FAULTS: dict[str, tuple[Fault, str, str, str, str]] = {
    # name: (fault, target, entry, outcome, words of the reason)
    "inodes": (
        lambda hosts: faults.inode_full(hosts["web1"]),
        "web1", "inodes", "RED", "inodes /srv/inodes",
    ),
    "disabled": (
        lambda hosts: faults.disable_service(hosts["web1"], "cron"),
        "web1", "service:cron", "RED", "enabled",
    ),
    "hung service": (
        lambda hosts: faults.freeze_service(hosts["web2"], "nginx"),
        "web2", "service:nginx", "RED", "80",
    ),
    "hung endpoint": (
        lambda hosts: faults.freeze_service(hosts["web2"], "nginx"),
        "web2", "web-health", "RED", "10 s",
    ),
    "file mode": (
        lambda hosts: faults.changed(
            hosts["db1"], "chmod 666 /etc/ssh/sshd_config", "chmod 644 /etc/ssh/sshd_config"
        ),
        "db1", "file:/etc/ssh/sshd_config", "RED", "0666",
    ),
    "file missing": (
        lambda hosts: faults.file_missing(hosts["db1"], "/etc/ssh/sshd_config"),
        "db1", "file:/etc/ssh/sshd_config", "RED", "baselines/prod/configuration.yaml",
    ),
    "second root": (
        lambda hosts: faults.changed(
            hosts["db1"], "useradd -o -u 0 -M toor", "sed -i /^toor:/d /etc/passwd /etc/shadow"
        ),
        "db1", "unlisted:users", "RED", "toor",
    ),
    "sysctl": (
        lambda hosts: faults.sysctl_changed(hosts["web1"], "net.ipv4.ip_forward", "1"),
        "web1", "sysctl:net.ipv4.ip_forward", "RED", "1",
    ),
    "critical line in the journal": (
        lambda hosts: faults.changed(
            hosts["db1"],
            "logger -p daemon.crit LAB-CRITICAL the pump stands still; journalctl --sync",
            "journalctl -q --rotate --vacuum-time=1ms; sleep 0.3",
        ),
        "db1", "journal", "RED", "critical",
    ),
    "error line of nginx": (
        lambda hosts: faults.changed(
            hosts["web1"],
            "echo \"$(date '+%Y/%m/%d %H:%M:%S') [error] 1#1: boom\" >>/var/log/nginx/error.log",
            "sed -i '/boom/d' /var/log/nginx/error.log",
        ),
        "web1", "nginx", "YELLOW", "nginx",
    ),
    "missing log": (
        lambda hosts: faults.file_missing(hosts["web1"], "/var/log/nginx/error.log"),
        "web1", "nginx", "UNKNOWN", "/var/log/nginx/error.log",
    ),
    "dead host": (
        lambda hosts: faults.ssh_down(hosts["db1"]),
        "db1", "", "RED", "refused",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", FAULTS)
def test_fault(prod: Prod, lab_hosts: Hosts, name: str) -> None:
    """Each fault in a real component has its colour, its host and its words."""
    fault, target, entry, outcome, words = FAULTS[name]

    with fault(lab_hosts):
        run = prod.run("--host=prod")

    found = run.of(target, entry)
    assert (found.outcome.value, words in found.reason) == (outcome, True), found.reason


def test_everything_is_green_afterwards(prod: Prod) -> None:
    """Every fault above has healed."""
    assert prod.run("--host=prod").bad() == {}


def test_dead_host_costs_one_timeout(prod: Prod, lab: Lab, lab_hosts: Hosts) -> None:
    """One RED `reachable`, every check of that host BLOCKED by it, and one connect timeout."""
    with faults.link_down(lab_hosts["db1"]):
        run = prod.run("--host=db1")

    blocked = [one for one in run.results if one.outcome.value == "BLOCKED"]
    reds = [one for one in run.results if one.outcome.value == "RED"]
    assert run.status == 1
    assert [one.check_id for one in reds] == ["morning-health-check/reachable"]
    assert len(blocked) >= 15
    assert {one.blocked_by for one in blocked} == {"reachable:db1"}
    assert sum(one.took_s for one in run.results) < 19  # two timeouts: 20 s


def test_same_records_with_workers(prod: Prod) -> None:
    """Plain, -n0 and -n2 find the same about the same."""
    records = []
    for args in ((), ("-n0",), ("-n2",)):
        run = prod.run("--host=prod", *args)
        records.append(sorted((one.identity, one.outcome, one.step) for one in run.results))

    assert records[0] == records[1] == records[2]

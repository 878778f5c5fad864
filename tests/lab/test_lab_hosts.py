"""The lab's hosts are real ones: ssh, reboot, snapshot, rollback, users, faults of the network."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.lab.host import USERS, LabHost
from tests.lab.lab import Lab
from tests.lab.net import enter
from tests.lab.svc.dns import Dns
from tests.support.http_servers import answer, replying, serving

pytestmark = pytest.mark.needs("lab")
Hosts = dict[str, LabHost]


@pytest.mark.parametrize("name", ["web1", "web2", "db1"])
def test_host_runs_systemd_without_failed_units(lab: Lab, lab_hosts: Hosts, name: str) -> None:
    done = lab.ssh(name, "hostname; cat /proc/1/comm; systemctl is-system-running")
    assert done.stdout.split() == [lab_hosts[name].name, "systemd", "running"]


@pytest.mark.parametrize("user", USERS)
def test_every_user_logs_in(lab: Lab, lab_hosts: Hosts, user: str) -> None:
    done = lab.ssh("web1", "id -un", user=user)
    assert (done.returncode, done.stdout.splitlines()[-1].endswith(user)) == (0, True)


def test_noisy_user_prints_before_the_command(lab: Lab, lab_hosts: Hosts) -> None:
    done = lab.ssh("web1", "echo answer", user="noisy")
    assert "WELCOME" in done.stdout
    assert "AUTHORISED ONLY" in done.stderr


def test_ops_may_sudo_and_sudopw_must_tell_a_password(lab: Lab, lab_hosts: Hosts) -> None:
    assert lab.ssh("web1", "sudo -n id -u").stdout == "0\n"
    assert lab.ssh("web1", "sudo -n id -u", user="sudopw").returncode == 1
    told = lab.ssh("web1", "echo lab-sudo-password | sudo -S -p '' id -u", user="sudopw")
    assert told.stdout == "0\n"


@pytest.mark.parametrize("service", ["ssh", "nginx", "cron", "systemd-journald"])
def test_services_are_active(lab_hosts: Hosts, service: str) -> None:
    assert lab_hosts["web2"].run(f"systemctl is-active {service}").stdout == "active\n"


def test_nginx_answers_with_tls(lab: Lab, lab_hosts: Hosts) -> None:
    fetch = (
        "import ssl, sys, urllib.request as r;"
        "c = ssl.create_default_context(cafile=sys.argv[1]);"
        "print(r.urlopen('https://web1.lab.test/health', context=c, timeout=5).read())"
    )
    done = lab.exec([sys.executable, "-c", fetch, str(lab.authority.cert)])
    assert '"healthy"' in done.stdout


def test_write_run_and_root_see_the_same_files(lab_hosts: Hosts) -> None:
    host = lab_hosts["db1"]
    host.write("/srv/lab/a b", "text\n", mode=0o600)
    assert host.run("stat -c %a '/srv/lab/a b'; cat '/srv/lab/a b'").stdout == "600\ntext\n"
    assert (host.root / "srv/lab/a b").read_text() == "text\n"
    host.run("rm -r /srv/lab", check=True)


def test_no_way_out(lab: Lab, lab_hosts: Hosts) -> None:
    assert "default" not in lab_hosts["web1"].run("ip route").stdout
    assert "default" not in lab.exec(["ip", "route"]).stdout


def test_reboot_gives_a_new_boot(lab: Lab, fresh_host: Callable[[], LabHost]) -> None:
    host = fresh_host()
    before = host.boot_id()
    host.reboot()
    assert host.boot_id() != before
    assert lab.ssh(host.name, "systemctl is-active nginx").stdout == "active\n"


def test_rollback_undoes_what_came_after_the_snapshot(fresh_host: Callable[[], LabHost]) -> None:
    host = fresh_host()
    host.write("/etc/kept", "1")
    host.snapshot("before")
    host.write("/etc/lost", "1")
    host.run("rm /etc/kept; apt-get --version", check=True)
    host.rollback("before")
    assert host.run("ls /etc/kept /etc/lost").stdout == "/etc/kept\n"


def test_partition_times_out_and_heals(lab: Lab, lab_hosts: Hosts) -> None:
    ssh = ["ssh", "-F", str(lab.ssh_config), "-o", "ConnectTimeout=1", "web2", "true"]
    with lab.net.partition(lab_hosts["web2"].port):
        assert "timed out" in lab.exec(ssh).stderr
    assert lab.ssh("web2", "true").returncode == 0


def test_refuse_is_immediate(lab: Lab, lab_hosts: Hosts) -> None:
    with lab.net.refuse(lab_hosts["web2"].address, 22):
        assert "refused" in lab.ssh("web2", "true").stderr


def test_pytest_itself_runs_among_the_hosts(lab: Lab, lab_hosts: Hosts, tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text(
        "import testinfra, os\n"
        "def test_it():\n"
        "    host = testinfra.get_host('ssh://web1', ssh_config=os.environ['LAB_SSH_CONFIG'])\n"
        "    assert host.service('nginx').is_running\n"
    )
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir=.", "."]
    done = lab.exec(command, cwd=tmp_path, env={"LAB_SSH_CONFIG": str(lab.ssh_config)})
    assert (done.returncode, "1 passed" in done.stdout) == (0, True), done.stdout


def test_servers_of_the_tests_are_reached_from_hosts(lab: Lab, lab_hosts: Hosts) -> None:
    with serving(replying(answer(b"seen")), address=lab.net.gateway, netns=lab.net.ctl) as server:
        assert lab_hosts["web1"].run(f"curl -s -m 5 {server.url}").stdout == "seen"


@pytest.mark.needs("dnsmasq")
def test_lab_name_server_serves_hosts_and_tester(lab: Lab, lab_hosts: Hosts) -> None:
    records = {"service.test": lab_hosts["web2"].address}
    with Dns(
        lab.ledger,
        records,
        address=lab.net.gateway,
        port=53,
        netns=lab.net.ctl,
        prefix=enter(lab.net.ctl),
    ) as dns:
        lookup = "getent hosts service.test"
        assert lab_hosts["web1"].run(lookup).stdout.startswith(records["service.test"])
        assert lab.exec(lookup.split()).stdout.startswith(records["service.test"])
        with dns.frozen():
            assert lab.exec(lookup.split()).returncode == 2


def test_command_that_hangs_inside_a_host_leaves_nothing(lab_hosts: Hosts) -> None:
    host = lab_hosts["db1"]
    with pytest.raises(subprocess.TimeoutExpired):
        host.run("sleep 4321 & sleep 4321", timeout=0.5)
    assert host.run("ps -ef | grep -c 'sleep [4]321'").stdout == "0\n"


def test_link_down_heals_at_once(lab: Lab, lab_hosts: Hosts) -> None:
    ssh = ["ssh", "-F", str(lab.ssh_config), "-o", "ConnectTimeout=1", "web2", "true"]
    with lab.net.link_down(lab_hosts["web2"].port):
        assert lab.exec(ssh).returncode == 255
    assert lab.ssh("web2", "true").returncode == 0

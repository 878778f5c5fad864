"""`pytest-ddd inventory --try` on a real host: what would fail, and what to type to mend it."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.lab.host import LabHost
from tests.lab.lab import Lab
from tests.system.conftest import Prod

pytestmark = pytest.mark.needs("lab")

HOSTS = """
    hosts:
      fine: {{connection: "ssh://ops@web1", ssh_config: {ssh}, sudo: true}}
      modest: {{connection: "ssh://ops@web1", ssh_config: {ssh}}}
      strange: {{connection: "ssh://ops@web1", ssh_config: {strange}}}
      nobody: {{connection: "ssh://nosuch@web1", ssh_config: {ssh}}}
      asks: {{connection: "ssh://sudopw@web1", ssh_config: {ssh}, sudo: true}}
      dead: {{connection: "ssh://ops@web1:9", ssh_config: {ssh}}}
      noname: {{connection: "ssh://ops@nowhere.lab.test"}}
"""


@pytest.fixture(scope="module")
def said(
    lab: Lab, lab_hosts: dict[str, LabHost], tmp_path_factory: pytest.TempPathFactory
) -> subprocess.CompletedProcess[str]:
    """What is told of seven ways to one host."""
    assert lab_hosts["web1"].running
    root = tmp_path_factory.mktemp("tried")
    strange = root / "ssh_config"
    text = lab.ssh_config.read_text()
    strange.write_text(text.replace(str(lab.known_hosts), str(root / "known_hosts")))
    site = Prod(root / "site", lab)
    site.baseline("hosts", HOSTS.format(ssh=lab.ssh_config, strange=strange))
    site.baseline("logs", "logs: {nginx: {path: /var/log/nginx/error.log, error: [x]}}")
    site.baseline("configuration", "configuration: {files: {/etc/shadow: {lacks: [nobody-is]}}}")
    command = [sys.executable, "-m", "pytest_ddd.cli", "inventory", "prod", "--try"]
    return lab.exec(command, cwd=site.root)


def of(said: subprocess.CompletedProcess[str], host: str) -> str:
    """Return what is told of one host."""
    _, _, rest = said.stdout.partition(f"{host}: ")
    return rest.partition("\n✗ ")[0]


def test_something_that_cannot_be_looked_at_is_exit_status_1(
    said: subprocess.CompletedProcess[str],
) -> None:
    assert said.returncode == 1
    assert said.stderr == ""


def test_a_host_without_obstacles(said: subprocess.CompletedProcess[str]) -> None:
    assert "✓ fine: as root, 2 looks at what is declared" in said.stdout


@pytest.mark.parametrize(
    ("host", "why", "hint"),
    [
        ("modest", "/var/log/nginx/error.log cannot be read: permission denied",
         "hint: ls -l /var/log/nginx/error.log; let the user of the connection join the group"),
        ("modest", "configuration file:/etc/shadow: content: /etc/shadow: Permission denied",
         "hint: let this host's connection use sudo: `sudo: true` in hosts.yaml"),
        ("strange", "the host key is unknown", "hint: ssh-keyscan web1 | ssh-keygen -lf -"),
        ("nobody", "authentication refused: nosuch@", "if the host lacks your"),
        ("asks", "sudo wants a password", "hint: give the host a `sudo_password`"),
        ("dead", "connection refused: ssh: connect to host", "hint: ssh -v -F "),
        ("noname", "Could not resolve hostname nowhere.lab.test", "hint: getent hosts nowhere.lab.test"),
    ],
)  # fmt: skip
def test_each_obstacle_is_told_with_what_to_type(
    said: subprocess.CompletedProcess[str], host: str, why: str, hint: str
) -> None:
    told = of(said, host)

    assert why in told
    assert hint in told

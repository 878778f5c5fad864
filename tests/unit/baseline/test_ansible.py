"""Hosts from an Ansible inventory, read by Ansible itself."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from pytest_ddd.baseline.inventory import select
from pytest_ddd.baseline.loader import load_baseline
from pytest_ddd.errors import BaselineError
from tests.unit.baseline.sites import ROOT, write

INI = """
[web]
web[1:2] ansible_user=ops
[db]
db1 ansible_host=10.0.0.5 ansible_port=2222 ansible_ssh_private_key_file="/keys/a b"
db2 ansible_host=fd00::5
[prod:children]
web
db
[prod:vars]
ansible_become=yes
"""
YAML = """
all:
  hosts:
    here: {ansible_connection: local}
    box: {ansible_connection: community.docker.docker, ansible_host: shop-1}
  children:
    web:
      hosts:
        web1: {ansible_user: ops, ansible_become: true, ansible_become_user: postgres}
"""


@pytest.fixture(autouse=True)
def _ansible(monkeypatch: pytest.MonkeyPatch) -> None:
    """The version that the tests ask for, whatever this machine has besides."""
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}:{os.environ['PATH']}")


def given(inventory: str, text: str, hosts: str = "") -> None:
    Path(inventory).parent.mkdir(parents=True, exist_ok=True)
    Path(inventory).write_text(text)
    write({"prod/hosts.yaml": f"from_ansible: {Path(inventory).parts[0]}\n{hosts}"})


def mistakes() -> str:
    with pytest.raises(BaselineError) as found:
        load_baseline(ROOT, "prod")
    return "\n".join(found.value.mistakes)


def test_an_ini_file() -> None:
    given("hosts.ini", INI)

    baseline = load_baseline(ROOT, "prod")

    assert {name: host.model.connection for name, host in baseline.hosts.items()} == {
        "web1": "ssh://ops@web1",
        "web2": "ssh://ops@web2",
        "db1": "ssh://10.0.0.5:2222?ssh_identity_file=/keys/a%20b",
        "db2": "ssh://[fd00::5]",
    }
    assert baseline.groups["web"] == ("web1", "web2")
    assert set(baseline.groups["prod"]) == {"web1", "web2", "db1", "db2"}
    assert all(host.model.sudo for host in baseline.hosts.values())


def test_a_yaml_file_with_other_ways_and_another_account() -> None:
    given("inventory.yml", YAML)

    hosts = load_baseline(ROOT, "prod").hosts

    assert hosts["here"].model.connection == "local://"
    assert hosts["box"].model.connection == "docker://shop-1"
    assert (hosts["web1"].model.sudo, hosts["web1"].model.sudo_user) == (True, "postgres")


def test_a_directory_with_variables_and_its_digests() -> None:
    given("inventory/hosts", "[web]\nweb1\n")
    given("inventory/group_vars/web.yml", "ansible_user: deploy\n")

    baseline = load_baseline(ROOT, "prod")

    assert baseline.hosts["web1"].model.connection == "ssh://deploy@web1"
    assert [file.path for file in baseline.files] == [
        "baselines/prod/hosts.yaml",
        "inventory/group_vars/web.yml",
        "inventory/hosts",
    ]


def test_one_unreadable_file_of_a_directory_is_no_small_thing() -> None:
    """Ansible goes on with the hosts of the other files: half a fleet would be green."""
    given("inventory/hosts", "web1\n")
    given("inventory/more", "[db\ndb1 x y=\n")

    assert "try: ansible-inventory -i inventory --list" in mistakes()


def test_what_the_baseline_says_itself_counts() -> None:
    """Connection, sections below `set:` and removal; all else comes from the inventory."""
    own = """
hosts:
  web1: {sudo: true, set: {thresholds: {cpu: {warn: 50%}}}}
  web2: null
  extra: {connection: "local://"}
"""
    given("hosts.ini", "[web]\nweb1 ansible_user=ops\nweb2\n", own)

    baseline = load_baseline(ROOT, "prod")

    assert list(baseline.hosts) == ["web1", "extra"]
    assert baseline.hosts["web1"].model.connection == "ssh://ops@web1"
    assert baseline.hosts["web1"].model.sudo
    assert [one.key for one in baseline.for_host["web1"]["thresholds"]] == ["cpu"]


def test_it_is_selected_like_any_other() -> None:
    given("hosts.ini", INI)

    assert select(ROOT, ["web"]).hosts == ("web1", "web2")


def test_a_changed_inventory_is_read_anew() -> None:
    given("hosts.ini", "web1\n")
    load_baseline(ROOT, "prod")
    given("hosts.ini", "web1\nweb2\n")

    assert list(load_baseline(ROOT, "prod").hosts) == ["web1", "web2"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[web\nweb1 x y=\n", "not enough values to unpack"),
        ("[web]\n", "the inventory has no hosts"),
        ('web1 ansible_host="{{ ip }}"\n', "ansible_host of web1 is a template"),
        ("sw1 ansible_connection=network_cli\n", "unknown kind of connection 'network_cli'"),
    ],
)
def test_what_cannot_be_used_is_told_with_its_line(text: str, said: str) -> None:
    given("hosts.ini", text)

    found = mistakes()

    assert found.startswith("baselines/prod/hosts.yaml:1: ")
    assert said in found


def test_a_template_is_no_matter_where_the_baseline_says_the_way() -> None:
    own = 'hosts: {web1: {connection: "ssh://10.0.0.1"}}\n'
    given("hosts.ini", 'web1 ansible_host="{{ ip }}"\n', own)

    assert load_baseline(ROOT, "prod").hosts["web1"].model.connection == "ssh://10.0.0.1"


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("from_ansible: nowhere.ini", "no file or directory nowhere.ini; it is looked for from /"),
        ("from_ansible: [a]", "needs the path of an inventory: write from_ansible: inventory.ini"),
        ("form_ansible: a", "unknown key 'form_ansible'; did you mean 'from_ansible'?"),
    ],
)
def test_a_wrong_line_is_told(line: str, said: str) -> None:
    write({"prod/hosts.yaml": f"{line}\n"})

    assert said in mistakes()


def test_it_stands_where_hosts_stand() -> None:
    given("hosts.ini", "web1\n")
    write({"prod/logs.yaml": "from_ansible: hosts.ini\n"})

    assert "from_ansible: belongs into environment.yaml or hosts.yaml" in mistakes()


def test_a_missing_ansible_is_told_with_the_way_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    given("hosts.ini", "lonely\n")
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setattr("sys.executable", "/nowhere/python")

    assert "needs ansible-inventory, which is not here: pip install ansible-core" in mistakes()


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("echo hello", "ansible-inventory printed what is no JSON"),
        (
            "echo '[ERROR]: no vault secrets' >&2; exit 1",
            "ansible-inventory: no vault secrets; try",
        ),
        ("exit 3", "ansible-inventory: it did not say why; try"),
    ],
)
def test_what_ansible_says_is_handed_on(
    script: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given("hosts.ini", f"# {said}\nweb1\n")
    program = tmp_path / "bin" / "ansible-inventory"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:/usr/bin:/bin")

    assert said in mistakes()

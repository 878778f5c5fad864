"""Declarations: configuration becomes one for each item."""

from __future__ import annotations

from pytest_ddd.baseline.loader import load_baseline
from tests.unit.baseline.sites import ROOT, entry, keys, write

CONFIGURATION = """\
hosts: {a: {connection: local://}}
configuration:
  packages: {nginx: {version: "1.22.*"}}
  services: {ssh: {}}
  files: {/etc/x: {mode: "644"}}
  sysctl: {net.ipv4.ip_forward: {value: 0}}
  users: {root: {uid: 0}}
  groups: {sudo: {}}
  listeners: {"tcp:443": {}, "tcp:[::1]:25": {}, "udp:10.0.0.1:53": {}}
  mounts: {/: {}}
  cron: {clean: {schedule: "@daily", command: /bin/clean}}
  unlisted: {listeners: red, setuid: yellow}
"""


def test_configuration_is_one_declaration_for_each_item() -> None:
    write({"prod.yaml": CONFIGURATION})

    assert keys(load_baseline(ROOT, "prod"), "a", "configuration") == [
        "package:nginx",
        "service:ssh",
        "file:/etc/x",
        "sysctl:net.ipv4.ip_forward",
        "user:root",
        "group:sudo",
        "listener:tcp:443",
        "listener:tcp:[::1]:25",
        "listener:udp:10.0.0.1:53",
        "mount:/",
        "cron:clean",
        "unlisted:listeners",
        "unlisted:setuid",
    ]


def test_what_is_not_listed_has_its_own_line() -> None:
    write({"prod.yaml": CONFIGURATION})

    found = entry(load_baseline(ROOT, "prod"), "a", "configuration", "unlisted:setuid")

    assert str(found.origin("setuid")) == "baselines/prod.yaml:12"

"""Steps 1, 4 and 5 of Security Patch Tuesday as they are shipped, for patches by another tool."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path

import pytest

from pytest_ddd import clock
from pytest_ddd import run as maintenance_run
from pytest_ddd.baseline import loader
from pytest_ddd.escalation import telling
from pytest_ddd.evidence import snapshots
from pytest_ddd.history import desk
from tests.plugin.conftest import Outcome, Site

LOADED = (loader, maintenance_run, snapshots, telling, desk)
"""Imported here, so that runs in this process share them: C libraries below them load once."""

DPKG_QUERY = """#!/bin/sh
# A stand-in that is as strict as it can be: the list of all packages, nothing else.
[ "$1 $2 $#" = "-W -f 3" ] || exit 2
cat "$(dirname "$0")/packages"
"""
MANY = 2000
"""So many packages make a list that a record cuts: only its digest stays there."""


@pytest.fixture
def shop(site: Site) -> Site:
    """A site whose host has a list of packages, and one smoke test; both are files."""
    site.copy_check("weekly/test_security_patch_tuesday.py")
    site.write("bin/dpkg-query", DPKG_QUERY).chmod(0o755)
    packages(site, "1.0")
    site.write("order", "ok")
    site.baseline(
        "local",
        host_states="""
            host_states:
              ready: {services: false, locks: false, free: {/: {crit: 1MiB}}}
            """,
        smoke_tests=f"smoke_tests: {{order: {{command: 'cat {site.root}/order', output: ok}}}}",
        scans=f"scans: {{own: {{command: {{run: 'test ! -e {site.root}/hole'}}}}}}",
    )
    return site


def packages(site: Site, version: str) -> None:
    lines = [f"package-{n} 1.0 installed ok" for n in range(MANY)]
    lines[7] = f"package-7 {version} installed ok"
    site.write("bin/packages", "\n".join([*lines, ""]))


def run(site: Site, *args: str) -> Outcome:
    path = f"{site.root}/bin:{os.environ['PATH']}"
    return site.run("-m", "weekly", *args, env={"PATH": path}, in_process="-n2" not in args)


def outcome(done: Outcome, check: str) -> str:
    (found,) = [one for one in done.results if one.check_id.endswith(f"/{check}")]
    return found.outcome.value


def changed(done: Outcome) -> str:
    (found,) = [one for one in done.results if one.check_id.endswith("/host_state_after")]
    (reading,) = [one for one in found.readings if one.name == "changed packages"]
    return reading.detail


def test_a_whole_run_looks_twice(shop: Site, plugin_args: tuple[str, ...]) -> None:
    """Nothing was changed in between, and everything is the same; also in several processes."""
    done = run(shop, *plugin_args)

    assert outcome(done, "host_state_after") == "GREEN"
    assert changed(done) == ""
    assert "Before and after (snapshot of" in done.text
    assert "2 same" in done.text  # the host, and the smoke test
    assert outcome(done, "security_scan") == "GREEN"


def test_the_gate_tells_what_another_tool_has_changed(shop: Site) -> None:
    """The list of before is in the snapshot, however long it is."""
    before = run(shop, "--ddd-gate=before")
    packages(shop, "1.1")
    shop.write("order", "gone")
    broken = run(shop, "--ddd-gate")
    shop.write("order", "ok")
    healed = run(shop, "--ddd-gate")

    assert before.status == 0
    assert (broken.status, healed.status) == (1, 0)
    assert changed(healed) == "package-7 1.0 -> 1.1"
    assert "regressed: ✗ RED local order: GREEN -> RED: order: its output does not" in broken.text


def test_a_scan_that_finds_something_new_does_not_pass(shop: Site) -> None:
    """A scan looks on both sides."""
    run(shop, "--ddd-gate=before")
    shop.write("hole", "")

    done = run(shop, "--ddd-gate")

    assert done.status == 1
    assert "medium exit-1" in done.text


def test_without_the_look_before_nobody_knows(shop: Site) -> None:
    """`-k` left it out: UNKNOWN, never green."""
    done = run(shop, "-k", "host_state_after")

    assert outcome(done, "host_state_after") == "UNKNOWN"
    assert "test_host_state_before of the same entry saw nothing" in done.text


def test_a_package_that_is_half_installed_is_red(shop: Site) -> None:
    """Before anything is changed."""
    list_ = shop.root / "bin/packages"
    list_.write_text(list_.read_text().replace("7 1.0 installed", "7 1.0 half-configured"))

    done = run(shop)

    assert outcome(done, "host_state_before") == "RED"
    assert "package-7 1.0 is half-configured" in done.text


WAIVER = """
waivers:
  hole:
    checks: [security-patch-tuesday/security_scan]
    targets: ["*"]
    accepts: ["(medium|high) exit-1"]
    reason: the port is closed by the firewall
    risk: low
    compensating_control: firewall
    approver: {{principal: mira@example.org, key: "SHA256:{key}"}}
    approved_at: "{approved:%Y-%m-%dT%H:%M:%SZ}"
    expires_at: "{expires:%Y-%m-%dT%H:%M:%SZ}"
"""


@pytest.mark.parametrize(("waived", "expected"), [("exit-1", "WAIVED"), ("exit-9", "YELLOW")])
def test_a_waiver_accepts_one_finding(shop: Site, waived: str, expected: str) -> None:
    """By the finding's own name; one of another name accepts nothing."""
    shop.write("hole", "")
    now, quarter = clock.now(), timedelta(days=90)
    text = WAIVER.format(key="x" * 43, approved=now - quarter, expires=now + quarter)
    shop.baseline("local", waivers=text.replace("exit-1", waived))

    done = run(shop)

    assert outcome(done, "security_scan") == expected
    assert Path(shop.root, "hole").exists()

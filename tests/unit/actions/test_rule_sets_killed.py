"""kill -9 at any moment of the action: whole rules on disk and running, and a journal that tells."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from pytest_ddd.actions.rule_sets import SetRules
from pytest_ddd.connections import Connections
from pytest_ddd.probes.alert_rules import Manifest
from pytest_ddd.probes.rule_sets import RuleSet
from tests.lab.reap import Ledger
from tests.lab.svc.prometheus import Prometheus
from tests.unit.actions.rule_site import DAY, NIGHT, hand, keys_of, rule_set

pytestmark = pytest.mark.needs("prometheus", "promtool")

ROOT = Path(__file__).parents[3]
MOMENTS = 20
BOTH = ["HighErrors", "NoTraffic"]


@pytest.fixture(scope="module")
def server(ledger: Ledger) -> Iterator[Prometheus]:
    with Prometheus(ledger) as running:
        yield running


@pytest.fixture
def shop(server: Prometheus) -> Iterator[RuleSet]:
    connections = Connections({})
    yield rule_set(server, connections)
    connections.close()


def start(server: Prometheus, root: Path) -> subprocess.Popen[str]:
    """Start a process that waits for its order to set the night's rules."""
    process = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "tests.unit.actions.killable",
            str(root),
            json.dumps(keys_of(server)),
        ],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def order(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    process.stdin.write("\n")
    process.stdin.flush()


def back_to_day(shop: RuleSet, root: Path) -> None:
    """Do what the morning does: take back whatever is in force, newest first."""
    mine = hand(root)
    for deed in reversed(mine.journal.deeds()):
        if not deed.is_over:
            assert mine.take_back(deed, SetRules(shop)) == ()


def test_killed_at_random_moments(server: Prometheus, shop: RuleSet, tmp_path: Path) -> None:
    (tmp_path / "day").mkdir()
    assert hand(tmp_path / "day").carry_out(SetRules(shop, profile="day")).problems == ()
    seed = random.randrange(10**6)
    moments = random.Random(seed)

    with start(server, tmp_path) as whole:
        began = time.monotonic()
        order(whole)
        assert whole.communicate()[0] == "done\n"
        took_s = time.monotonic() - began
    back_to_day(shop, tmp_path)

    seen = set()
    for _ in range(MOMENTS):
        with start(server, tmp_path) as process:
            order(process)
            time.sleep(moments.uniform(0, took_s))  # the moment is what is tested
            process.kill()
            said = process.communicate()[0]
        running, content = server.loaded(), (server.rules / "shop.yml").read_bytes()
        manifest = Manifest.read(content)
        told = f"seed {seed}: {running} {content!r}"
        assert running in ({DAY: BOTH}, {NIGHT: BOTH}), told
        assert manifest in (shop.group("day").manifest, shop.group("night").manifest), told
        subprocess.run(
            ["promtool", "check", "rules", server.rules / "shop.yml"],
            check=True,
            capture_output=True,
        )

        mine = hand(tmp_path)
        left = mine.left_open()
        unfinished = not any(deed.is_in_force for deed in mine.journal.deeds())
        began_it = any(not deed.is_over for deed in mine.journal.deeds())
        assert bool(left) == (unfinished and began_it), told
        seen.add((next(iter(running)), len(left), "done" in said))
        again = mine.carry_out(SetRules(shop))
        assert again.problems == (), told
        assert again.left_open == left
        assert server.loaded() == {NIGHT: BOTH}
        assert mine.left_open() == ()
        back_to_day(shop, tmp_path)
        assert server.loaded() == {DAY: BOTH}
    print(seed, took_s, seen)

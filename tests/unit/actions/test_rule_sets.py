"""The night's rules on a real Prometheus: in force and taken back, or refused and untouched."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from pytest_ddd.actions.carrying_out import UNDONE
from pytest_ddd.actions.rule_files import RuleFile
from pytest_ddd.actions.rule_sets import SetRules
from pytest_ddd.baseline.model import Declaration
from pytest_ddd.baseline.sections.rule_sets import RuleSet as Model
from pytest_ddd.connections import Connections, ConnectionSpec
from pytest_ddd.errors import CannotLookError, DddError
from pytest_ddd.probes.rule_sets import RuleSet
from tests.lab.reap import Ledger
from tests.lab.svc.nginx import Nginx, Reply, Site
from tests.lab.svc.prometheus import Prometheus
from tests.unit.actions.rule_site import ALERTS, DAY, NIGHT, hand, rule_set

pytestmark = pytest.mark.needs("prometheus", "promtool", "nginx", "curl")

FOREIGN = "groups: [{name: by hand, rules: [{alert: Old, expr: up == 0}]}]\n"


@pytest.fixture(scope="module")
def running(ledger: Ledger) -> Iterator[Prometheus]:
    with Prometheus(ledger) as server:
        yield server


@pytest.fixture
def server(running: Prometheus) -> Iterator[Prometheus]:
    """A Prometheus without rules, before and after."""
    yield running
    for file in running.rules.iterdir():
        file.unlink()
    running.reload()
    assert running.loaded() == {}


@pytest.fixture(scope="module")
def connections() -> Iterator[Connections]:
    made = Connections({})
    yield made
    made.close()


def transitions(root: Path) -> list[str]:
    """Return what the journal says, one word a line."""
    lines = (root / ".pytest-ddd/actions/journal.jsonl").read_text().splitlines()
    said = [json.loads(line) for line in lines]
    return [
        f"{one['transition']} {one['phase']}{'' if one['phase'] == 'begin' else ' ' + str(one['good'])}"
        for one in said
    ]


def test_night_is_set_and_taken_back(server, connections, tmp_path):
    shop, mine = rule_set(server, connections), hand(tmp_path)
    plan = SetRules(shop).plan()
    done = mine.carry_out(SetRules(shop))
    night, profile = server.loaded(), shop.look().profile
    (deed,) = mine.journal.deeds()
    back = mine.take_back(deed, SetRules(shop))

    assert plan.is_needed
    assert "> 2.0" in plan.detail
    assert done.problems == ()
    assert (night, profile) == ({NIGHT: ["HighErrors", "NoTraffic"]}, "night")
    assert back == ()
    assert (server.loaded(), shop.look().profile) == ({DAY: ["HighErrors", "NoTraffic"]}, "day")
    assert transitions(tmp_path) == [
        "do begin", "do end True", "verify begin", "verify end True", "undo begin", "undo end True",
    ]  # fmt: skip


def test_a_second_time_changes_nothing(server, connections, tmp_path):
    shop, mine = rule_set(server, connections), hand(tmp_path)
    mine.carry_out(SetRules(shop))
    again = mine.carry_out(SetRules(shop))

    assert again.plan.summary == "nothing to change: Prometheus runs the 2 rules of the night"
    assert len(mine.journal.deeds()) == 1


def test_a_file_that_somebody_else_wrote_comes_back_as_it_was(server, connections, tmp_path):
    shop, mine = rule_set(server, connections), hand(tmp_path)
    (server.rules / "shop.yml").write_text(FOREIGN)
    server.reload()
    mine.carry_out(SetRules(shop))
    night = server.loaded()
    mine.take_back(mine.journal.deeds()[0], SetRules(shop))

    assert list(night) == [NIGHT]
    assert (server.rules / "shop.yml").read_text() == FOREIGN
    assert server.loaded() == {"by hand": ["Old"]}


def by_day(server: Prometheus, connections: Connections, root: Path) -> None:
    """Put the day's rules in force, as they are at the end of business."""
    (root / "day").mkdir()
    by_day = SetRules(rule_set(server, connections), profile="day")
    assert hand(root / "day").carry_out(by_day).problems == ()


def test_rules_that_promtool_refuses_touch_nothing(server, connections, tmp_path):
    by_day(server, connections, tmp_path)
    before = (server.rules / "shop.yml").read_bytes()
    broken = {**ALERTS, "Broken": {"query": "sum(((", "above": {"day": 1}}}
    done = hand(tmp_path).carry_out(SetRules(rule_set(server, connections, alerts=broken)))

    assert "promtool refuses the rules" in str(done.problems[0])
    assert "could not parse expression" in str(done.problems[0])
    assert (server.rules / "shop.yml").read_bytes() == before
    assert list(server.loaded()) == [DAY]
    assert transitions(tmp_path) == ["do begin", "do end False", "undo begin", "undo end True"]


def test_without_promtool_nobody_could_look(server, connections, tmp_path):
    by_day(server, connections, tmp_path)
    shop = rule_set(server, connections, promtool="/nonexistent/promtool")

    with pytest.raises(CannotLookError, match="/nonexistent/promtool cannot be run"):
        hand(tmp_path).carry_out(SetRules(shop))
    assert list(server.loaded()) == [DAY]
    assert hand(tmp_path).left_open() == ()


def test_rules_that_cannot_be_evaluated_are_taken_back(server, connections, tmp_path):
    by_day(server, connections, tmp_path)
    # Valid for promtool; only an evaluation shows that one side has two series for each other.
    many = {
        "query": 'vector(1) * on() (label_replace(vector(1), "a", "b", "", "") or vector(2))',
        "above": {"day": 0},
    }
    shop = rule_set(server, connections, alerts={**ALERTS, "Many": many}, settle="6s")
    done = hand(tmp_path).carry_out(SetRules(shop))

    assert "rule fails: Many: " in str(done.problems[0])
    assert "many-to-many matching not allowed" in str(done.problems[0])


def test_a_refused_reload_puts_the_old_file_back(ledger, connections, tmp_path):
    with Prometheus(ledger, lifecycle=False) as server:
        shop = rule_set(server, connections)
        (server.rules / "shop.yml").write_text(FOREIGN)
        server.reload()
        done = hand(tmp_path).carry_out(SetRules(shop))

        assert "status 403: Lifecycle API is not enabled" in str(done.problems[0])
        assert [str(one) for one in done.problems[1:]] == [UNDONE]
        assert (server.rules / "shop.yml").read_text() == FOREIGN
        assert server.loaded() == {"by hand": ["Old"]}
        assert hand(tmp_path).left_open() == ()

        by_signal = rule_set(server, connections, reload=f"kill -HUP {server.proc.pid}")
        assert hand(tmp_path).carry_out(SetRules(by_signal)).problems == ()
        assert list(server.loaded()) == [NIGHT]


def test_a_reload_that_another_file_breaks_leaves_the_old_rules(server, connections, tmp_path):
    by_day(server, connections, tmp_path)
    (server.rules / "other.yml").write_text(
        "groups: [{name: x, rules: [{alert: A, expr: 'sum('}]}]"
    )
    done = hand(tmp_path).carry_out(SetRules(rule_set(server, connections)))
    old = server.loaded()
    (server.rules / "other.yml").unlink()

    assert "failed to reload config" in str(done.problems[0])
    assert list(old) == [DAY]
    assert b'"day"' in (server.rules / "shop.yml").read_bytes().split(b"\n")[0]
    assert hand(tmp_path).carry_out(SetRules(rule_set(server, connections))).problems == ()


def test_a_file_that_prometheus_does_not_read_is_taken_back(server, connections, tmp_path):
    shop = rule_set(server, connections, file=str(server.dir / "elsewhere.yml"), settle="500ms")
    done = hand(tmp_path).carry_out(SetRules(shop))

    assert "Prometheus does not run 'pytest-ddd prod shop night'" in str(done.problems[0])
    assert "could NOT be undone" in str(done.problems[-1])  # nor does it read the way back


def test_a_hung_prometheus_is_unknown_and_untouched(server, connections, tmp_path):
    shop = rule_set(server, connections, prometheus={"url": server.url, "deadline": "300ms"})
    with server.frozen(), pytest.raises(CannotLookError, match="no answer within 300 ms"):
        hand(tmp_path).carry_out(SetRules(shop))

    assert not (server.rules / "shop.yml").exists()
    assert not (tmp_path / ".pytest-ddd").exists()


def test_two_runs_do_not_change_things_at_once(server, connections, tmp_path):
    shop = rule_set(server, connections)
    with hand(tmp_path).journal.lock("prod"), pytest.raises(CannotLookError, match="another run"):
        hand(tmp_path).carry_out(SetRules(shop))

    assert server.loaded() == {}


def test_owner_mode_and_link_of_the_file_stay(server, connections, tmp_path):
    real = server.rules / "real.rules"  # no *.yml: read through the link only
    real.write_text(FOREIGN)
    real.chmod(0o640)
    (server.rules / "shop.yml").symlink_to(real)
    done = hand(tmp_path).carry_out(SetRules(rule_set(server, connections)))

    assert done.problems == ()
    assert (server.rules / "shop.yml").is_symlink()
    assert real.stat().st_mode & 0o777 == 0o640
    assert list(server.loaded()) == [NIGHT]
    assert sorted(one.name for one in server.rules.iterdir()) == ["real.rules", "shop.yml"]


def test_a_place_that_cannot_be_written_leaves_the_old_rules(server, connections, tmp_path):
    shop = rule_set(server, connections, file=str(server.rules / "missing" / "shop.yml"))
    done = hand(tmp_path).carry_out(SetRules(shop))

    assert "Directory nonexistent" in str(done.problems[0])
    assert [str(one) for one in done.problems[1:]] == [UNDONE]
    assert server.loaded() == {}


def test_text_that_was_cut_on_its_way_never_takes_the_place(connections, tmp_path):
    """As when the sender dies: fewer bytes come than were promised."""

    class Cut:
        spec = connections.controller.spec

        def run(self, script: str, *, stdin: bytes, **keys: object):
            return connections.controller.run(script, stdin=stdin[:-3])

    (tmp_path / "shop.yml").write_bytes(b"old")
    file = RuleFile(session=Cut(), path=str(tmp_path / "shop.yml"), promtool="promtool")  # type: ignore[arg-type]

    with pytest.raises(DddError):
        file.write(b"groups: []\n")
    assert (tmp_path / "shop.yml").read_bytes() == b"old"


def test_rules_of_another_version_of_the_baseline_are_replaced(server, connections, tmp_path):
    other = {"Other": {"query": "up", "below": {"day": 1}}}
    hand(tmp_path).carry_out(SetRules(rule_set(server, connections, alerts=other)))
    shop = rule_set(server, connections)
    before = shop.look().profile
    done = hand(tmp_path).carry_out(SetRules(shop))

    assert before == "other"
    assert done.problems == ()
    assert server.loaded() == {NIGHT: ["HighErrors", "NoTraffic"]}


def test_on_a_host_that_asks_its_own_prometheus(server, tmp_path, monkeypatch):
    (tmp_path / "podman").write_text('#!/bin/sh\nshift 3\nexec "$@"\n')  # enters this machine
    (tmp_path / "podman").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    spec = ConnectionSpec(name="mon1", kind="podman", hostspec="podman://mon1", address="mon1")
    declared = rule_set(server, Connections({}), prometheus={"url": server.url, "from": "host"})
    connections = Connections({"mon1": spec})
    shop = RuleSet(declared.declaration, environment="prod", host="mon1", connections=connections)
    done = hand(tmp_path).carry_out(SetRules(shop))
    subject = SetRules(shop).subject
    connections.close()

    assert done.problems == ()
    assert (subject.target, subject.entry) == ("mon1", "shop")
    assert list(server.loaded()) == [NIGHT]


def test_what_is_no_prometheus_is_unknown(connections, ledger):
    odd = {"/api/v1/rules": Reply.of({"status": "success", "data": {"groups": [{"name": 1}]}})}
    odd["/other/api/v1/rules"] = Reply(body="<html>")
    odd["/none/api/v1/rules"] = Reply.of({"status": "success", "data": {"groups": "no"}})
    with Nginx(ledger, [Site(locations=odd)]) as nginx:
        for path, words in {"/other": "not JSON", "/none": "not the rules of a Prometheus"}.items():
            keys = {"prometheus": {"url": nginx.url(path)}, "file": "/tmp/x.yml", "alerts": ALERTS}
            declaration = Declaration(
                section="rule_sets", key="shop", model=Model.model_validate(keys), origins={}
            )
            shop = RuleSet(declaration, environment="prod", host="", connections=connections)
            with pytest.raises(CannotLookError, match=words):
                shop.read()

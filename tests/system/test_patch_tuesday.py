"""Patch Tuesday on real Debian hosts: apt, a local archive, batches, and each fault."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from pytest_ddd import clock, login
from pytest_ddd.actions.interface import Subject
from pytest_ddd.actions.journal import Journal, line_of
from tests.lab.lab import Lab
from tests.lab.proc import wait_for
from tests.lab.svc.debian import HEALTH
from tests.support.http_service import Reply, http_service
from tests.support.patching import MAINTENANCE, PATCHES, SCENARIO, Run, Tuesday, open_tuesday

pytestmark = pytest.mark.needs("lab", "dpkg-deb", "ssh-keygen")

NAMES = ("app1", "app2", "app3", "app4")
OLD, NEW = dict.fromkeys(NAMES, "1.0"), dict.fromkeys(NAMES, "1.1")
ALL_GREEN = dict.fromkeys(NAMES, "GREEN")
CANARY_RED = {**dict.fromkeys(NAMES, "BLOCKED"), "app1": "RED"}
TAKEN_BACK = "taken back: it is as it was before"
DEADLINE_S = 300.0


@pytest.fixture(scope="module")
def four(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tuesday]:
    """Four hosts with the old version."""
    made = open_tuesday(lab, tmp_path_factory.mktemp("tuesday"), NAMES)
    yield made
    made.archive.close()
    for host in made.hosts.values():
        lab.remove(host)


@pytest.fixture
def tuesday(four: Tuesday) -> Tuesday:
    """The same, as nobody had done anything yet."""
    four.reset()
    return four


def as_before(tuesday: Tuesday) -> None:
    """Every host has what it had, serves it, and nothing is left open."""
    assert (tuesday.versions(), tuesday.served()) == (OLD, OLD)
    assert tuesday.drained() == []
    assert "left open" not in tuesday.ddd("history", "actions").stdout


def test_four_hosts_in_three_batches(tuesday: Tuesday) -> None:
    """The green path; what it does and what it did stand in the record."""
    done = tuesday.apply()

    assert (done.status, done.outcomes("patch")) == (0, ALL_GREEN), done.text
    assert (tuesday.versions(), tuesday.served()) == (NEW, NEW)
    assert tuesday.drained() == []
    first = done.of("patch", "app1")
    said = {one.name: one for one in first.readings}
    assert "app1 (batch 1 of 3)" in str(said["plan"].value)
    assert "labapp 1.0 -> 1.1" in said["plan"].detail
    assert str(said["approved by"].value).startswith("sara@example.org (SHA256:")
    assert "app4 (batch 3 of 3)" in str(done.of("patch", "app4").readings)
    assert tuesday.apply().outcomes("patch") == ALL_GREEN  # nothing is left to do


def test_without_apply_nothing_is_touched(tuesday: Tuesday) -> None:
    """The plan says what would happen, and what stands against it now."""
    before = tree(tuesday)

    done = tuesday.run()

    for name, lines in tree(tuesday).items():
        assert sorted({*lines} ^ {*before[name]}) == []
    assert set(done.outcomes("patch").values()) == {"NOT_APPLICABLE"}
    plan = "\n".join(one.detail for one in done.of("patch", "app4").readings)
    for line in (
        "not now: approvals: 0 of 1",
        "look whether earlier batches are still well: app1, app2",
        "out of service: date >>/root/drained; touch /run/drained",
        "labapp 1.0 -> 1.1",
        "boot it, if it has /run/reboot-required",
        "must be active: labapp",
        "into service: rm -f /run/drained",
    ):
        assert line in plan
    point = "\n".join(one.detail for one in done.of("rollback_point", "app1").readings)
    assert "keep labapp 1.0" in point


def tree(tuesday: Tuesday) -> dict[str, list[str]]:
    """Return every file of every host: owner, mode, size, and when it or its inode changed."""
    pruned = ("/proc", "/sys", "/dev", "/run", "/tmp", "/var/log", "/var/lib/sudo")
    skip = " -o ".join(f"-path {path}" for path in pruned)
    script = f"find / -xdev \\( {skip} \\) -prune -o -printf '%p %U:%G %m %s %T@ %C@ %l\\n' | sort"
    return {
        name: host.run(script, check=True).stdout.splitlines()
        for name, host in tuesday.hosts.items()
    }


def test_only_what_fixes_something_is_updated(tuesday: Tuesday) -> None:
    """What another archive offers is left alone, unless a fix is hidden behind it."""
    tuesday.offer(others=["1.0", "1.6"])
    plain = tuesday.run().of("patch", "app1")
    assert "nothing to update on app1" in plain.reason

    tuesday.offer("1.1", others=["1.0", "1.6"])
    hidden = tuesday.run().of("patch", "app1")
    assert "labapp 1.0 -> 1.6" in str(hidden.readings)


@pytest.mark.parametrize(
    ("offered", "why"),
    [
        ("1.2", "labapp is failed"),
        ("1.3", "exit status 100"),
    ],
    ids=["service-does-not-start", "broken-package"],
)
def test_a_bad_update_ends_at_the_canary(tuesday: Tuesday, offered: str, why: str) -> None:
    """It is taken back there, and no host of a later batch was ever touched."""
    tuesday.offer(offered)

    done = tuesday.apply()

    assert (done.status, done.outcomes("patch")) == (1, CANARY_RED), done.text
    canary = done.of("patch", "app1")
    assert why in canary.reason
    assert TAKEN_BACK in canary.reason
    assert tuesday.touched() == ["app1"]
    as_before(tuesday)


def test_an_incident_is_sent(tuesday: Tuesday, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was taken back is RED, and people hear of it."""
    tuesday.offer("1.2")
    monkeypatch.setenv("HOOK_KEY", "open sesame")
    with http_service(lambda asked: Reply(), tuesday.lab.net.ctl) as hook:
        tuesday.baseline(
            "escalation",
            f"""
            escalation:
              channels: {{desk: {{kind: webhook, url: "{hook.url}", key: {{env: HOOK_KEY}}}}}}
              rules: {{patching: {{when: [RED], check: patch, notify: [desk]}}}}
            """,
        )
        tuesday.apply("--ddd-escalate=on")

    told = [json.loads(asked.body) for asked in hook.asked]
    assert len(told) == 1
    assert "app1" in json.dumps(told[0])
    assert "labapp is failed" in json.dumps(told[0])


def test_a_check_that_is_red_afterwards_takes_all_back(tuesday: Tuesday) -> None:
    """The host is well by itself; its users see that it is not."""
    tuesday.offer("1.4")
    tuesday.baseline("patches", PATCHES.format(health="true"))

    done = tuesday.apply()

    assert done.outcomes("patch") == ALL_GREEN, done.text
    assert set(done.outcomes("endpoints_after").values()) == {"RED"}
    assert set(done.outcomes("take_back").values()) == {"RED"}
    assert "was taken back, and is verified" in done.of("take_back", "app3").reason
    as_before(tuesday)


def test_red_before_touches_nothing(tuesday: Tuesday) -> None:
    """A host that is ill before is not updated, and neither is any other."""
    tuesday.hosts["app3"].run("systemctl stop labapp", check=True)

    done = tuesday.apply()

    assert set(done.outcomes("patch").values()) == {"BLOCKED"}
    assert tuesday.touched() == []
    assert tuesday.versions() == OLD


def test_a_backup_command_that_fails_touches_nothing(tuesday: Tuesday) -> None:
    """Without a good way back nobody sets out, on no host."""
    tuesday.baseline(
        "rollback",
        """
        rollback:
          packages: {packages: {}, timeout: 60s}
          dump:
            command: {create: "echo no space; exit 1", verify: "true", restore: "true"}
            timeout: 60s
            applies_to: [app2]
        """,
    )

    done = tuesday.apply()

    assert done.status == 1
    assert any("no space" in one.reason for one in done.results if one.outcome.value == "RED")
    assert set(done.outcomes("patch").values()) == {"BLOCKED"}
    assert (tuesday.versions(), tuesday.touched()) == (OLD, [])


LOCKED = """
while [ ! -e {after} ]; do sleep 0.1; done
exec perl -e 'use Fcntl; open F, ">>", "/var/lib/dpkg/lock-frontend"; \
  $lock = pack "s s x4 q q i", F_WRLCK, 0, 0, 0, 0; fcntl F, F_SETLKW, $lock or die $!; $| = 1; print "held"; sleep'
"""


@pytest.mark.parametrize(
    ("after", "outcomes", "changed"),
    [
        ("/etc/passwd", dict.fromkeys(NAMES, "BLOCKED"), []),
        (
            "/var/lib/pytest-ddd/points/packages/point.json",
            {"app1": "GREEN", "app2": "RED", "app3": "BLOCKED", "app4": "BLOCKED"},
            ["app1"],
        ),
    ],
    ids=["before", "in-the-middle"],
)
def test_a_held_lock_of_dpkg(
    tuesday: Tuesday, after: str, outcomes: dict[str, str], changed: list[str]
) -> None:
    """Somebody else installs something: we wait, then give up, and nothing is half done."""
    holder = tuesday.hosts["app2"].popen(LOCKED.format(after=after))
    try:
        if not changed:
            holder.ready(lambda: "held" in holder.tail())
        done = tuesday.apply()
    finally:
        holder.stop()

    assert done.outcomes("patch") == outcomes, done.text
    step = "patch" if changed else "rollback_point"
    assert "lock" in done.of(step, "app2").reason
    assert tuesday.versions() == {**OLD, **dict.fromkeys(changed, "1.1")}
    assert not {"app3", "app4"} & {*tuesday.touched()}
    assert tuesday.drained() == []
    assert tuesday.apply().outcomes("patch") == ALL_GREEN
    assert tuesday.versions() == NEW


def test_a_connection_that_is_cut_in_mid_update(tuesday: Tuesday) -> None:
    """The update goes on by itself; once the host is back, so does the run."""
    tuesday.offer("1.5")
    host = tuesday.hosts["app1"]
    run = tuesday.begin()
    assert wait_for(lambda: not host.run("test -e /run/half").returncode, DEADLINE_S)
    with tuesday.lab.net.partition(host.port):
        cut = [*tuesday.hosts]
        host.run("for p in $(pgrep -f sshd:.ops); do kill -9 $p; done")
    for name in cut:
        tuesday.let_go(name)
    done = tuesday.ended(run)

    assert done.outcomes("patch") == ALL_GREEN, done.text
    assert tuesday.versions() == dict.fromkeys(NAMES, "1.5")


def test_an_earlier_batch_that_goes_bad_stops_the_next(tuesday: Tuesday) -> None:
    """It has to stay well while the next one waits; what was changed goes back."""
    tuesday.baseline("patches", PATCHES.format(health=HEALTH) + "        soak: 20s\n")
    run = tuesday.begin()
    assert wait_for(lambda: tuesday.in_force("app1"), DEADLINE_S)
    tuesday.hosts["app1"].run("systemctl stop labapp", check=True)
    done = tuesday.ended(run)

    assert done.outcomes("patch") == {
        "app1": "GREEN", "app2": "RED", "app3": "BLOCKED", "app4": "BLOCKED",
    }, done.text  # fmt: skip
    assert "not begun: app1 of an earlier batch is not well" in done.of("patch", "app2").reason
    assert tuesday.touched() == ["app1"]
    assert done.of("take_back", "app1").outcome.value == "RED"
    as_before(tuesday)


def test_what_is_open_on_another_host_comes_first(tuesday: Tuesday) -> None:
    """Nobody starts beside a host of which nobody knows what it is."""
    subject = Subject(kind="patches", environment="prod", target="app4", entry="app")
    begun = line_of(
        subject, action_id="a", run_id="dead", operator="omar", transition="do", phase="begin"
    )
    Journal(tuesday.root).write(begun)

    done = tuesday.apply("--host=!app4")

    assert set(done.outcomes("patch").values()) == {"BLOCKED"}, done.text
    why = done.of("rollback_point", "app1").reason
    assert "patches.app on app4: `do` has begun at " in why
    assert "name app4 in --host too" in why
    assert "! left open: patches.app on app4" in done.text
    assert tuesday.touched() == []


def test_a_host_that_has_to_be_booted(tuesday: Tuesday) -> None:
    """It is booted in its turn, and proves it with a new boot id."""
    tuesday.offer("1.6")
    before = {name: host.boot_id() for name, host in tuesday.hosts.items()}

    done = tuesday.apply()

    assert done.outcomes("patch") == ALL_GREEN, done.text
    assert all(host.boot_id() != before[name] for name, host in tuesday.hosts.items())
    assert tuesday.served() == dict.fromkeys(NAMES, "1.6")


def test_a_held_package_stays(tuesday: Tuesday) -> None:
    """A hold is respected, and is YELLOW as long as it keeps a fix away."""
    tuesday.hosts["app2"].run("apt-mark hold labapp", check=True)

    done = tuesday.apply()

    assert done.outcomes("patch") == {**ALL_GREEN, "app2": "YELLOW"}, done.text
    assert tuesday.versions() == {**NEW, "app2": "hi 1.0"}


def test_a_window_that_closes_ends_the_run_between_batches(tuesday: Tuesday) -> None:
    """Two batches of one host fit into what is left; the third, of two hosts, does not."""
    now = clock.now()
    closing = MAINTENANCE.format(begin=now - timedelta(hours=1), end=now + timedelta(minutes=13))
    tuesday.baseline("maintenance", closing)
    slow = PATCHES.format(health=HEALTH).replace("duration: 60s", "duration: 200s")
    tuesday.baseline("patches", slow)

    done = tuesday.apply()

    assert done.outcomes("patch") == {
        "app1": "GREEN", "app2": "GREEN", "app3": "BLOCKED", "app4": "BLOCKED",
    }, done.text  # fmt: skip
    assert "this batch with its way back may take 13m 20s" in done.of("patch", "app3").reason
    assert tuesday.touched() == ["app1", "app2"]
    assert tuesday.versions() == {"app1": "1.1", "app2": "1.1", "app3": "1.0", "app4": "1.0"}


def blocked(tuesday: Tuesday, done: Run) -> str:
    """Return why nothing was touched."""
    assert done.status == 1, done.text
    for name in ("rollback_point", "patch"):
        assert set(done.outcomes(name).values()) == {"BLOCKED"}, done.text
    assert tuesday.touched() == []
    assert tuesday.hosts["app1"].run("test -e /var/lib/pytest-ddd").returncode
    return done.of("rollback_point", "app1").reason


def test_no_approval_and_another_run_touch_nothing(tuesday: Tuesday) -> None:
    """Guards hold for whole runs."""
    assert "give a signed file with --ddd-approval=FILE" in blocked(
        tuesday, tuesday.run("--ddd-apply")
    )
    half = tuesday.approve(hosts="[app1, app2]")
    assert "it does not name app3, app4" in blocked(tuesday, tuesday.apply(approval=half))
    with tuesday.lock():
        done = tuesday.apply()
    assert set(done.outcomes("rollback_point").values()) == {"UNKNOWN"} | {"BLOCKED"}
    assert "another run is changing things now" in done.of("rollback_point", "app1").reason
    assert tuesday.touched() == []


@pytest.mark.parametrize(
    ("says", "why"),
    [
        ({"valid_until": "'2020-01-02T00:00:00Z'", "valid_from": "'2020-01-01T00:00:00Z'"},
         "it expired at 2020-01-02T00:00 UTC"),
        ({"change": "CHG-8"}, "it is for change CHG-8, not CHG-7"),
        ({"environment": "stage"}, "it is for environment stage, not prod"),
    ],
)  # fmt: skip
def test_an_approval_of_something_else_touches_nothing(
    tuesday: Tuesday, says: dict[str, Any], why: str
) -> None:
    assert why in blocked(tuesday, tuesday.apply(approval=tuesday.approve(**says)))


def test_nobody_approves_his_own_patches(tuesday: Tuesday) -> None:
    """Also where the baseline names him among those who may."""
    me = f"{{principal: {login.name()}, key: '{tuesday.signer.fingerprint}'}}"
    tuesday.baseline("approvals", f"approvals: {{{SCENARIO}: {{signers: [{me}]}}}}")

    done = tuesday.apply(approval=tuesday.approve(approver=me))

    assert f"it is by {login.name()}, who runs this" in blocked(tuesday, done)

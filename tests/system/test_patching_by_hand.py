"""Patches and rollback points of one real host, carried out in this process."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from pytest_ddd import clock
from pytest_ddd.actions.carrying_out import UNDONE, Carried, Hand
from pytest_ddd.actions.journal import Journal
from pytest_ddd.actions.patching import boots, health
from pytest_ddd.actions.patching.applying import ApplyPatch
from pytest_ddd.actions.patching.jobs import Job
from pytest_ddd.actions.patching.points import MakePoint
from pytest_ddd.baseline.loader import load_baseline
from pytest_ddd.connections import Connections, Session
from pytest_ddd.errors import CannotLookError, DddError
from pytest_ddd.probes import patches, rollback
from pytest_ddd.probes.scope import Scope
from tests.lab.host import LabHost
from tests.lab.lab import Lab
from tests.support.reaching import reaching

pytestmark = pytest.mark.needs("lab")

NAME = "app1"
BASELINE = """
hosts: {{app1: {{connection: 'local://'}}}}
maintenance: {{mode: {{begin: touch /root/out, end: rm -f /root/out}}}}
{sections}
"""
SHOP = """
patches:
  shop:
    commands:
      pending: "[ -e /root/shop.new ] || echo shop 1 to 2"
      apply: "{apply}"
      undo: "{undo}"
      verify: "{verify}"
    settle: 1s
    reboot: {{when: never}}
    checks: ["{check}"]
"""
GOOD = {
    "apply": "touch /root/shop.new",
    "undo": "rm -f /root/shop.new",
    "verify": "test -e /root/shop.new",
    "check": "true",
}


@dataclass
class Desk:
    """A host, the way to it, and the hand that changes it."""

    host: LabHost
    connections: Connections
    folder: Path

    def scope(self, sections: str) -> Scope:
        text = BASELINE.format(sections=sections)
        (self.folder / "prod.yaml").write_text(text, encoding="utf-8")
        return Scope(
            baseline=load_baseline(self.folder, "prod"),
            hosts=(NAME,),
            whole=True,
            connections=self.connections,
            profile="day",
            since=clock.now(),
            started_at=clock.now(),
        )

    @property
    def hand(self) -> Hand:
        return Hand(journal=Journal(self.folder), run_id="r" * 32, operator="omar")

    def patch(self, **says: str) -> ApplyPatch:
        (entry,) = patches.entries(self.scope(SHOP.format(**{**GOOD, **says})))
        return ApplyPatch(entry)

    def point(self, section: str) -> MakePoint:
        (entry,) = rollback.entries(self.scope(f"rollback: {{p: {section}}}"))
        return MakePoint(entry)

    def has(self, path: str) -> bool:
        return not self.host.run(["test", "-e", path]).returncode


@pytest.fixture(scope="module")
def host(lab: Lab) -> Iterator[LabHost]:
    """A host of this file's own."""
    host = lab.fresh("desk")
    yield host
    lab.remove(host)


@pytest.fixture
def desk(lab: Lab, host: LabHost, tmp_path: Path) -> Iterator[Desk]:
    """The host as nobody has changed it yet."""
    host.run("rm -rf /root/shop* /root/out /var/lib/pytest-ddd /root/kept /root/repo", check=True)
    with reaching(lab, host, name=NAME, sudo=True) as connections:
        yield Desk(host=host, connections=connections, folder=tmp_path)


def texts(done: Carried) -> list[str]:
    return [str(one) for one in done.problems]


def test_commands_update_once_and_go_back(desk: Desk) -> None:
    """What is up to date is left alone; what was done can be taken back by name."""
    done = desk.hand.carry_out(desk.patch())
    assert done.problems == ()
    assert "shop 1 to 2" in done.plan.detail
    assert (desk.has("/root/shop.new"), desk.has("/root/out")) == (True, False)

    again = desk.hand.carry_out(desk.patch())
    assert not again.plan.is_needed
    assert "nothing to update on app1" in again.plan.summary

    (deed,) = [one for one in desk.hand.journal.deeds() if one.is_in_force]
    assert desk.hand.take_back(deed, desk.patch()) == ()
    assert (desk.has("/root/shop.new"), desk.has("/root/out")) == (False, False)


@pytest.mark.parametrize(
    ("says", "why"),
    [
        ({"apply": "touch /root/shop.new; echo no room; exit 3"}, "exit status 3: no room"),
        ({"verify": "echo still old; exit 1"}, "still old"),
        ({"check": "echo ill; test ! -e /root/shop.new"}, "ill"),
    ],
    ids=["apply", "verify", "check"],
)
def test_what_does_not_work_is_taken_back(desk: Desk, says: dict[str, str], why: str) -> None:
    """The host is as before, and in service again."""
    done = desk.hand.carry_out(desk.patch(**says))

    assert why in texts(done)[0]
    assert texts(done)[-1] == UNDONE
    assert (desk.has("/root/shop.new"), desk.has("/root/out")) == (False, False)


def test_a_way_back_that_fails_is_named(desk: Desk) -> None:
    """The host stays out of service, and the deed stays open."""
    done = desk.hand.carry_out(desk.patch(verify="false", undo="echo stuck; exit 1"))

    assert "stuck" in texts(done)[1]
    assert "could NOT be undone" in texts(done)[-1]
    assert desk.has("/root/out")
    assert len(desk.hand.left_open()) == 1


def test_pending_that_fails_is_unknown(desk: Desk) -> None:
    """Nobody updates what he could not look at."""
    desk.host.write("/root/shop.new", "")
    text = SHOP.format(**GOOD).replace("|| echo", "&& exit 9 || echo")
    (entry,) = patches.entries(desk.scope(text))

    with pytest.raises(CannotLookError, match="9"):
        desk.hand.carry_out(ApplyPatch(entry))
    assert not desk.has("/root/out")


def test_without_root_nothing_begins(lab: Lab, host: LabHost, desk: Desk) -> None:
    """It says where to write what is missing."""
    with reaching(lab, host, name=NAME, sudo=False) as connections:
        blind = Desk(host=host, connections=connections, folder=desk.folder)
        with pytest.raises(CannotLookError, match="not as root") as told:
            blind.hand.carry_out(blind.patch())
    assert "sudo: true" in told.value.hint


def test_restic_keeps_paths_and_brings_them_back(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A point that cannot be read back is found before anything is changed."""
    monkeypatch.setenv("POINTS", "a secret")
    desk.host.write("/root/kept/a", "old\n")
    desk.host.run("RESTIC_PASSWORD='a secret' restic -q init -r /root/repo", check=True)
    section = "{restic: {repository: /root/repo, password: {env: POINTS}, paths: [/root/kept]}}"
    action = desk.point(section)

    assert "restic backup /root/kept" in action.plan().detail
    assert desk.hand.carry_out(action).problems == ()
    desk.host.write("/root/kept/a", "new\n")
    (entry,) = rollback.entries(desk.scope(f"rollback: {{p: {section}}}"))
    kept = entry.read()
    assert kept.point is not None
    action._kind.restore(kept.point)
    assert desk.host.run("cat /root/kept/a").stdout == "old\n"

    zeroes = "dd if=/dev/zero of={} bs=64 count=1 conv=notrunc status=none"
    desk.host.run(f"find /root/repo/data -type f -exec {zeroes} ';'", check=True)
    assert "restic cannot read snapshot" in str(action.verify()[0])


def test_commands_make_a_point_and_what_fails_is_no_point(desk: Desk) -> None:
    """A command that fails, or a point that does not verify, is RED and leaves none."""
    good = (
        "{command: {create: 'echo id7 >/root/kept', verify: 'test -e /root/kept', restore: 'true'}}"
    )
    assert desk.hand.carry_out(desk.point(good)).problems == ()

    for bad, why in (
        (good.replace("echo id7 >/root/kept", "echo full; false"), "full"),
        (good.replace("test -e", "! test -e"), "test -e /root/kept"),
    ):
        done = desk.hand.carry_out(desk.point(bad))
        assert why in texts(done)[0]
        assert texts(done)[-1] == UNDONE


def test_a_point_that_somebody_changed_is_no_point(desk: Desk) -> None:
    """What cannot be read is UNKNOWN, not "none"."""
    desk.host.write("/var/lib/pytest-ddd/points/p/point.json", "{}")

    with pytest.raises(CannotLookError, match="is no rollback point"):
        desk.point("{packages: {}}").plan()


def test_a_job_goes_on_and_says_what_became_of_it(desk: Desk) -> None:
    """One that is killed is lost; one that takes too long is left alone."""
    session = desk.connections.session(NAME)
    job = Job(session, "try")
    assert job.state().name == "none"
    job.run("echo done\n", within_s=30.0)
    assert job.state().ended_well

    with pytest.raises(DddError, match="still runs after"):
        job.run("sleep 600\n", within_s=0.5)
    assert job.state().name == "running"
    with pytest.raises(DddError, match="not disturbed"):
        job.run("echo me too\n", within_s=0.5)
    desk.host.run("kill -9 -$(cat /var/lib/pytest-ddd/jobs/try/pid)", check=True)
    assert job.wait(within_s=30.0).name == "lost"
    with pytest.raises(DddError, match="exit status 7: broken"):
        job.run("echo broken; exit 7\n", within_s=30.0)


def test_a_host_that_does_not_boot_says_so(desk: Desk) -> None:
    """An order to boot is no boot: the boot id stays the same."""
    session = desk.connections.session(NAME)
    desk.host.run("systemctl mask --runtime reboot.target", check=True)
    try:
        with pytest.raises(DddError, match="its boot id is the same"):
            boots.reboot(session, within_s=2.0)
    finally:
        late = "while pgrep -f '[s]leep 0.5; systemctl reboot'; do sleep 0.1; done"
        desk.host.run(f"{late}; systemctl unmask --runtime reboot.target", check=True)


@pytest.mark.parametrize("look", [health.running, health.failed])
def test_units_that_nobody_can_list_are_not_well(
    desk: Desk, look: Callable[[Session], list[str]]
) -> None:
    """No answer is not the answer that nothing has failed."""
    session = desk.connections.session(NAME)
    look(session)
    desk.host.write("/usr/local/bin/systemctl", "#!/bin/sh\necho no bus >&2\nexit 1\n")
    desk.host.run("chmod +x /usr/local/bin/systemctl", check=True)
    try:
        with pytest.raises(CannotLookError, match="no bus"):
            look(session)
    finally:
        desk.host.run("rm /usr/local/bin/systemctl", check=True)

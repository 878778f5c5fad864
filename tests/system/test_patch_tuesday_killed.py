"""A run that patches is killed at a random moment: the next one tells, finishes, or undoes."""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from signal import SIGKILL

import pytest

from pytest_ddd.actions.journal import Deed, Journal
from tests.lab.lab import Lab
from tests.lab.proc import wait_for
from tests.support.patching import Tuesday, open_tuesday

pytestmark = pytest.mark.needs("lab", "dpkg-deb", "ssh-keygen")

NAMES = ("one1", "one2")
KILLS = int(os.environ.get("DDD_PATCH_KILLS", "4"))
"""How often the run is killed: 4 here, 20 with DDD_PATCH_KILLS=20."""

SEED = int(os.environ.get("DDD_PATCH_SEED", "0")) or random.randrange(1, 1 << 30)
JOB_S = 60.0


@pytest.fixture(scope="module")
def two(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tuesday]:
    """Two hosts, one batch each."""
    made = open_tuesday(lab, tmp_path_factory.mktemp("killed"), NAMES)
    yield made
    made.archive.close()
    for host in made.hosts.values():
        lab.remove(host)


def deeds(tuesday: Tuesday) -> tuple[Deed, ...]:
    return Journal(tuesday.root).deeds()


def killed(tuesday: Tuesday, share: float) -> None:
    """Begin to patch, and kill the run after a share of what it wrote into its journal before.

    A line of the journal is a better clock than time: a slow machine is killed as far on its way
    as a fast one. Between two lines, chance decides.
    """
    journal = tuesday.root / ".pytest-ddd/actions/journal.jsonl"
    run = tuesday.begin()
    lines = int(share * LINES)

    def is_time() -> bool:
        written = journal.read_text().count("\n") if journal.exists() else 0
        return not run.running or written >= lines

    assert wait_for(is_time, 300.0)
    wait_for(lambda: not run.running, random.uniform(0.0, 1.0))
    run.stop(SIGKILL)


LINES = 20
"""A whole run: two hosts, two actions each, and a begin and an end of `do` and `verify` of each,
and the last sixth of the moments is after its end."""


@pytest.mark.parametrize("number", range(KILLS))
def test_what_a_kill_leaves_is_named_and_ends_well(two: Tuesday, number: int) -> None:
    """Whole packages everywhere, no later batch ahead of its turn, and a way on and back."""
    chance = random.Random(SEED + number)
    random.seed(SEED + number)
    two.reset()
    killed(two, chance.random())
    told = f"seed {SEED + number}"

    busy = "for p in /var/lib/pytest-ddd/jobs/*/pid; do [ -e ${p%pid}status ] || [ ! -e $p ] || exit 1; done"
    for host in two.hosts.values():  # a job ends by itself: nobody leaves packages by half
        # What was on its way when the run was killed may still begin one.
        assert wait_for(lambda host=host: bool(host.run("pgrep -f '[s]shd: ops'").returncode)), told  # type: ignore[misc]
        assert wait_for(lambda host=host: not host.run(busy).returncode, JOB_S), told  # type: ignore[misc]
        assert host.run("dpkg --audit").stdout == "", told
    versions = two.versions()
    assert set(versions.values()) <= {"1.0", "1.1"}, told
    is_done = {
        one.subject.target
        for one in deeds(two)
        if one.is_in_force and one.subject.kind == "patches"
    }
    assert "one2" not in two.touched() or "one1" in is_done, told
    open_ones = [one for one in deeds(two) if one.is_open]
    listed = two.ddd("history", "actions").stdout
    assert listed.count("! left open: ") == len(open_ones), told
    for one in open_ones:
        assert str(one.subject) in listed, told
    for name in two.drained():
        assert f"patches.app on {name}" in listed, told
    if chance.random() < 0.5:
        finishes(two, told)
    else:
        undoes(two, told)


def finishes(two: Tuesday, told: str) -> None:
    """The same run again brings it to its end, and says what it found."""
    left = [one.subject.target for one in deeds(two) if one.is_open]
    done = two.apply()

    assert done.status == 0, f"{told}\n{done.text}"
    assert set(two.versions().values()) == set(two.served().values()) == {"1.1"}, told
    assert two.drained() == [], told
    assert not [one for one in deeds(two) if one.is_open], told
    for name in left:
        outcomes = {done.of(step, name).outcome.value for step in ("rollback_point", "patch")}
        assert "YELLOW" in outcomes, f"{told}\n{done.text}"


def undoes(two: Tuesday, told: str) -> None:
    """`action undo` brings back what was there, on each host of its own."""
    for kind in ("patches", "rollback"):
        done = two.ddd("action", "undo", "--host=prod", f"--kind={kind}")
        assert done.returncode == 0, f"{told}\n{done.stdout}{done.stderr}"
    assert set(two.versions().values()) == set(two.served().values()) == {"1.0"}, told
    assert two.drained() == [], told
    assert not [one for one in deeds(two) if one.is_open], told

"""A real host before and after somebody changes it: made worse by hand, and healed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pytest_ddd.connections import Connections
from pytest_ddd.errors import CannotLookError
from pytest_ddd.outcomes import Outcome, worst
from pytest_ddd.probes import host_states
from pytest_ddd.results import CHANGED_PACKAGES, explain, judge
from tests.lab.host import LabHost
from tests.lab.lab import Lab
from tests.lab.proc import wait_for
from tests.support.reaching import reaching
from tests.support.scopes import scope_of

pytestmark = pytest.mark.needs("lab")

PATIENCE_S = 60.0
CONDITIONS = """
host_states:
  ready:
    sessions: {ports: [80, 443], warn: 3, crit: 5}
    free: {/srv/small: {warn: 3MiB, crit: 1MiB}}
"""
SLOW_PACKAGE = """
mkdir -p /tmp/slow/DEBIAN && cd /tmp
printf 'Package: slow\\nVersion: 1\\nArchitecture: all\\nMaintainer: x <x@x>\\nDescription: x\\n' \\
  >slow/DEBIAN/control
printf '#!/bin/sh\\nexec sleep 600\\n' >slow/DEBIAN/postinst && chmod 755 slow/DEBIAN/postinst
dpkg-deb -Znone -b slow
"""
Look = Callable[[], host_states.State]


@pytest.fixture(scope="module")
def host(lab: Lab) -> Iterator[LabHost]:
    """A host of this file's own."""
    host = lab.fresh("patched")
    host.run("mkdir /srv/small && mount -t tmpfs -o size=4M none /srv/small", check=True)
    yield host
    lab.remove(host)


@pytest.fixture(scope="module")
def way(lab: Lab, host: LabHost) -> Iterator[Connections]:
    with reaching(lab, host, name="here", sudo=True) as connections:
        yield connections


@pytest.fixture
def look(way: Connections, tmp_path: Path) -> Look:
    def looked() -> host_states.State:
        (entry,) = host_states.entries(scope_of(tmp_path, CONDITIONS, way))
        return entry.read()

    return looked


def told(state: host_states.State) -> tuple[Outcome, str]:
    judged = [judge(*one) for one in state.judged]
    red = [Outcome.RED] if state.problems else []
    bad = [explain(one) for one in judged if one.outcome is not Outcome.GREEN]
    texts = [problem.text for problem in state.problems]
    return worst([*(one.outcome or Outcome.UNKNOWN for one in judged), *red]), "; ".join(
        bad + texts
    )


def test_a_quiet_host_is_green(look: Look) -> None:
    """And its packages and services are listed."""
    state = look()

    assert told(state) == (Outcome.GREEN, "")
    assert "\nnginx-light 1." in state.texts["packages"]
    assert "\nnginx.service active" in state.texts["services"]


@contextmanager
def visitors(host: LabHost, count: int) -> Iterator[None]:
    """Hold connections to nginx open."""
    opened = "\n".join(f"exec {number}<>/dev/tcp/127.0.0.1/80" for number in range(10, 10 + count))
    browser = host.popen(f"exec bash -c '{opened}\n echo ready; exec sleep 600'")
    try:
        browser.ready(lambda: "ready" in browser.tail(), PATIENCE_S)
        yield
    finally:
        browser.stop()


@pytest.mark.parametrize(("count", "outcome"), [(3, Outcome.YELLOW), (6, Outcome.RED)])
def test_too_many_people_at_work(look: Look, host: LabHost, count: int, outcome: Outcome) -> None:
    """Before a change that is the reason not to begin."""
    with visitors(host, count):
        busy = told(look())

    assert busy[0] is outcome
    assert f"sessions {count} >= " in busy[1]
    assert wait_for(lambda: told(look())[0] is Outcome.GREEN, PATIENCE_S)


def test_no_room(look: Look, host: LabHost) -> None:
    """What an update needs is not there, and then is."""
    host.run("head -c 3500000 /dev/zero >/srv/small/big", check=True)
    full = told(look())
    host.run("rm /srv/small/big", check=True)

    assert full[0] is Outcome.RED
    assert "free /srv/small " in full[1]
    assert told(look())[0] is Outcome.GREEN


def test_another_package_manager_at_work_and_what_it_leaves(look: Look, host: LabHost) -> None:
    """A real dpkg that takes its time; killed, it leaves a package that is installed by half."""
    host.run(SLOW_PACKAGE, check=True)
    busy = host.popen("exec dpkg -i /tmp/slow.deb")
    try:
        assert wait_for(lambda: "half-configured" in told(look())[1], PATIENCE_S)
        locked = told(look())
    finally:
        busy.stop()
    half = told(look())
    host.run("dpkg --purge --force-all slow", check=True)

    assert "/var/lib/dpkg/lock is locked by dpkg (pid " in locked[1]
    assert half == (Outcome.RED, "slow 1 is half-configured")
    assert told(look())[0] is Outcome.GREEN


def test_a_service_that_does_not_run_any_more(look: Look, host: LabHost) -> None:
    """It has not failed: only who knows that it ran before can tell."""
    before = look()
    host.run("systemctl stop cron", check=True)
    after = look()
    host.run("systemctl start cron", check=True)

    assert told(after)[0] is Outcome.GREEN
    assert told(after.since(before.texts)) == (
        Outcome.RED,
        "cron.service was active before and is inactive now",
    )
    assert told(look().since(before.texts))[0] is Outcome.GREEN


def test_a_failed_service_is_yellow(look: Look, host: LabHost) -> None:
    host.run("systemd-run --unit=lab-broken false; true", check=True)
    broken = wait_for(lambda: "services that failed" in told(look())[1], PATIENCE_S)
    state = told(look())
    host.run("systemctl reset-failed lab-broken", check=True)

    assert broken
    assert state[0] is Outcome.YELLOW
    assert told(look())[0] is Outcome.GREEN


def test_changed_packages_are_listed(look: Look, host: LabHost) -> None:
    """As the compliance log takes them over."""
    before = look()
    host.run(SLOW_PACKAGE.replace("exec sleep 600", "true"), check=True)
    host.run("dpkg -i /tmp/slow.deb", check=True)
    after = look().since(before.texts)
    host.run("dpkg --purge slow", check=True)

    changed = next(one for one in after.readings if one.name == CHANGED_PACKAGES)
    assert (changed.value, changed.detail) == (1, "slow (new) -> 1")


def test_without_a_list_of_before_nobody_knows(look: Look) -> None:
    with pytest.raises(CannotLookError, match="no list of packages and services from before"):
        look().since({})


def test_a_find_that_cannot_tell_says_so(look: Look, host: LabHost) -> None:
    """BusyBox knows no -printf: no lock seen is no lock excluded."""
    host.write("/usr/local/bin/find", "#!/bin/sh\necho 'unrecognized: -printf' >&2\nexit 1\n")
    host.run("chmod +x /usr/local/bin/find", check=True)
    try:
        with pytest.raises(CannotLookError, match="knows no -printf") as told_so:
            look()
        assert "findutils" in told_so.value.hint
    finally:
        host.run("rm /usr/local/bin/find", check=True)
    assert told(look())[0] is Outcome.GREEN


def test_who_may_not_see_locks_says_so(lab: Lab, host: LabHost, tmp_path: Path) -> None:
    """Without root, no lock seen is no lock excluded."""
    with reaching(lab, host, name="here", sudo=False) as connections:
        (entry,) = host_states.entries(scope_of(tmp_path, CONDITIONS, connections))
        with pytest.raises(CannotLookError, match="not root"):
            entry.read()

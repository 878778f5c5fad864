"""Checks and xdist workers: a host stays on one worker, and its steps stay in order."""

from __future__ import annotations

import pytest

from pytest_ddd.plugin.workers import deal, scope_of
from tests.plugin.conftest import Site

HOSTS = "hosts: {" + ", ".join(f"web{n}: {{connection: 'local://'}}" for n in range(1, 13)) + "}"
STEPS = """
    pytestmark = [pytest.mark.daily, pytest.mark.scenario("morning-health-check")]

    @pytest.mark.step(3)
    def test_third(host): pass

    @pytest.mark.step(1)
    def test_first(host): pass

    @pytest.mark.step(2)
    def test_second(host): pass

    @pytest.mark.step(2)
    def test_environment(): pass
"""


@pytest.mark.parametrize(
    ("nodeid", "scope"),
    [
        ("morning-health-check::reachable[web1]", "web1"),
        ("checks/test_a.py::test_disk[web1-disk:/var]", "web1"),
        ("checks/test_a.py::test_disk[web10-disk:/var]", "web10"),
        ("checks/test_a.py::test_disk[web1]", "web1"),
        ("checks/test_a.py::test_disk[web1-a-5]", "web1-a"),
        ("checks/test_a.py::test_shop[shop]", ""),
        ("checks/test_a.py::test_plain", ""),
    ],
)
def test_scope(nodeid: str, scope: str) -> None:
    """The longest name that fits is the host."""
    assert scope_of(nodeid, ("web1-a", "web10", "web1")) == scope


def test_hosts_are_dealt_to_the_worker_with_least_to_do() -> None:
    """By the number of checks, in their order; what belongs to no host is dealt like a host."""
    scopes = ["", "", "", "web1", "web2", "web2", "web1", "web3", "web1"]

    assert deal(scopes, 2) == {"": 0, "web1": 1, "web2": 0, "web3": 1}


def test_ordinary_tests_stand_for_themselves() -> None:
    """Without checks, tests are dealt out one by one."""
    assert scope_of("tests/test_a.py::test_a[web1]", ()) == "tests/test_a.py::test_a[web1]"


def test_host_stays_on_one_worker_in_order(site: Site) -> None:
    """Twelve hosts, two workers: each host on one of them, its steps in order."""
    site.baseline("prod", hosts=HOSTS)
    site.check(STEPS)

    done = site.run("--host=prod", "-n2")

    by_host: dict[str, list[tuple[int, str]]] = {}
    for result in done.results:
        by_host.setdefault(result.target, []).append((result.step, result.worker))
    assert len(by_host) == 13
    for looked in by_host.values():
        assert [step for step, _ in looked] == sorted(step for step, _ in looked)
        assert len({worker for _, worker in looked}) == 1
    assert {worker for looked in by_host.values() for _, worker in looked} == {"gw0", "gw1"}

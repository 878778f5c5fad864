"""Patch Tuesday on real Debian hosts: apt, a local archive, batches, and each fault."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.lab.lab import Lab
from tests.support.patching import Tuesday, open_tuesday

pytestmark = pytest.mark.needs("lab", "dpkg-deb")

NAMES = ("app1", "app2", "app3", "app4")
OLD, NEW = dict.fromkeys(NAMES, "1.0"), dict.fromkeys(NAMES, "1.1")
ALL_GREEN = dict.fromkeys(NAMES, "GREEN")


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


def test_four_hosts_in_three_batches(tuesday: Tuesday) -> None:
    done = tuesday.apply()
    print(done.text)

    assert done.outcomes("patch") == ALL_GREEN, done.text
    assert done.status == 0, done.text
    assert (tuesday.versions(), tuesday.served()) == (NEW, NEW)
    assert tuesday.drained() == []

"""Which host comes in which batch."""

from __future__ import annotations

import pytest

from pytest_ddd.probes.updates import batches


@pytest.mark.parametrize(
    ("sizes", "count", "found"),
    [
        (["1", "25%", "100%"], 4, [1, 1, 2]),
        (["1", "25%", "100%"], 1, [1]),
        (["1", "25%", "100%"], 100, [1, 25, 74]),
        (["10%"], 3, [1, 1, 1]),
        (["2", "3"], 10, [2, 3, 3, 2]),
        (["100%"], 0, []),
    ],
)
def test_the_last_size_goes_on_and_nobody_is_left_out(
    sizes: list[str], count: int, found: list[int]
) -> None:
    assert batches.sizes(sizes, count) == found


def test_named_hosts_and_groups_come_first() -> None:
    hosts = ("db1", "web1", "web2", "web3")
    groups = {"canary": ("web2", "other"), "web": ("web1", "web2", "web3")}

    assert batches.ordered(hosts, ["canary", "web"], groups) == ("web2", "web1", "web3", "db1")

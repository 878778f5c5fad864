"""Put hosts into batches: a canary first, then larger ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence


def ordered(
    hosts: Sequence[str], order: Sequence[str], groups: Mapping[str, Sequence[str]]
) -> tuple[str, ...]:
    """Return the hosts that `order` names, by itself or by a group, and then the others."""
    found: dict[str, None] = {}
    for name in order:
        members = groups.get(name, (name,))
        found |= dict.fromkeys(one for one in members if one in hosts)
    return tuple(found | dict.fromkeys(hosts))


def sizes(batches: Sequence[str], count: int) -> list[int]:
    """Return how many hosts each batch has; the last size goes on until there are no more.

    A percentage is of all hosts, and at least one host.
    """
    found: list[int] = []
    left, number = count, 0
    while left:
        text = batches[min(number, len(batches) - 1)]
        share = int(text.removesuffix("%"))
        size = max(1, count * share // 100) if text.endswith("%") else share
        found.append(min(size, left))
        left -= found[-1]
        number += 1
    return found

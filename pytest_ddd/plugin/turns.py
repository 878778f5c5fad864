"""Lets a check whose target is there run before those that still have to be waited for."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from heapq import heappop, heappush

import pytest


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """What decides when an item may run.

    Attributes:
        leg: items change places within one leg only; None for an item that stays where it is.
        target: of one target all checks stay in order.
    """

    leg: int | None
    target: str


class Turns:
    """Puts the items of a session in the order in which they can run, always the next one.

    Among checks that are ready the order of the steps holds.

    Args:
        items: of the session; they are moved in place, never before one that has run.
        turns: of each of them.
        is_ready: whether nothing that an item needs is still on its way.
        wait: returns once something has arrived.
    """

    def __init__(
        self,
        items: list[pytest.Item],
        turns: Sequence[Turn],
        *,
        is_ready: Callable[[pytest.Item], bool],
        wait: Callable[[], None],
    ) -> None:
        self._items, self._turns = items, turns
        self._is_ready, self._wait = is_ready, wait
        self._way = list(items)
        self._place = list(range(len(items)))
        """Where each item of the way stands now."""
        self._at_place = list(range(len(items)))
        """Which item of the way stands at each place."""
        self._leg: int | None = None
        self._ready: list[tuple[int, deque[int]]] = []
        """The next check of each target that is ready, and those after it; a heap."""
        self._waiting: list[deque[int]] = []

    def settle(self, place: int) -> None:
        """Decide which item comes at that place; all places before it are settled."""
        if place >= len(self._items):
            return
        if self._turns[place].leg != self._leg:
            self._enter(place)
        if self._leg is None:
            return
        while not self._ready:
            self._waiting = [line for line in self._waiting if not self._offer(line)]
            if not self._ready:
                self._wait()
        number, line = heappop(self._ready)
        line.popleft()
        self._move(number, place)
        if line and not self._offer(line):
            self._waiting.append(line)

    def _enter(self, start: int) -> None:
        """Let the checks of a leg queue up, in one line for each target."""
        self._leg = self._turns[start].leg
        if self._leg is None:
            return
        lines: dict[str, deque[int]] = {}
        for number in range(start, len(self._turns)):
            turn = self._turns[number]
            if turn.leg != self._leg:
                break
            lines.setdefault(turn.target, deque()).append(number)
        self._waiting = list(lines.values())

    def _offer(self, line: deque[int]) -> bool:
        if not self._is_ready(self._way[line[0]]):
            return False
        heappush(self._ready, (line[0], line))
        return True

    def _move(self, number: int, place: int) -> None:
        """Let an item of the way and the one at that place change places."""
        other, left = self._at_place[place], self._place[number]
        self._items[place], self._items[left] = self._way[number], self._way[other]
        self._place[number], self._place[other] = place, left
        self._at_place[place], self._at_place[left] = number, other

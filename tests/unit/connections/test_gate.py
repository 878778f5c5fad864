"""How many connections open at the same time, and when the next one may."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from pytest_ddd import clock
from pytest_ddd.connections import gate as gates
from pytest_ddd.connections.gate import LOOK_AGAIN_S, PACE_S, UNQUESTIONED, OpeningGate
from pytest_ddd.connections.loop import IoLoop, Timer

MANY = UNQUESTIONED + 5


class _Loop(IoLoop):
    """A loop whose time a test moves on."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self.calls: list[tuple[float, Callable[[], None]]] = []

    def call_at(self, when: float, callback: Callable[[], None]) -> Timer:
        self.calls.append((when, callback))
        return Timer(callback)

    def move_on(self, seconds: float) -> None:
        """Let time pass, and run what has become due, in order."""
        until_s = self.now_s + seconds
        while self.calls and min(when for when, _ in self.calls) <= until_s:
            due = min(self.calls, key=lambda call: call[0])
            self.calls.remove(due)
            self.now_s = max(self.now_s, due[0])
            due[1]()
        self.now_s = until_s


@pytest.fixture
def loop(monkeypatch: pytest.MonkeyPatch) -> _Loop:
    made = _Loop()
    monkeypatch.setattr(clock, "monotonic", lambda: made.now_s)
    return made


def _enter(gate: OpeningGate, count: int) -> list[int]:
    """Let so many come; return the list in which each puts its number when it starts."""
    started: list[int] = []
    for number in range(count):
        gate.enter(partial(started.append, number))
    return started


def test_an_idle_machine_opens_as_many_as_may_be_in_flight(loop: _Loop) -> None:
    gate = OpeningGate(loop, MANY, is_busy=lambda: False)
    started = _enter(gate, MANY + 3)

    assert started == list(range(MANY))
    gate.leave()
    assert started == list(range(MANY + 1))


def test_a_busy_machine_opens_few_at_once_and_goes_on_when_it_has_time(loop: _Loop) -> None:
    busy = [True]
    gate = OpeningGate(loop, MANY, is_busy=lambda: busy[0])
    started = _enter(gate, MANY)

    assert started == list(range(UNQUESTIONED))
    busy[0] = False
    loop.move_on(LOOK_AGAIN_S)
    assert started == list(range(MANY))


def test_a_machine_that_never_has_time_opens_one_after_the_other(loop: _Loop) -> None:
    gate = OpeningGate(loop, MANY - 1, is_busy=lambda: True)
    started = _enter(gate, MANY)

    for more in range(1, 4):
        loop.move_on(PACE_S + LOOK_AGAIN_S)
        assert started == list(range(UNQUESTIONED + more))
    loop.move_on(100.0)
    assert started == list(range(MANY - 1))  # no more than may be in flight
    assert not loop.calls  # and nobody looks for nothing


def test_one_that_leaves_a_busy_machine_makes_room(loop: _Loop) -> None:
    gate = OpeningGate(loop, MANY, is_busy=lambda: True)
    started = _enter(gate, MANY)
    gate.leave()

    assert started == list(range(UNQUESTIONED + 1))


@pytest.mark.parametrize(
    ("text", "opened"),
    [("0.9 0.5 0.2 3000/9000 77\n", UNQUESTIONED), ("9.0 9.0 9.0 1/80 77\n", MANY), (None, MANY)],
    ids=["busy", "idle", "another system"],
)
def test_the_kernel_says_how_much_is_ready_to_run(
    loop: _Loop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str | None, opened: int
) -> None:
    monkeypatch.setattr(gates, "LOADAVG", tmp_path / "loadavg")
    if text is not None:
        (tmp_path / "loadavg").write_text(text)

    assert len(_enter(OpeningGate(loop, MANY), MANY)) == opened

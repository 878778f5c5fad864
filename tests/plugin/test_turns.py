"""The order in which checks run: what is there comes first, and the terminal shows steps in order."""

from __future__ import annotations

import re
import socket
import threading
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_ddd.plugin.turns import Turn, Turns
from tests.plugin.conftest import Site
from tests.support.http_servers import Server, answer, serving

PATIENCE_S = 60.0
LEGS = st.lists(st.tuples(st.booleans(), st.lists(st.sampled_from("abc"), max_size=6)), max_size=4)
"""Runs of targets; True for those that stay where they are."""


def _turns_of(legs: list[tuple[bool, list[str]]]) -> list[Turn]:
    return [
        Turn(leg=None if stays else number, target=target)
        for number, (stays, targets) in enumerate(legs)
        for target in targets
    ]


@given(LEGS, st.data())
def test_each_item_comes_once_in_its_leg_and_in_order_of_its_target(
    legs: list[tuple[bool, list[str]]], data: st.DataObject
) -> None:
    turns = _turns_of(legs)
    items = list(range(len(turns)))
    there: set[int] = set()

    def arrive() -> None:
        missing = [one for one in range(len(turns)) if one not in there]
        there.add(data.draw(st.sampled_from(missing)))

    one = Turns(
        cast("list[pytest.Item]", items),
        turns,
        is_ready=lambda item: cast("int", item) in there,
        wait=arrive,
    )
    for place in range(len(turns)):
        if data.draw(st.booleans()) and len(there) < len(turns):
            arrive()
        one.settle(place)
        assert turns[place].leg is None or items[place] in there
        assert sorted(items) == list(range(len(turns)))  # at every moment

    assert [turns[item].leg for item in items] == [turn.leg for turn in turns]
    for target in "abc":
        of_target = [item for item in items if turns[item].target == target]
        assert of_target == sorted(of_target)
    for place, turn in enumerate(turns):
        assert turn.leg is not None or items[place] == place


@given(LEGS)
def test_where_everything_is_there_nothing_is_moved(legs: list[tuple[bool, list[str]]]) -> None:
    turns = _turns_of(legs)
    items = list(range(len(turns)))

    def never() -> None:
        raise AssertionError("waited")

    one = Turns(cast("list[pytest.Item]", items), turns, is_ready=lambda _item: True, wait=never)
    for place in range(len(turns)):
        one.settle(place)

    assert items == list(range(len(turns)))


class _Held:
    """Answers /slow only once somebody has asked for /release."""

    def __init__(self) -> None:
        self.may_answer = threading.Event()

    def __call__(self, connection: socket.socket, server: Server) -> None:
        _, path, *_ = [*server.read_head(connection).split(), "", ""]
        if path == "/release":
            self.may_answer.set()
        elif path == "/slow":
            self.may_answer.wait(PATIENCE_S)
        connection.sendall(answer())


RELEASE = 'urllib.request.urlopen("URL/release").read()'
STEPS = """
    import urllib.request

    def _look(endpoint):
        assert endpoint.read().problems == ()

    @pytest.mark.step(1)
    def test_first(endpoint):
        _look(endpoint)

    @pytest.mark.step(2)
    def test_second(endpoint):
        _look(endpoint)
        if endpoint.key == "quick":
            urllib.request.urlopen("URL/release").read()

    @pytest.mark.step(3)
    def test_third(endpoint):
        _look(endpoint)
        assert endpoint.key == "slow"
"""


def _declare(site: Site, server: Server) -> None:
    declared = ", ".join(
        f"{name}: {{url: '{server.url}/{name}', deadline: {PATIENCE_S:g}s, attempts: {{count: 1}}}}"
        for name in ("slow", "quick")
    )
    site.baseline("local", endpoints=f"endpoints: {{{declared}}}")
    site.check(STEPS.replace("URL", server.url))


@pytest.mark.parametrize("arguments", [(), ("-n0",)], ids=["plain", "n0"])
def test_a_slow_target_holds_up_no_other(site: Site, arguments: tuple[str, ...]) -> None:
    """The slow one is let go by a check of the quick one that stands after it."""
    with serving(_Held()) as server:
        _declare(site, server)
        done = site.run(*arguments)

    assert done.status == 1, done.text
    bad = [entry for entry, colour in done.outcomes().items() if colour != "GREEN"]
    assert bad == ["endpoint:quick/quick"]  # the third step of that one
    ran = [(one.entry, one.step) for one in done.results]
    assert ran.index(("quick", 2)) < ran.index(("slow", 1))
    assert [step for entry, step in ran if entry == "slow"] == [1, 2, 3]


def test_letters_stand_in_the_order_of_the_steps_all_the_same(site: Site) -> None:
    with serving(_Held()) as server:
        _declare(site, server)
        done = site.run()

    lines = [line.split() for line in done.text.splitlines()]
    assert [line[:4] for line in lines if line[:2] in (["1", "Step"], ["2", "Step"])][:2] == [
        ["1", "Step", "1", ".."],
        ["2", "Step", "2", ".."],
    ]
    assert next(line for line in lines if line[:2] == ["3", "Step"])[3] in ("R.", ".R")


EMPTY = "\n    @pytest.mark.step({0})\n    def test_{0}(log):\n        log.read()\n"


def test_each_step_has_a_line_of_its_own(site: Site) -> None:
    """Also where several become complete at once: nothing is declared for the last five."""
    with serving(_Held()) as server:
        _declare(site, server)
        site.check(STEPS.replace("URL", server.url) + "".join(map(EMPTY.format, range(4, 9))))
        done = site.run()

    steps = [line for line in done.text.splitlines() if re.match(r"\d Step \d ", line)]
    assert [line.split()[-1] for line in steps[3:-1]] == ["-"] * 4, done.text
    assert [line[0] for line in steps] == list("12345678"), done.text


LATE = """
    endpoints:
      slow: {url: 'http://127.0.0.1:1/', attempts: {count: 2, interval: 500ms}}
      quick: {url: 'tcp://127.0.0.1:1', attempts: {count: 1}}
"""


def test_who_reads_every_check_gets_them_in_order(site: Site) -> None:
    """With -v nothing is moved: the slow one is waited for."""
    site.baseline("local", endpoints=LATE)
    site.check(STEPS)
    done = site.run("-v")

    assert [(one.step, one.entry) for one in done.results if one.step] == [
        (step, entry) for step in (1, 2, 3) for entry in ("slow", "quick")
    ]


@pytest.mark.parametrize("option", ["--stepwise", "-x", "--maxfail=1"])
def test_nothing_stands_before_the_first_failure_that_has_not_run(site: Site, option: str) -> None:
    """--stepwise goes on from there next time, and leaves out what stands before it."""
    site.baseline("local", endpoints=LATE)
    site.check(STEPS)
    site.pytester.runpytest_subprocess(option)

    assert [one.entry for one in site.results() if one.step] == ["slow"]


def test_a_run_that_is_stopped_shows_what_it_has(site: Site) -> None:
    """An earlier step is not complete when a check of a later one ends the run."""
    held = _Held()
    with serving(held) as server:
        _declare(site, server)
        stopped = STEPS.replace(RELEASE, "request.session.shouldstop = 'enough'; assert False")
        site.check(stopped.replace("second(endpoint)", "second(endpoint, request)"))
        done = site.run()
        held.may_answer.set()

    lines = [line.split()[:4] for line in done.text.splitlines()]
    assert ["1", "Step", "1", "."] in lines, done.text
    assert ["2", "Step", "2", "R"] in lines, done.text

"""The pool that reads ahead: all at once, one host's share, one question a host, and an end."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

import pytest

from pytest_ddd import clock
from pytest_ddd.connections import Completed, Connections, parse_hostspec
from pytest_ddd.errors import CannotLookError
from pytest_ddd.probes.ahead import A_HOST, ReadAhead
from pytest_ddd.probes.entry import Entry
from pytest_ddd.results import Problem, Reading
from tests.lab.net import free_port

PATIENCE_S = 60.0
NEW_EACH_TIME = "cat /proc/sys/kernel/random/uuid"


@dataclass(frozen=True)
class Seen:
    """An answer that holds one text."""

    text: str = ""
    readings: tuple[Reading, ...] = ()
    problems: tuple[Problem, ...] = ()


class Looking(Entry[Seen]):
    """An entry that looks as a test says."""

    def __init__(self, look: Callable[[], str], *, host: str = "", names: str = "") -> None:
        super().__init__(section="own", key="own", target=host or "own", host=host)
        self._look = look
        self._names = names

    def look(self) -> Seen:
        return Seen(self._look())

    def foresee(self, known: Mapping[str, Completed]) -> Iterable[str]:
        return (self._names,) if self._names else ()


@pytest.fixture
def connections() -> Iterator[Connections]:
    """Two hosts that are this machine, and one that is dead."""
    dead = parse_hostspec(f"ssh://127.0.0.1:{free_port()}?connect_timeout=5s", name="dead")
    here = {name: parse_hostspec("local://", name=name) for name in ("web1", "web2")}
    made = Connections({**here, "dead": dead})
    yield made
    made.close()


@pytest.fixture
def ahead(connections: Connections) -> Iterator[ReadAhead]:
    made = ReadAhead(connections)
    yield made
    made.stop()


def _never() -> None:
    return


def _fails() -> str:
    raise CannotLookError("blind")


def test_entries_without_a_host_are_read_at_the_same_time(ahead: ReadAhead) -> None:
    """Two hundred looks that wait for each other come to an end."""
    together = threading.Barrier(200)
    entries = [Looking(lambda: str(together.wait(PATIENCE_S))) for _ in range(200)]

    ahead.start(entries, ())

    assert all(ahead.wait(entry, _never) for entry in entries)
    assert {entry.read().text for entry in entries} == {str(place) for place in range(200)}


def test_a_host_that_hangs_holds_up_nobody_else(ahead: ReadAhead) -> None:
    """One host may have its share of the pool, and no more."""
    let_go = threading.Event()
    stuck = [Looking(lambda: str(let_go.wait(PATIENCE_S)), host="web1") for _ in range(A_HOST * 3)]
    quick = [Looking(lambda: "seen", host="web2"), Looking(lambda: "seen")]

    ahead.start([*stuck, *quick], ("web1", "web2"))

    assert [ahead.wait(entry, _never) for entry in quick] == [True, True]
    assert not any(entry.looked for entry in stuck)
    assert ahead.far.reads_done == 2
    let_go.set()
    assert all(ahead.wait(entry, _never) for entry in stuck)


def test_an_unreachable_host_is_not_looked_at(ahead: ReadAhead) -> None:
    """Who waits for its entries goes on, and nobody has looked."""
    entry = Looking(lambda: "seen", host="dead")

    ahead.start([entry], ["dead"])

    assert ahead.wait(entry, _never)
    assert entry.looked is None


def test_what_is_foreseen_is_asked_once(ahead: ReadAhead, connections: Connections) -> None:
    """Entries that name one command get one answer; a second look of theirs asks the host."""

    def ask() -> str:
        return connections.session("web1").run(NEW_EACH_TIME, repeatable=True).text

    entries = [Looking(ask, host="web1", names=NEW_EACH_TIME) for _ in range(3)]
    ahead.start(entries, ["web1"])
    assert all(ahead.wait(entry, _never) for entry in entries)

    first = {entry.read().text for entry in entries}
    entries[0].forget()

    assert len(first) == 1
    assert entries[0].read().text not in first


def test_a_look_that_foresaw_nothing_asks_itself(
    ahead: ReadAhead, connections: Connections
) -> None:
    """What was asked for others is not taken for an entry's own answer."""

    def ask() -> str:
        return connections.session("web1").run(NEW_EACH_TIME, repeatable=True).text

    foreseen = [Looking(ask, host="web1", names=NEW_EACH_TIME) for _ in range(2)]
    own = Looking(ask, host="web1")
    ahead.start([*foreseen, own], ["web1"])
    assert all(ahead.wait(entry, _never) for entry in (*foreseen, own))

    assert own.read().text != foreseen[0].read().text


def test_a_failure_is_kept_for_the_check(ahead: ReadAhead) -> None:
    """The look's error waits for the one who reads, and says how long the look took."""
    entry = Looking(_fails)

    ahead.start([entry], ())
    assert ahead.wait(entry, _never)

    assert entry.reads == 0
    assert entry.looked is not None
    with pytest.raises(CannotLookError, match="blind"):
        entry.read()


def test_what_is_forgotten_is_read_again(ahead: ReadAhead) -> None:
    """A later phase gets its own look."""
    looks = iter(["first", "second"])
    entry = Looking(lambda: next(looks), host="web1")
    ahead.start([entry], ["web1"])
    assert ahead.wait(entry, _never)

    ahead.forget([entry])
    ahead.start([entry], ["web1"])
    assert ahead.wait(entry, _never)

    assert entry.read().text == "second"


def test_stopping_lets_go_who_waits(ahead: ReadAhead) -> None:
    """After the end nobody waits, and nothing new is looked at."""
    let_go = threading.Event()
    running = Looking(lambda: str(let_go.wait(PATIENCE_S)), host="web1")
    queued = [Looking(lambda: str(let_go.wait(PATIENCE_S)), host="web1") for _ in range(A_HOST)]
    ahead.start([running, *queued], ["web1"])

    ahead.stop()

    assert all(ahead.wait(entry, _never) for entry in (running, *queued))
    let_go.set()


def test_waiting_tells_that_it_waits(ahead: ReadAhead) -> None:
    """A long wait calls back now and then."""
    let_go = threading.Event()
    entry = Looking(lambda: str(let_go.wait(PATIENCE_S)))
    ahead.start([entry], ())

    assert ahead.wait(entry, let_go.set)
    assert ahead.far.reads == 1


def test_the_time_of_a_look_holds_what_was_asked_for_it(
    ahead: ReadAhead, connections: Connections
) -> None:
    """The question to the host is a part of the look."""

    def ask() -> str:
        return connections.session("web1").run("sleep 0.2", repeatable=True).text

    entries = [Looking(ask, host="web1", names="sleep 0.2") for _ in range(2)]
    before = clock.now()
    ahead.start(entries, ["web1"])
    assert all(ahead.wait(entry, _never) for entry in entries)

    looked = entries[0].looked
    assert looked is not None
    assert looked.took_s >= 0.2
    assert looked.started_at >= before

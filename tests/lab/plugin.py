"""Let pytest use the lab: the `needs` mark, one installation for all selected tests, and the fixtures."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import pytest

from tests.lab import bootstrap, image, kernel
from tests.lab.demand import catalogue, missing
from tests.lab.host import LabHost
from tests.lab.lab import Lab
from tests.lab.proc import Proc
from tests.lab.reap import Ledger
from tests.lab.svc.tls import Authority

EXIT_USAGE = 4
DEFAULT_HOSTS = ("web1", "web2", "db1")
INPUT_KEY = "ddd_lab_needs"
Provision = Callable[[Iterable[str]], None]


class WorkerNode(Protocol):
    """The two attributes of an xdist worker that are used here."""

    workerinput: dict[str, object]
    config: pytest.Config


@dataclass(slots=True)
class Demand:
    """What the selected tests need, found by the process that collected them."""

    needs: set[str] = field(default_factory=set)
    deselected: dict[str, int] = field(default_factory=dict)
    provided: bool = False

    def dump(self, path: Path) -> None:
        """Hand over to the controller, in one step."""
        data = {"needs": sorted(self.needs), "deselected": self.deselected}
        with tempfile.NamedTemporaryFile("w", dir=path.parent, delete=False) as handle:
            json.dump(data, handle)
        Path(handle.name).rename(path)

    def load(self, path: Path) -> None:
        """Take over what a worker found."""
        data = json.loads(path.read_text(encoding="utf-8"))
        self.needs = set(data["needs"])
        self.deselected = data["deselected"]


DEMAND = pytest.StashKey[Demand]()
EXCHANGE = pytest.StashKey["tempfile.TemporaryDirectory[str]"]()
BUILDER = pytest.StashKey[Proc]()
LEDGER = pytest.StashKey[Ledger]()


def pytest_configure(config: pytest.Config) -> None:
    """Register the mark."""
    config.addinivalue_line(
        "markers", "needs(*names): programs or groups of tests/lab/packages.toml the test uses"
    )
    config.stash[DEMAND] = Demand()


def needs_of(item: pytest.Item) -> set[str]:
    """All names in the item's `needs` marks."""
    return {str(name) for mark in item.iter_markers("needs") for name in mark.args}


def split(
    items: list[pytest.Item], lacking: Callable[[frozenset[str]], list[str]]
) -> tuple[list[pytest.Item], dict[str, list[pytest.Item]]]:
    """The items this kernel can run, and the others by what is lacking."""
    keep: list[pytest.Item] = []
    drop: dict[str, list[pytest.Item]] = {}
    for item in items:
        lacks = lacking(catalogue().features(needs_of(item)) - {"root"})
        if lacks:
            drop.setdefault(", ".join(lacks), []).append(item)
        else:
            keep.append(item)
    return keep, drop


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what this kernel cannot do; under CI that is an error (see provide)."""
    try:
        keep, drop = split(items, kernel.lacking)
    except KeyError as error:
        raise pytest.UsageError(str(error.args[0])) from error
    demand = config.stash[DEMAND]
    demand.deselected = {lacks: len(tests) for lacks, tests in drop.items()}
    if drop:
        config.hook.pytest_deselected(items=[item for tests in drop.values() for item in tests])
        items[:] = keep


@pytest.hookimpl(tryfirst=True)
def pytest_collection_finish(session: pytest.Session) -> None:
    """Install what the selected tests need; an xdist worker hands the list to its controller instead."""
    demand = session.config.stash[DEMAND]
    demand.needs = set().union(*(needs_of(item) for item in session.items))
    exchange = getattr(session.config, "workerinput", {}).get(INPUT_KEY)
    if exchange is not None:
        demand.dump(Path(str(exchange)))
    elif not session.config.option.collectonly:
        provide(session.config)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: WorkerNode) -> None:
    """Tell each worker of xdist where to put what its tests need."""
    stash = node.config.stash
    if EXCHANGE not in stash:
        stash[EXCHANGE] = tempfile.TemporaryDirectory(prefix="dddlab-needs-")
    exchange = stash[EXCHANGE]
    node.workerinput[INPUT_KEY] = str(Path(exchange.name, "needs.json"))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_node_collection_finished(node: WorkerNode) -> None:
    """Install once, after the first worker's collection and before any test."""
    demand = node.config.stash[DEMAND]
    if not demand.provided:
        demand.load(Path(str(node.workerinput[INPUT_KEY])))
        provide(node.config)


def say(config: pytest.Config, line: str) -> None:
    """One line in the terminal, if there is one."""
    terminal = config.pluginmanager.get_plugin("terminalreporter")
    if terminal is not None:
        terminal.write_line(line)


def provide(config: pytest.Config) -> None:
    """Install or refuse, once a run; refusing ends it with exit code 4 and one list."""
    demand = config.stash[DEMAND]
    demand.provided = True
    for lacks, number in demand.deselected.items():
        line = f"lab: this kernel lacks {lacks}: {number} tests deselected"
        if os.environ.get("CI") == "true":
            pytest.exit(line, returncode=EXIT_USAGE)
        say(config, line)
    needs = sorted(demand.needs)
    if "root" in catalogue().features(needs) and not kernel.has("root"):
        lack = missing(needs)
        more = f"\n{lack}" if lack else ""
        pytest.exit(
            f"lab: {', '.join(needs)}: needs root: run the same command with sudo{more}", EXIT_USAGE
        )
    try:
        seconds = bootstrap.provide(needs)
    except bootstrap.RefusedError as error:
        pytest.exit(f"lab: {error}", returncode=EXIT_USAGE)
    if seconds is not None:
        say(config, f"lab: installed what {', '.join(needs)} need in {seconds:.1f} s")
    if "lab" in demand.needs:
        _build_image(config)


def _build_image(config: pytest.Config) -> None:
    # Beside the tests that need no host: who needs one first waits for the builder's lock.
    if image.cached():
        return
    ledger = config.stash[LEDGER] = Ledger.open()
    root = Path(__file__).parents[2]
    config.stash[BUILDER] = Proc(
        ledger, "image", [sys.executable, "-m", "tests.lab.image"], cwd=root
    )


def pytest_unconfigure(config: pytest.Config) -> None:
    """End what the controller itself started."""
    if BUILDER in config.stash:
        config.stash[BUILDER].stop()
    if LEDGER in config.stash:
        config.stash[LEDGER].close()
    if EXCHANGE in config.stash:
        config.stash[EXCHANGE].cleanup()


@pytest.fixture(scope="session")
def ledger() -> Iterator[Ledger]:
    """What this session (or xdist worker) has made; anything still there at its end is a leak, and an error."""
    mine = Ledger.open()
    yield mine
    leaks = mine.close()
    assert not leaks, "the lab leaked:\n" + "\n".join(leaks)


@pytest.fixture(scope="session")
def lab(ledger: Ledger) -> Iterator[Lab]:
    """The lab: a network without hosts until a test asks for some."""
    made = Lab(ledger)
    yield made
    made.close()


@pytest.fixture(scope="session")
def lab_hosts(lab: Lab) -> dict[str, LabHost]:
    """Three running hosts web1, web2 and db1, shared by all tests: leave them as you found them."""
    return lab.up(DEFAULT_HOSTS)


@pytest.fixture
def fresh_host(lab: Lab) -> Iterator[Callable[[], LabHost]]:
    """Call it for a running host of your own; break it as you like."""
    made: list[LabHost] = []

    def make() -> LabHost:
        made.append(lab.fresh())
        return made[-1]

    yield make
    for host in made:
        lab.remove(host)


@pytest.fixture(scope="session")
def authority(ledger: Ledger) -> Authority:
    """A certificate authority for servers on loopback."""
    return Authority(ledger.dir / "loopback-ca")

"""Results on their way: in the spool at once, in the store soon, and never in none of them."""

from __future__ import annotations

import fcntl
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from sqlalchemy import func, select, text

from pytest_ddd.history import memory as module
from pytest_ddd.history import runs
from pytest_ddd.history.memory import Memory
from pytest_ddd.history.records import RunEnd, RunStart
from pytest_ddd.history.spool import Spool
from pytest_ddd.history.store import Store
from pytest_ddd.history.tables import READINGS, RESULTS
from pytest_ddd.outcomes import Outcome
from tests.support.sshd import until
from tests.unit.history.samples import START, result, start


@dataclass
class Site:
    """A site whose run is remembered, and what others see of it."""

    url: str
    root: Path
    of: RunStart = field(default_factory=start)

    def begin(self) -> Memory:
        """Begin to remember the run."""
        memory = Memory(self.url, self.root, self.of.run_id)
        memory.begin(self.of)
        return memory

    @property
    def spool(self) -> Path:
        """The file of the run."""
        return self.root / ".pytest-ddd" / "spool" / f"{self.of.run_id}.jsonl"

    @property
    def stored(self) -> tuple[int, int]:
        """How many results and readings another program sees."""
        with Store.open(self.url, self.root) as store, store.reading() as tx:
            results, readings = (
                tx.execute(select(func.count()).select_from(table)).scalar_one()
                for table in (RESULTS, READINGS)
            )
            return results, readings


@pytest.fixture
def site(url: str, tmp_path: Path) -> Site:
    """A site with either kind of database."""
    return Site(url=url, root=tmp_path)


@pytest.fixture
def seldom(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let nothing be stored by itself during the test."""
    monkeypatch.setattr(module, "STORE_S", 3600.0)


def test_results_are_stored_while_the_run_goes_on(site: Site) -> None:
    """Nobody has to end the run for others to see what it found; then the spool is empty."""
    memory = site.begin()
    results = [result(site.of, target=f"web{number}") for number in range(50)]

    for one in results:
        memory.add(one)

    expected = (50, sum(len(one.readings) for one in results))
    assert until(lambda: site.stored == expected, within_s=30.0)
    assert until(lambda: site.spool.stat().st_size == 0)
    memory.close()


@pytest.mark.usefixtures("seldom")
def test_a_result_is_in_the_spool_before_it_is_in_the_store(site: Site) -> None:
    """So a run that is killed in between loses nothing; one that ends takes the file away."""
    memory = site.begin()

    memory.add(result(site.of))
    memory.add(result(site.of, Outcome.RED, target="web2"))

    assert len(site.spool.read_text().splitlines()) == 3  # how the run begins, and two results
    assert site.stored[0] == 0
    memory.finish(site.of.scenario, RunEnd(finished_at=START, outcome=Outcome.RED))
    assert site.stored[0] == 2
    memory.close()
    assert not site.spool.exists()


@pytest.mark.usefixtures("seldom")
def test_the_next_run_stores_what_a_killed_one_left(site: Site) -> None:
    """Also what was stored already and is still in the spool, and each result once."""
    killed = site.begin()
    killed.add(result(site.of))
    killed.add(result(site.of, target="web2"))
    left = site.spool.read_bytes()
    killed._store_pending()
    killed.add(result(site.of, target="web3"))
    killed._spool.close(is_done=False)  # as its end would let go of it
    site.spool.write_bytes(left + site.spool.read_bytes())

    Memory(site.url, site.root, "next").close()

    assert site.stored[0] == 3
    assert not site.spool.exists()
    killed.close()  # lets go of the database; what it would store is there


@pytest.mark.usefixtures("seldom")
def test_without_a_spool_each_result_is_stored_at_once(site: Site) -> None:
    """A site that cannot be written loses nothing to the wait, and nothing has gone wrong."""
    (site.root / ".pytest-ddd").write_text("a file, no directory")
    memory = site.begin()

    memory.add(result(site.of))

    assert site.stored[0] == 1
    assert memory.failures == []
    memory.close()


def test_a_store_that_breaks_leaves_everything_in_the_spool(site: Site) -> None:
    """The failure is told once, and the next run stores what is there."""
    memory = site.begin()
    assert memory.store is not None
    with memory.store.transaction() as tx:
        tx.execute(text("ALTER TABLE readings RENAME TO away"))

    memory.add(result(site.of))
    assert until(lambda: memory.store is None)
    memory.add(result(site.of, target="web2"))
    memory.close()

    assert len(memory.failures) == 1
    assert len(site.spool.read_text().splitlines()) == 3


@pytest.mark.usefixtures("seldom")
def test_what_anything_else_stops_is_stored_the_next_time(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A mistake of ours is heard, and takes neither the rows nor their lines in the spool."""
    memory = site.begin()
    memory.add(result(site.of))

    def fail(*_: object) -> None:
        raise ValueError

    with monkeypatch.context() as patch:
        patch.setattr(runs, "put", fail)
        with pytest.raises(ValueError):  # noqa: PT011 - the one of above
            memory._store_pending()
    kept = site.spool.read_text().splitlines()
    memory.close()

    assert len(kept) == 2
    assert site.stored[0] == 1


def test_a_spool_that_is_taken_before_it_is_locked_is_made_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another run finds the file in that moment, empty, and removes it."""
    spool, lock = Spool(tmp_path, "mine"), fcntl.flock
    taken: list[int] = []

    def locked(descriptor: int, how: int) -> None:
        if not taken:
            spool.path.unlink()
            taken.append(how)
        lock(descriptor, how)

    monkeypatch.setattr(fcntl, "flock", locked)

    spool.write(b"a line\n")

    assert spool.path.read_bytes() == b"a line\n"
    spool.close(is_done=True)
    assert not spool.path.exists()

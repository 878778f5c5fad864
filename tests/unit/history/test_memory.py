"""Results on their way: in the spool at once, in the store soon, and never in none of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import func, select, text

from pytest_ddd.history import memory as module
from pytest_ddd.history.memory import Memory
from pytest_ddd.history.records import RunEnd, RunStart
from pytest_ddd.history.store import Store
from pytest_ddd.history.tables import READINGS, RESULTS
from pytest_ddd.outcomes import Outcome
from pytest_ddd.results import CheckResult
from tests.support.sshd import until
from tests.unit.history.samples import START, result, start

Remembering = Callable[[], Memory]


@pytest.fixture
def of() -> RunStart:
    """The run that is remembered."""
    return start()


@pytest.fixture
def remembering(url: str, of: RunStart, tmp_path: Path) -> Iterator[Remembering]:
    """Begin to remember the run; what is open at the end is closed."""
    made: list[Memory] = []

    def make() -> Memory:
        made.append(Memory(url, tmp_path, of.run_id))
        made[-1].begin(of)
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture
def spool(of: RunStart, tmp_path: Path) -> Path:
    """The file of the run that is remembered."""
    return tmp_path / ".pytest-ddd" / "spool" / f"{of.run_id}.jsonl"


@pytest.fixture
def seldom(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let nothing be stored by itself during the test."""
    monkeypatch.setattr(module, "STORE_S", 3600.0)


def _stored(url: str, root: Path) -> tuple[int, int]:
    """Return how many results and readings another program sees."""
    with Store.open(url, root) as store, store.reading() as tx:
        results, readings = (
            tx.execute(select(func.count()).select_from(table)).scalar_one()
            for table in (RESULTS, READINGS)
        )
        return results, readings


def _readings(*results: CheckResult) -> int:
    return sum(len(one.readings) for one in results)


def test_results_are_stored_while_the_run_goes_on(
    remembering: Remembering, of: RunStart, url: str, tmp_path: Path, spool: Path
) -> None:
    """Nobody has to end the run for others to see what it found; then the spool is empty."""
    memory = remembering()
    results = [result(of, target=f"web{number}") for number in range(50)]

    for one in results:
        memory.add(one)

    assert until(lambda: _stored(url, tmp_path) == (50, _readings(*results)), within_s=30.0)
    assert until(lambda: spool.stat().st_size == 0)


@pytest.mark.usefixtures("seldom")
def test_a_result_is_in_the_spool_before_it_is_in_the_store(
    remembering: Remembering,
    of: RunStart,
    url: str,
    tmp_path: Path,
    spool: Path,
) -> None:
    """So a run that is killed in between loses nothing; one that ends takes the file away."""
    memory = remembering()

    memory.add(result(of))
    memory.add(result(of, Outcome.RED, target="web2"))

    assert len(spool.read_text().splitlines()) == 3  # how the run begins, and two results
    assert _stored(url, tmp_path)[0] == 0
    memory.finish(of.scenario, RunEnd(finished_at=START, outcome=Outcome.RED))
    assert _stored(url, tmp_path)[0] == 2
    memory.close()
    assert not spool.exists()


@pytest.mark.usefixtures("seldom")
def test_the_next_run_stores_what_a_killed_one_left(
    remembering: Remembering,
    of: RunStart,
    url: str,
    tmp_path: Path,
    spool: Path,
) -> None:
    """Also what was stored already and is still in the spool, and each result once."""
    killed = remembering()
    killed.add(result(of))
    killed.add(result(of, target="web2"))
    left = spool.read_bytes()
    killed._store_pending()
    killed.add(result(of, target="web3"))
    killed._spool.close(is_done=False)  # as its end would let go of it
    spool.write_bytes(left + spool.read_bytes())

    Memory(url, tmp_path, "next").close()

    assert _stored(url, tmp_path)[0] == 3
    assert not spool.exists()


@pytest.mark.usefixtures("seldom")
def test_without_a_spool_each_result_is_stored_at_once(
    remembering: Remembering,
    of: RunStart,
    url: str,
    tmp_path: Path,
) -> None:
    """A site that cannot be written loses nothing to the wait, and nothing has gone wrong."""
    (tmp_path / ".pytest-ddd").write_text("a file, no directory")
    memory = remembering()

    memory.add(result(of))

    assert _stored(url, tmp_path)[0] == 1
    assert memory.failures == []


def test_a_store_that_breaks_leaves_everything_in_the_spool(
    remembering: Remembering, of: RunStart, tmp_path: Path, spool: Path
) -> None:
    """The failure is told once, and the next run stores what is there."""
    memory = remembering()
    assert memory.store is not None
    with memory.store.transaction() as tx:
        tx.execute(text("ALTER TABLE readings RENAME TO away"))

    memory.add(result(of))
    assert until(lambda: memory.store is None)
    memory.add(result(of, target="web2"))
    memory.close()

    assert len(memory.failures) == 1
    assert len(spool.read_text().splitlines()) == 3

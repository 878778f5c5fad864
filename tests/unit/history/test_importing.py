"""Lines of a history and of a record, taken out and in again."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path

import pytest

from pytest_ddd.errors import RecordError
from pytest_ddd.history import lines, runs, telling
from pytest_ddd.history.importing import BATCH, Import, Imported
from pytest_ddd.history.memory import Memory
from pytest_ddd.history.records import RunEnd
from pytest_ddd.history.store import Store
from pytest_ddd.occurrences import State
from pytest_ddd.outcomes import Outcome
from pytest_ddd.results import to_record
from tests.support.sshd import until
from tests.unit.history.samples import START, remember, result, start


def imported(store: Store, path: Path, text: str, *, evaluated: bool = True) -> Imported:
    """Write a file and import it."""
    path.write_text(text, encoding="utf-8")
    return Import(store, evaluated=evaluated).read(path)


def exported(store: Store) -> str:
    """Return everything that a store holds."""
    file = io.StringIO()
    with store.reading() as tx:
        for run in reversed(telling.listed(tx, limit=99)):
            telling.export(tx, run, file)
    return file.getvalue()


def test_what_was_exported_is_the_same_again(store: Store, tmp_path: Path) -> None:
    first, second = start(0), start(1, kind="ad-hoc", due_at=None)
    remember(store, first, [result(first), result(first, Outcome.RED, target="web2")])
    remember(store, second, [result(second, Outcome.YELLOW)], interrupted=True, narrowed=True)
    text = exported(store)

    with Store.open("sqlite:///other.db", tmp_path) as other:
        done = imported(other, tmp_path / "history.jsonl", text)
        again = imported(other, tmp_path / "history.jsonl", text)
        with other.reading() as tx:
            newest, oldest = telling.listed(tx)
            waiting = runs.unevaluated(tx)
        assert exported(other) == text

    assert (done.runs, done.results, done.known, done.damage) == (2, 3, 0, ())
    assert (again.runs, again.results, again.known) == (0, 0, 3)
    assert oldest.counts == {"GREEN": 1, "RED": 1}
    assert (newest.state, newest.narrowed) == (State.INTERRUPTED, True)
    assert waiting == ()


def test_a_record_of_evidence_makes_a_run(store: Store, tmp_path: Path) -> None:
    of = start()
    text = "".join(
        json.dumps({**to_record(one), "seq": 1, "prev": "0" * 64}) + "\n"
        for one in (result(of), result(of, Outcome.RED, target="web2"))
    )

    done = imported(store, tmp_path / "results.jsonl", text)

    with store.reading() as tx:
        [run] = telling.listed(tx)
        found = [record["target"] for record in telling.records(tx, run)]
    assert done.results == 2
    assert (run.kind, run.state, run.outcome) == ("ad-hoc", State.FINISHED, Outcome.RED)
    assert run.started_at == START
    assert found == ["web1", "web2"]


def test_more_than_a_batch_is_stored_whole(store: Store, tmp_path: Path) -> None:
    of = start()
    template = to_record(result(of))
    text = "".join(
        lines.of_record(template | {"result_id": str(number)}) for number in range(BATCH + 7)
    )

    assert imported(store, tmp_path / "results.jsonl", text).results == BATCH + 7


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("{\n", "2 bytes that are not JSON"),
        ("[]\n", "not a record"),
        ('{"v": 2}\n', "record version 2, expected 1"),
        ('{"history": 2}\n', "history version 2, expected 1"),
        ('{"history": 1}\n', "is not allowed here"),
        ('{"v": 1, "outcome": "BLUE"}\n', "outcome 'BLUE' is none of GREEN"),
        ('{"v": 1, "outcome": "RED", "started_at": "noon"}\n', "started_at is no time"),
        ('{"v": 1, "outcome": "RED", "started_at": "2026-11-23T08:30+01:00"}\n', "'run_id' is mis"),
        ('{"v": 1', "the last line is cut"),
    ],
)
def test_damage_is_told_and_the_rest_is_stored(tmp_path: Path, line: str, told: str) -> None:
    of = start()
    with Store.open("sqlite:///history.db", tmp_path) as store:
        good = lines.of_begin(of) + lines.of_result(result(of))

        done = imported(store, tmp_path / "some.jsonl", good + line)

    assert done.results == 1
    [sentence] = done.damage
    assert sentence.startswith(f"{tmp_path}/some.jsonl:3: ")
    assert told in sentence


def test_fields_of_another_type_are_told(tmp_path: Path) -> None:
    with Store.open("sqlite:///history.db", tmp_path) as store:
        record = to_record(result(start())) | {"readings": 7}

        done = imported(store, tmp_path / "some.jsonl", json.dumps(record) + "\n")

    assert done.results == 0
    assert "a field is not of its type" in done.damage[0]


def test_an_end_without_its_beginning_is_told(tmp_path: Path) -> None:
    end = RunEnd(finished_at=START, outcome=Outcome.GREEN)
    key = lines.RunKey(run_id="lost", environment="prod", scenario="daily-checks")
    with Store.open("sqlite:///history.db", tmp_path) as store:
        done = imported(store, tmp_path / "some.jsonl", lines.of_end(key, end))

    assert "the end of run lost, whose beginning is missing" in done.damage[0]


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with (
        Store.open("sqlite:///history.db", tmp_path) as store,
        pytest.raises(RecordError, match="cannot be read"),
    ):
        Import(store, evaluated=True).read(tmp_path / "missing.jsonl")


def test_what_waited_is_joined_to_what_was_stored(tmp_path: Path) -> None:
    """The history breaks in mid-run: the first result is in it, the second waits, both count."""
    of = start()
    url = "sqlite:///history.db"
    memory = Memory(url, tmp_path, of.run_id)
    memory.begin(of)
    memory.add(result(of))
    assert memory.store is not None
    waiting_file = tmp_path / f".pytest-ddd/spool/{of.run_id}.jsonl"
    assert until(lambda: waiting_file.stat().st_size == 0)
    memory.store.close()
    (tmp_path / "history.db").rename(tmp_path / "away.db")
    (tmp_path / "history.db").mkdir()
    memory.add(result(of, Outcome.RED, target="web2"))
    memory.finish(of.scenario, RunEnd(finished_at=START, outcome=Outcome.RED))
    memory.close()
    (tmp_path / "history.db").rmdir()
    (tmp_path / "away.db").rename(tmp_path / "history.db")

    after = Memory(url, tmp_path, "next")
    after.close()

    assert len(memory.failures) == 1
    assert after.failures == []
    with Store.open(url, tmp_path) as store, store.reading() as tx:
        [run] = telling.listed(tx)
        waiting = runs.unevaluated(tx)
    assert run.counts == {"GREEN": 1, "RED": 1}
    assert run.state is State.FINISHED
    assert len(waiting) == 1


def test_a_spool_that_is_damaged_is_kept(tmp_path: Path) -> None:
    of = start()
    spool = tmp_path / ".pytest-ddd" / "spool"
    spool.mkdir(parents=True)
    spool.joinpath("old.jsonl").write_text(lines.of_begin(of) + "{}\n")

    memory = Memory("sqlite:///history.db", tmp_path, "next")
    memory.close()

    assert "old.jsonl:2: record version None" in str(memory.failures[0])
    assert [path.name for path in spool.iterdir()] == ["old.damaged"]


def test_a_spool_that_its_run_still_writes_is_left_alone(tmp_path: Path) -> None:
    of = start()
    (tmp_path / "history.db").mkdir()
    broken = Memory("sqlite:///history.db", tmp_path, of.run_id)
    broken.begin(of)
    (tmp_path / "history.db").rmdir()

    other = Memory("sqlite:///history.db", tmp_path, "other")
    other.close()

    [waiting] = (tmp_path / ".pytest-ddd" / "spool").iterdir()
    assert waiting.name == f"{of.run_id}.jsonl"
    broken.close()


def test_nowhere_to_write_is_told_once(tmp_path: Path) -> None:
    of = start()
    (tmp_path / ".pytest-ddd").write_text("a file, no directory")

    memory = Memory("sqlite:///.pytest-ddd/history.db", tmp_path, of.run_id)
    memory.begin(of)
    memory.add(result(of))
    memory.add(result(replace(of)))
    memory.close()

    assert ["history" in one.message for one in memory.failures] == [True, False]
    assert "history import" in memory.failures[1].hint

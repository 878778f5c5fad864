"""Stores lines of a history or of a record; what is there already is passed over."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, select

from pytest_ddd.clock import from_stamp
from pytest_ddd.errors import RecordError
from pytest_ddd.history import lines, rows, runs, spool
from pytest_ddd.history.lines import RunKey
from pytest_ddd.history.records import RunEnd, RunStart
from pytest_ddd.history.store import Store
from pytest_ddd.history.tables import RESULTS, RUNS
from pytest_ddd.history.tally import Tally
from pytest_ddd.occurrences import State

BATCH = 20_000
"""Results that are stored together: few commits, and other writers wait for a second or two."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """What an import has done; `damage` has a sentence for each line that was not understood."""

    runs: int
    results: int
    known: int
    """Results that were there already."""
    damage: tuple[str, ...]


@dataclass(slots=True, kw_only=True)
class _Target:
    """A run that lines are stored into."""

    id: int
    seq: int
    known: set[str]
    """Results that are there already."""
    is_told: bool
    """Whether it is known how the run ended."""
    by_results: bool = False
    """Whether only its results tell that there was a run; they tell of its end, too."""
    last_at: str = ""
    last_s: float = 0.0
    """When the last result began, and how long it took."""
    tally: Tally = field(default_factory=Tally)


def take_spools(store: Store, root: Path) -> Iterator[RecordError]:
    """Store what earlier runs of a site could not, to be evaluated; yield what went wrong."""
    for path in spool.waiting(root):
        try:
            with spool.taken(path) as is_ours:
                if not is_ours:
                    continue
                damage = Import(store, evaluated=False).read(path).damage
                if damage:
                    kept = path.replace(path.with_suffix(".damaged"))
                    text = f"{damage[0]}; the other lines of it were stored"
                    yield RecordError(text, hint=f"look at {kept}")
                else:
                    path.unlink()
        except RecordError as failure:
            yield failure
        except OSError as error:
            yield RecordError(f"{path}: {error.strerror}", hint=f"ls -l {path}")


class Import:
    """One import into one store.

    Args:
        store: where to.
        evaluated: whether the results count as evaluated, so that old ones raise no alert.
    """

    def __init__(self, store: Store, *, evaluated: bool) -> None:
        self._store = store
        self._evaluated = evaluated
        self._targets: dict[RunKey, _Target] = {}
        self._results: list[rows.Row] = []
        self._readings: list[rows.Row] = []
        self._stored = self._known = self._runs = 0
        self._damage: list[str] = []

    def read(self, path: Path) -> Imported:
        """Import a file.

        Raises:
            RecordError: it cannot be read, or the history cannot be written.
        """
        try:
            with path.open("rb") as file:
                self._take_all(file, str(path))
        except OSError as error:
            message = f"{path}: cannot be read: {error.strerror}"
            raise RecordError(message, hint=f"ls -l {path}") from error
        return Imported(
            runs=self._runs,
            results=self._stored,
            known=self._known,
            damage=tuple(self._damage),
        )

    def _take_all(self, file: Iterable[bytes], name: str) -> None:
        numbered = enumerate(file, start=1)
        more = True
        while more:
            with self._store.transaction() as tx:
                more = self._take_batch(tx, numbered, name)
                self._flush(tx)
        with self._store.transaction() as tx:
            self._settle(tx)

    def _take_batch(self, tx: Connection, numbered: Iterable[tuple[int, bytes]], name: str) -> bool:
        """Take lines until a batch is full; False at the end of the file."""
        for number, line in numbered:
            try:
                self._take(tx, line)
            except (RecordError, KeyError, TypeError) as error:
                self._damage.append(f"{name}:{number}: {_sentence(error)}")
            if len(self._results) >= BATCH:
                return True
        return False

    def _take(self, tx: Connection, line: bytes) -> None:
        if not line.endswith(b"\n"):
            raise RecordError("the last line is cut: it was being written when its run ended")
        found = lines.parse(line)
        if isinstance(found, dict):
            self._take_result(tx, found)
        elif isinstance(found, RunStart):
            self._target(tx, found)
        else:
            self._end(tx, *found)

    def _take_result(self, tx: Connection, record: dict[str, Any]) -> None:
        key = RunKey(record["run_id"], record["environment"], record["scenario"])
        target = self._targets.get(key)
        if target is None:
            runs_before = self._runs
            target = self._target(tx, _start_of(key, record))
            target.by_results = self._runs > runs_before
        result_id = record["result_id"]
        if result_id in target.known:
            self._known += 1
            return
        row, readings = rows.of_record(record, target.id, target.seq + 1)
        target.seq += 1
        target.known.add(result_id)
        self._results.append(row)
        self._readings += readings
        target.tally.add(dict(row))
        if row["started_at"] >= target.last_at:
            target.last_at, target.last_s = row["started_at"], row["took_s"]

    def _target(self, tx: Connection, start: RunStart) -> _Target:
        """Return the run to store into; one that is unknown is made."""
        key = RunKey(run_id=start.run_id, environment=start.environment, scenario=start.scenario)
        if key not in self._targets:
            found = tx.execute(select(RUNS.c.id, RUNS.c.state).where(*_is(key))).first()
            if found is None:
                self._runs += 1
                self._targets[key] = _Target(
                    id=runs.begin(tx, start), seq=0, known=set(), is_told=False
                )
            else:
                told = found.state in (State.FINISHED, State.INTERRUPTED)
                self._targets[key] = _existing(tx, found.id, is_told=told)
        return self._targets[key]

    def _end(self, tx: Connection, key: RunKey, end: RunEnd) -> None:
        target = self._targets.get(key)
        if target is None:
            found = tx.execute(select(RUNS.c.id).where(*_is(key))).first()
            if found is None:
                raise RecordError(f"the end of run {key.run_id}, whose beginning is missing")
            target = self._targets[key] = _existing(tx, found.id, is_told=False)
        if not target.is_told:
            target.is_told = True
            runs.finish(tx, target.id, end, target.tally)

    def _flush(self, tx: Connection) -> None:
        runs.put(tx, self._results, self._readings)
        self._stored += len(self._results)
        self._results, self._readings = [], []
        if self._evaluated:
            for target in self._targets.values():
                runs.mark_evaluated(tx, target.id, target.seq)

    def _settle(self, tx: Connection) -> None:
        """Say how runs ended that only their results tell of."""
        for target in self._targets.values():
            if target.by_results and not target.is_told and target.last_at:
                ended_at = from_stamp(target.last_at) + timedelta(seconds=target.last_s)
                end = RunEnd(finished_at=ended_at, outcome=target.tally.outcome)
                runs.finish(tx, target.id, end, target.tally)


def _start_of(key: RunKey, record: dict[str, Any]) -> RunStart:
    """Return how a run began that only its results tell of."""
    return RunStart(
        run_id=key.run_id,
        environment=key.environment,
        scenario=key.scenario,
        started_at=from_stamp(record["started_at"]),
        process="imported",
    )


def _existing(tx: Connection, run: int, *, is_told: bool) -> _Target:
    mine = select(RESULTS).where(RESULTS.c.run == run).order_by(RESULTS.c.seq)
    target = _Target(id=run, seq=0, known=set(), is_told=is_told)
    for row in tx.execute(mine).mappings():
        target.seq = row["seq"]
        target.known.add(row["result_id"])
        target.tally.add(dict(row))
    return target


def _is(key: RunKey) -> tuple[Any, ...]:
    return (
        RUNS.c.run_id == key.run_id,
        RUNS.c.environment == key.environment,
        RUNS.c.scenario == key.scenario,
    )


def _sentence(error: RecordError | KeyError | TypeError) -> str:
    if isinstance(error, KeyError):
        return f"field {error} is missing"
    return str(error) if isinstance(error, RecordError) else "a field is not of its type"

"""Remembers one pytest run as it goes: a result is in a file when the call returns.

That file, the spool, is what the next run stores when this one is killed. Meanwhile a thread stores
what has come, several results at a time, and empties the spool. What cannot be stored stays in it,
and the failure is kept: any makes the exit status 76.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path

from pytest_ddd import clock
from pytest_ddd.errors import DddError, RecordError
from pytest_ddd.history import lines, processes, rows, runs, spool
from pytest_ddd.history.importing import take_spools
from pytest_ddd.history.lines import RunKey
from pytest_ddd.history.measures import gather
from pytest_ddd.history.previous import before
from pytest_ddd.history.records import RunEnd, RunStart
from pytest_ddd.history.store import Store
from pytest_ddd.history.tally import Tally
from pytest_ddd.history.trends import trends
from pytest_ddd.occurrences import Gathered, PreviousRun, Trend
from pytest_ddd.results import CheckResult, to_record

BEAT_S = 60.0
"""How often a run says that it is alive."""

STORE_S = 0.25
"""How often results are stored: one commit, and one way to a server and back, for all of them."""


@dataclass(slots=True, kw_only=True)
class _Routine:
    """The run of one scenario: its key in the store, and its last result there."""

    start: RunStart
    id: int = 0
    seq: int = 0
    tally: Tally = field(default_factory=Tally)
    is_in_spool: bool = False

    def store_begin(self, store: Store) -> None:
        with store.transaction() as tx:
            self.id = runs.begin(tx, self.start)

    def store_end(self, store: Store, end: RunEnd) -> None:
        with store.transaction(durable=True) as tx:
            runs.finish(tx, self.id, end, self.tally)

    @property
    def key(self) -> RunKey:
        return RunKey(
            run_id=self.start.run_id,
            environment=self.start.environment,
            scenario=self.start.scenario,
        )


class Memory:
    """The history as a run uses it; opened before the first result.

    Args:
        url: of the history; None for no history, and then nothing is remembered.
        root: the site, which has the spool in `.pytest-ddd/spool`.
        run_id: of this pytest run.
    """

    def __init__(self, url: str | None, root: Path, run_id: str) -> None:
        self.failures: list[RecordError] = []
        self.store: Store | None = None
        """None when there is no history, or it cannot be written, from the first failure on."""
        self._routines: dict[str, _Routine] = {}
        self._spool = spool.Spool(root, run_id)
        self._results: list[rows.Row] = []
        self._readings: list[rows.Row] = []
        """What is in the spool and not yet in the store."""
        self._lock = threading.Lock()
        """Of the spool and of what is not yet in the store."""
        self._storing = threading.Lock()
        """Of the store, and of its end; taken before the other one."""
        self._ended = threading.Event()
        self._is_off = url is None
        if url is not None:
            self._open(url, root)

    def begin(self, start: RunStart) -> PreviousRun | None:
        """Remember that the run of one scenario begins; return the one before, if one is known."""
        whole = replace(start, process=start.process or processes.own())
        self._routines[start.scenario] = routine = _Routine(start=whole)
        self._keep(routine, routine.store_begin, "")
        return self._previous(start)

    def add(self, result: CheckResult, line: bytes = b"") -> None:
        """Remember one result of a scenario that has begun.

        Args:
            result: without secrets.
            line: the same as a line of a record, from who has written it already.
        """
        if self._is_off:
            return
        routine, record = self._routines[result.scenario], to_record(result)
        routine.seq += 1
        row, readings = rows.of_record(record, routine.id, routine.seq)
        routine.tally.add(row)
        with self._lock:
            failure = self._to_spool(routine, line or lines.of_record(record).encode())
            if self.store is not None:
                self._results.append(row)
                self._readings += readings
        if failure is not None:
            self._store_pending(failure)

    def finish(self, scenario: str, end: RunEnd) -> None:
        """Remember how the run of one scenario ended; on the disk when this returns."""
        routine = self._routines[scenario]
        self._store_pending()
        self._keep(
            routine, lambda store: routine.store_end(store, end), lines.of_end(routine.key, end)
        )

    def gathered(
        self, environment: str, until: datetime, days: int, readings: Collection[str]
    ) -> Gathered:
        """Return what objectives count; nothing when the history cannot be read."""
        if self.store is None:
            return Gathered()
        try:
            with self.store.reading() as tx:
                return gather(tx, environment, until - timedelta(days=days), until, readings)
        except RecordError as failure:
            self._give_up(failure)
            return Gathered()

    def trends(self, scenario: str) -> tuple[Trend, ...]:
        """Return what a scenario's readings were in its last runs; nothing when that is unknown."""
        if self.store is None:
            return ()
        try:
            with self.store.reading() as tx:
                return trends(tx, self._routines[scenario].start.environment, scenario)
        except RecordError as failure:
            self._give_up(failure)
            return ()

    def close(self) -> None:
        """Close the history, and let later runs take the spool."""
        self._store_pending()
        self._ended.set()
        with self._storing, self._lock:
            self._spool.close(is_done=self.store is not None)
            if self.store is not None:
                self.store.close()

    def _open(self, url: str, root: Path) -> None:
        try:
            self.store = store = Store.open(url, root)
            self.failures += take_spools(store, root)
            with store.transaction() as tx:
                runs.abort_dead(tx)
        except DddError as failure:
            self._give_up(failure)
            return
        threading.Thread(target=self._beat, args=(store,), daemon=True, name="ddd-store").start()

    def _previous(self, start: RunStart) -> PreviousRun | None:
        if self.store is None:
            return None
        try:
            with self.store.reading() as tx:
                return before(tx, start.environment, start.scenario, start.run_id)
        except RecordError as failure:
            self._give_up(failure)
            return None

    def _keep(self, routine: _Routine, act: Callable[[Store], None], line: str) -> None:
        """Store how a run begins or ends, or spool it."""
        with self._storing:
            if self.store is not None:
                try:
                    act(self.store)
                except RecordError as error:
                    self._give_up(error)
                else:
                    return
        if not self._is_off:
            with self._lock:
                failure = self._to_spool(routine, line.encode())
            self._remember(failure)

    def _store_pending(self, unspooled: RecordError | None = None) -> None:
        """Store what is pending; `unspooled` is why the last of it is nowhere else."""
        with self._storing:
            store = self.store
            if store is None:
                self._remember(unspooled)
                return
            with self._lock:
                results, readings = list(self._results), list(self._readings)
            if not results:
                return
            try:
                with store.appending() as tx:
                    runs.put(tx, results, readings)
            except RecordError as failure:
                self._give_up(failure)
                self._remember(unspooled)
                return
            with self._lock:  # only now: what anything else stops is stored the next time
                del self._results[: len(results)], self._readings[: len(readings)]
                if not self._results:
                    self._empty_spool()

    def _to_spool(self, routine: _Routine, line: bytes) -> RecordError | None:
        try:
            if not routine.is_in_spool:
                self._spool.write(lines.of_begin(routine.start).encode())
                routine.is_in_spool = True
            self._spool.write(line)
        except RecordError as failure:
            return failure
        return None

    def _empty_spool(self) -> None:
        self._spool.empty()
        for routine in list(self._routines.values()):
            routine.is_in_spool = False

    def _remember(self, failure: RecordError | None) -> None:
        if failure is not None and failure.message not in {one.message for one in self.failures}:
            self.failures.append(failure)

    def _give_up(self, failure: DddError) -> None:
        """Spool only from now on: a history that failed once would keep each check waiting."""
        self.failures.append(
            failure
            if isinstance(failure, RecordError)
            else RecordError(failure.message, hint=failure.hint)
        )
        if self.store is not None:
            self.store.close()
        self.store = None

    def _beat(self, store: Store) -> None:
        beaten = clock.monotonic()
        while not self._ended.wait(STORE_S):
            self._store_pending()
            if clock.monotonic() >= beaten + BEAT_S:
                beaten = clock.monotonic()
                keys = [routine.id for routine in list(self._routines.values()) if routine.id]
                with suppress(RecordError), store.transaction() as tx:
                    runs.beat(tx, keys)

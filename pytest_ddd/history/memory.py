"""Remembers one pytest run as it goes: a result is stored when the call returns.

What cannot be stored goes to a spool file, for the next run to store, and the failure is kept:
any makes the exit status 76.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path

from pytest_ddd.errors import DddError, RecordError
from pytest_ddd.history import lines, processes, runs, spool
from pytest_ddd.history.importing import take_spools
from pytest_ddd.history.lines import RunKey
from pytest_ddd.history.measures import gather
from pytest_ddd.history.previous import before
from pytest_ddd.history.records import RunEnd, RunStart
from pytest_ddd.history.store import Store
from pytest_ddd.history.tally import Tally
from pytest_ddd.history.trends import trends
from pytest_ddd.occurrences import Gathered, PreviousRun, Trend
from pytest_ddd.results import CheckResult

BEAT_S = 60.0
"""How often a run says that it is alive."""


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

    def store_result(self, store: Store, result: CheckResult) -> None:
        with store.appending() as tx:
            row = runs.add(tx, self.id, self.seq + 1, result)
        self.seq += 1
        self.tally.add(row)

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
        self._ended = threading.Event()
        self._is_off = url is None
        if url is not None:
            self._open(url, root)

    def begin(self, start: RunStart) -> None:
        """Remember that the run of one scenario begins."""
        whole = replace(start, process=start.process or processes.own())
        self._routines[start.scenario] = routine = _Routine(start=whole)
        self._keep(routine, routine.store_begin, lambda: "")

    def add(self, result: CheckResult) -> None:
        """Remember one result of a scenario that has begun."""
        routine = self._routines[result.scenario]
        self._keep(
            routine,
            lambda store: routine.store_result(store, result),
            lambda: lines.of_result(result),
        )

    def previous(self, scenario: str) -> PreviousRun | None:
        """Return the run of a scenario before this one; None when nothing is known of one."""
        start = self._routines[scenario].start
        if self.store is None:
            return None
        try:
            with self.store.reading() as tx:
                return before(tx, start.environment, scenario, start.run_id)
        except RecordError as failure:
            self._give_up(failure)
            return None

    def finish(self, scenario: str, end: RunEnd) -> None:
        """Remember how the run of one scenario ended; on the disk when this returns."""
        routine = self._routines[scenario]
        self._keep(
            routine,
            lambda store: routine.store_end(store, end),
            lambda: lines.of_end(routine.key, end),
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
        self._ended.set()
        self._spool.close()
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
        threading.Thread(target=self._beat, args=(store,), daemon=True, name="ddd-beat").start()

    def _keep(
        self,
        routine: _Routine,
        act: Callable[[Store], None],
        line: Callable[[], str],
    ) -> None:
        """Store something, or spool it."""
        if self.store is not None:
            try:
                act(self.store)
            except RecordError as failure:
                self._give_up(failure)
            else:
                return
        self._to_spool(routine, line)

    def _to_spool(self, routine: _Routine, line: Callable[[], str]) -> None:
        if self._is_off:
            return
        try:
            if not routine.is_in_spool:
                self._spool.write(lines.of_begin(routine.start))
                routine.is_in_spool = True
            self._spool.write(line())
        except RecordError as failure:
            if failure.message not in {one.message for one in self.failures}:
                self.failures.append(failure)

    def _give_up(self, failure: DddError) -> None:
        """Spool from now on: a history that failed once would keep each check waiting."""
        self.failures.append(
            failure
            if isinstance(failure, RecordError)
            else RecordError(failure.message, hint=failure.hint)
        )
        if self.store is not None:
            self.store.close()
        self.store = None

    def _beat(self, store: Store) -> None:
        while not self._ended.wait(BEAT_S):
            keys = [routine.id for routine in self._routines.values() if routine.id]
            with suppress(RecordError), store.transaction() as tx:
                runs.beat(tx, keys)

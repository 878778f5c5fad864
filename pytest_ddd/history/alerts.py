"""Keeps alerts, what was decided about them, silences and acknowledgements."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from itertools import groupby

from sqlalchemy import (
    ColumnElement,
    Connection,
    Table,
    bindparam,
    delete,
    func,
    insert,
    select,
    text,
)

from pytest_ddd.alerts import (
    Acknowledgement,
    Alert,
    AlertKey,
    Decision,
    Evaluation,
    Silence,
    Suppression,
    Transition,
)
from pytest_ddd.history import outbox, rows
from pytest_ddd.history.alert_tables import (
    ACKNOWLEDGEMENTS,
    ALERTS,
    ESCALATIONS,
    SILENCES,
    TRANSITIONS,
)
from pytest_ddd.history.runs import mark_evaluated
from pytest_ddd.history.store import Store
from pytest_ddd.history.tables import READINGS, RESULTS, RUNS
from pytest_ddd.jsonable import from_json, to_json
from pytest_ddd.messages import Kind
from pytest_ddd.occurrences import State
from pytest_ddd.redaction import DEFAULT
from pytest_ddd.results import CheckResult

_LOCK = 0x64646432  # "ddd2": one evaluation at a time


class AlertBook:
    """The alerts of one environment inside of one transaction; nobody else evaluates meanwhile.

    Args:
        tx: the connection of `Store.transaction`.
        environment: whose alerts.
        run_id: results of this run are new, although it may not be over.
    """

    def __init__(self, tx: Connection, environment: str, *, run_id: str = "") -> None:
        self._tx, self._environment, self._run_id = tx, environment, run_id
        self._covered: dict[int, int] = {}
        if tx.dialect.name == "postgresql":
            tx.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})

    def unevaluated(self) -> Sequence[CheckResult]:
        """Return what no evaluation has covered, of runs that are over and of this one."""
        found = tuple(_results(self._tx, self._chosen()))
        self.pass_over()
        return found

    def pass_over(self) -> tuple[str, ...]:
        """Cover the same results without reading them; return their ids."""
        chosen = select(RESULTS.c.run, RESULTS.c.seq, RESULTS.c.result_id).join(RUNS)
        found = self._tx.execute(chosen.where(self._chosen()).order_by(RESULTS.c.seq)).all()
        self._covered |= {run: seq for run, seq, _ in found}
        return tuple(result_id for _, _, result_id in found)

    def _chosen(self) -> ColumnElement[bool]:
        is_ready = (RUNS.c.state != State.RUNNING) | (RUNS.c.run_id == self._run_id)
        is_new = (RUNS.c.environment == self._environment) & (RESULTS.c.seq > RUNS.c.evaluated_to)
        return is_new & is_ready

    def alerts(self) -> Mapping[AlertKey, Alert]:
        """Return all alerts of the environment."""
        chosen = select(ALERTS.c.record).where(ALERTS.c.environment == self._environment)
        found = (from_json(Alert, record) for (record,) in self._tx.execute(chosen))
        return {one.key: one for one in found}

    def silences(self, now: datetime) -> Sequence[Silence]:
        """Return the silences that hold now, of all environments."""
        return [one for one in silences(self._tx, now) if one.starts_at <= now]

    def acknowledgements(self, now: datetime) -> Sequence[Acknowledgement]:
        """Return the acknowledgements that hold now, the latest last."""
        chosen = (
            select(ACKNOWLEDGEMENTS.c.record)
            .where(ACKNOWLEDGEMENTS.c.environment == self._environment)
            .where(ACKNOWLEDGEMENTS.c.until > now)
            .order_by(ACKNOWLEDGEMENTS.c.id)
        )
        return [from_json(Acknowledgement, record) for (record,) in self._tx.execute(chosen)]

    def save(self, evaluation: Evaluation, now: datetime) -> None:
        """Keep what an evaluation came to, and mark the results that it covered."""
        _put(self._tx, evaluation.alerts)
        _add(self._tx, TRANSITIONS, [_transition(one) for one in evaluation.transitions])
        _add(self._tx, ESCALATIONS, [_decision(one) for one in evaluation.decisions])
        outbox.put(self._tx, evaluation.outgoing, now)
        for run, seq in self._covered.items():
            raised = self._raised(run) if evaluation.counts else None
            mark_evaluated(self._tx, run, seq, raised)

    def _raised(self, run: int) -> int:
        """Return how many alerts a run has raised, suppressed ones too.

        A dry run and a child that its parent silences count for nothing.
        """
        of_run = select(RUNS.c.run_id).where(RUNS.c.id == run).scalar_subquery()
        chosen = (
            select(func.count(ESCALATIONS.c.alert.distinct()))
            .where(ESCALATIONS.c.run_id == of_run)
            .where(ESCALATIONS.c.environment == self._environment)
            .where(ESCALATIONS.c.kind == Kind.TRIGGER)
            .where(ESCALATIONS.c.suppressed.not_in([Suppression.DRY_RUN, Suppression.BLOCKED]))
        )
        return int(self._tx.execute(chosen).scalar_one())


@contextmanager
def open_book(store: Store, environment: str, *, run_id: str = "") -> Iterator[AlertBook]:
    """Open the book of an environment; on the disk, all of it or nothing, when the block ends."""
    with store.transaction(durable=True) as tx:
        yield AlertBook(tx, environment, run_id=run_id)


def replay(tx: Connection, environment: str, since: datetime) -> Iterator[list[CheckResult]]:
    """Yield the results of each run that is over, oldest first: to judge other rules by them."""
    chosen = (
        (RUNS.c.environment == environment)
        & (RUNS.c.started_at >= since)
        & (RUNS.c.state != State.RUNNING)
    )
    for _, group in groupby(_results(tx, chosen), key=lambda one: one.run_id):
        yield list(group)


def find(tx: Connection, alert: str) -> Alert | None:
    """Return an alert by its dedup key."""
    record = tx.execute(select(ALERTS.c.record).where(ALERTS.c.alert == alert)).scalar()
    return from_json(Alert, record) if record is not None else None


def open_alerts(tx: Connection, environment: str = "") -> list[Alert]:
    """Return the alerts that are not OK, or whose end was not told."""
    chosen = select(ALERTS.c.record).where((ALERTS.c.phase != "ok") | (ALERTS.c.announced_as != ""))
    if environment:
        chosen = chosen.where(ALERTS.c.environment == environment)
    found = [from_json(Alert, record) for (record,) in tx.execute(chosen)]
    return sorted(found, key=lambda one: one.key)


def decisions(
    tx: Connection, environment: str, *, run_id: str = "", alert: str = ""
) -> list[Decision]:
    """Return what was decided in an environment, of one run or about one alert, oldest first."""
    chosen = select(ESCALATIONS.c.record).where(ESCALATIONS.c.environment == environment)
    if run_id:
        chosen = chosen.where(ESCALATIONS.c.run_id == run_id)
    if alert:
        chosen = chosen.where(ESCALATIONS.c.alert == alert)
    ordered = chosen.order_by(ESCALATIONS.c.id)
    return [from_json(Decision, record) for (record,) in tx.execute(ordered)]


def acknowledge(tx: Connection, one: Acknowledgement, now: datetime) -> None:
    """Remember that somebody works on an alert."""
    _add(
        tx,
        ACKNOWLEDGEMENTS,
        [
            {
                "alert": one.key.dedup_key,
                "environment": one.key.environment,
                "at": now,
                "until": one.until,
                "record": _record(one),
            }
        ],
    )


def silence(tx: Connection, one: Silence) -> None:
    """Remember a silence; one of the same name is replaced."""
    tx.execute(delete(SILENCES).where(SILENCES.c.silence_id == one.silence_id))
    row = {"silence_id": one.silence_id, "ends_at": one.ends_at, "record": _record(one)}
    _add(tx, SILENCES, [row])


def end_silence(tx: Connection, silence_id: str, now: datetime) -> Silence | None:
    """End a silence now, and return it; None when there is none that has not ended."""
    found = {one.silence_id: one for one in silences(tx, now)}.get(silence_id)
    if found is not None:
        silence(tx, replace(found, ends_at=now))
    return found


def silences(tx: Connection, now: datetime) -> list[Silence]:
    """Return the silences that have not ended, with how many messages each has stopped."""
    hits = (
        select(ESCALATIONS.c.reference, func.count())
        .where(ESCALATIONS.c.suppressed == Suppression.SILENCE)
        .group_by(ESCALATIONS.c.reference)
    )
    counts = {row[0]: int(row[1]) for row in tx.execute(hits)}
    chosen = select(SILENCES.c.record).where(SILENCES.c.ends_at > now).order_by(SILENCES.c.ends_at)
    found = [from_json(Silence, record) for (record,) in tx.execute(chosen)]
    return [replace(one, hits=counts.get(one.silence_id, 0)) for one in found]


def _results(tx: Connection, chosen: object) -> Iterator[CheckResult]:
    """Yield results of runs that a condition chooses, in order of runs and of results."""
    columns = (RUNS.c.run_id, RUNS.c.environment, RUNS.c.scenario, *RESULTS.c)
    order = (RUNS.c.started_at, RUNS.c.run_id, RESULTS.c.run, RESULTS.c.seq)
    every = select(*columns).join_from(RESULTS, RUNS).where(chosen).order_by(*order)  # type: ignore[arg-type]  # a condition on RUNS
    of_readings = (
        select(READINGS.c.run, READINGS.c.seq, READINGS.c.record)
        .join(RESULTS, (RESULTS.c.run == READINGS.c.run) & (RESULTS.c.seq == READINGS.c.seq))
        .join(RUNS, RUNS.c.id == READINGS.c.run)
        .where(chosen)  # type: ignore[arg-type]  # a condition on RUNS
        .order_by(READINGS.c.run, READINGS.c.seq, READINGS.c.n)
    )
    readings: dict[tuple[int, int], list[str]] = {}
    for run, seq, record in tx.execute(of_readings):
        readings.setdefault((run, seq), []).append(record)
    for row in tx.execute(every).mappings():
        yield rows.to_result(dict(row), readings.get((row["run"], row["seq"]), ()))


def _put(tx: Connection, alerts: Iterable[Alert]) -> None:
    """Write alerts over what was known of them."""
    new = [
        {
            "alert": one.key.dedup_key,
            "environment": one.key.environment,
            "rule": one.key.rule,
            "phase": one.phase,
            "announced_as": one.announced_as,
            "record": _record(one),
        }
        for one in alerts
    ]
    if new:
        old = delete(ALERTS).where(ALERTS.c.alert == bindparam("old"))
        tx.execute(old, [{"old": row["alert"]} for row in new])
        _add(tx, ALERTS, new)


def _add(tx: Connection, table: Table, values: list[dict[str, object]]) -> None:
    if values:
        tx.execute(insert(table), values)


def _transition(one: Transition) -> dict[str, object]:
    return {
        "alert": one.key.dedup_key,
        "run_id": one.run_id,
        "at": one.at,
        "before": one.before,
        "after": one.after,
        "reason": DEFAULT.clean(one.reason),
    }


def _decision(one: Decision) -> dict[str, object]:
    return {
        "alert": one.key.dedup_key,
        "environment": one.key.environment,
        "run_id": one.run_id,
        "at": one.at,
        "kind": one.kind,
        "suppressed": one.suppressed or "",
        "reference": one.reference,
        "record": _record(one),
    }


def _record(one: object) -> object:
    """Return a record as JSON, without secrets."""
    return to_json(one, DEFAULT.clean)

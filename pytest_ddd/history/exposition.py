"""Writes metrics of the last runs and of objectives, for node_exporter's textfile collector.

The text format is described at https://prometheus.io/docs/instrumenting/exposition_formats/.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, func, select

from pytest_ddd.errors import RecordError
from pytest_ddd.history.runs import to_run
from pytest_ddd.history.store import Store
from pytest_ddd.history.tables import RUNS
from pytest_ddd.occurrences import ObjectiveStanding, Run, State
from pytest_ddd.outcomes import Outcome

_FAMILIES = {
    "ddd_run_last_timestamp_seconds": "When the last finished run ended.",
    "ddd_run_last_success_timestamp_seconds": "When the last run ended that was green or waived.",
    "ddd_run_duration_seconds": "How long the last finished run took.",
    "ddd_run_budget_seconds": "How long that run was allowed to take.",
    "ddd_checks": "Checks of the last finished run, by outcome.",
    "ddd_objective_ratio": "Share of good occurrences among those measured.",
    "ddd_objective_target_ratio": "Share that an objective wants.",
    "ddd_objective_budget_left": "Occurrences that may still be bad.",
}


@dataclass(frozen=True, slots=True)
class _Sample:
    family: str
    labels: Mapping[str, str]
    value: float


def write(
    path: Path, store: Store, environment: str, standings: Iterable[ObjectiveStanding]
) -> None:
    """Replace a file by the metrics of one environment; readers see the old or the new one.

    Raises:
        RecordError: it cannot be written, or the history cannot be read.
    """
    with store.reading() as tx:
        samples = [*_of_runs(tx, environment), *_of_objectives(standings)]
    part = path.with_name(f".{path.name}.{os.getpid()}.part")  # no *.prom: nobody collects it
    try:
        part.write_text(_text(samples), encoding="utf-8")
        part.chmod(0o644)  # the collector is another user
        part.replace(path)
    except OSError as error:
        message = f"{path}: cannot be written: {error.strerror}"
        raise RecordError(message, hint=f"ls -ld {path.parent}") from error


def _of_runs(tx: Connection, environment: str) -> Iterator[_Sample]:
    ended = (
        RUNS.c.environment == environment,
        RUNS.c.state == State.FINISHED,
        RUNS.c.narrowed.is_(False),
    )
    for run in _newest(tx, *ended):
        labels = {"environment": environment, "scenario": run.scenario}
        yield _Sample("ddd_run_last_timestamp_seconds", labels, _end(run))
        if run.used_s is not None:
            yield _Sample("ddd_run_duration_seconds", labels, run.used_s)
        if run.budget_s is not None:
            yield _Sample("ddd_run_budget_seconds", labels, run.budget_s)
        for outcome in Outcome:
            of_outcome = labels | {"outcome": outcome.value.lower()}
            yield _Sample("ddd_checks", of_outcome, run.counts.get(outcome.value, 0))
    good = RUNS.c.outcome.in_((Outcome.GREEN, Outcome.WAIVED))
    for run in _newest(tx, *ended, good):
        labels = {"environment": environment, "scenario": run.scenario}
        yield _Sample("ddd_run_last_success_timestamp_seconds", labels, _end(run))


def _newest(tx: Connection, *wanted: object) -> list[Run]:
    """Return the newest run of each scenario among those wanted."""
    last = (
        select(RUNS.c.scenario, func.max(RUNS.c.finished_at).label("finished_at"))
        .where(*wanted)  # type: ignore[arg-type]  # conditions on RUNS
        .group_by(RUNS.c.scenario)
        .subquery()
    )
    rows = (
        select(RUNS)
        .join(
            last,
            (RUNS.c.scenario == last.c.scenario) & (RUNS.c.finished_at == last.c.finished_at),
        )
        .where(*wanted)  # type: ignore[arg-type]  # conditions on RUNS
        .order_by(RUNS.c.scenario, RUNS.c.id)
    )
    found = {row["scenario"]: to_run(row) for row in tx.execute(rows).mappings()}
    return list(found.values())


def _of_objectives(standings: Iterable[ObjectiveStanding]) -> Iterator[_Sample]:
    for one in standings:
        labels = {"environment": one.environment, "objective": one.name}
        if one.share is not None:
            yield _Sample("ddd_objective_ratio", labels, one.share)
            yield _Sample("ddd_objective_budget_left", labels, one.budget_left)
        yield _Sample("ddd_objective_target_ratio", labels, one.target)


def _text(samples: Iterable[_Sample]) -> str:
    groups: dict[str, list[_Sample]] = {family: [] for family in _FAMILIES}
    for sample in samples:
        groups[sample.family].append(sample)
    lines = []
    for family, group in groups.items():
        if group:
            lines += [f"# HELP {family} {_FAMILIES[family]}", f"# TYPE {family} gauge"]
            lines += [f"{family}{{{_labels(one.labels)}}} {one.value!r}" for one in group]
    return "".join(f"{line}\n" for line in lines)


def _labels(labels: Mapping[str, str]) -> str:
    return ",".join(f'{name}="{_escape(value)}"' for name, value in labels.items())


def _escape(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _end(run: Run) -> float:
    assert run.finished_at is not None
    return run.finished_at.timestamp()

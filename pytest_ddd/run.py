"""One maintenance run: takes check results one by one and settles record, timing and report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Literal

from pytest_ddd import clock
from pytest_ddd.baseline.model import Baseline
from pytest_ddd.errors import RecordError
from pytest_ddd.evidence import report
from pytest_ddd.evidence.facts import RunFacts, StepFacts
from pytest_ddd.evidence.record import RecordWriter, run_directory
from pytest_ddd.evidence.summary import RunSummary, summarize
from pytest_ddd.outcomes import worst
from pytest_ddd.results import CheckResult
from pytest_ddd.scenarios import catalogue, timing
from pytest_ddd.scenarios.model import Frequency, Scenario


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstances:
    """What is known of a run before its first result: who, where, with what."""

    run_id: str
    started_at: datetime
    operator: str
    controller: str
    command_line: str
    versions: Mapping[str, str]
    baseline: Baseline
    profile: Literal["day", "night"]
    evidence: Path | None
    """Where directories of evidence are made; None for no evidence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """One scenario of a run that has ended, and where its evidence is."""

    scenario: Scenario
    summary: RunSummary
    directory: Path | None


@dataclass(kw_only=True)
class _Routine:
    """The results of one scenario and the open record that they are written to."""

    scenario: Scenario
    directory: Path | None
    writer: RecordWriter | None
    results: list[CheckResult] = field(default_factory=list)
    looked_until: datetime | None = None
    """When the last first look came in: reads overlap, so results alone do not tell."""


class MaintenanceRun:
    """Everything one run knows; lives in the controller process only."""

    def __init__(self, circumstances: Circumstances) -> None:
        self.circumstances = circumstances
        self.failures: list[RecordError] = []
        """What could not be written; any makes the exit status 76."""
        self._routines: dict[str, _Routine] = {}

    def add(self, result: CheckResult, frequency: Frequency) -> Scenario | None:
        """Take one result: it is in the record when this returns.

        Returns:
            The scenario, when this result is its first.
        """
        routine, started = self._routines.get(result.scenario), None
        if routine is None:
            routine = self._open(catalogue.find(result.scenario, frequency))
            self._routines[result.scenario] = routine
            started = routine.scenario
        routine.results.append(result)
        if result.look == 1:
            routine.looked_until = clock.now()
        if routine.writer is not None:
            try:
                routine.writer.add(result)
            except RecordError as failure:
                self._remember(failure)
        return started

    def finish(self, *, interrupted: bool) -> tuple[Finished, ...]:
        """Close the records and write the reports; in the order in which scenarios began."""
        return tuple(
            self._close(routine, interrupted=interrupted) for routine in self._routines.values()
        )

    def _open(self, scenario: Scenario) -> _Routine:
        about = self.circumstances
        if about.evidence is None:
            return _Routine(scenario=scenario, directory=None, writer=None)
        environment = about.baseline.name
        directory = run_directory(
            about.evidence, about.started_at, environment, scenario.name, about.run_id
        )
        try:
            return _Routine(scenario=scenario, directory=directory, writer=RecordWriter(directory))
        except RecordError as failure:
            self._remember(failure)
            return _Routine(scenario=scenario, directory=None, writer=None)

    def _close(self, routine: _Routine, *, interrupted: bool) -> Finished:
        facts = self._facts(routine, interrupted=interrupted)
        summary = summarize(facts, routine.results)
        try:
            if routine.writer is not None:
                routine.writer.close()
            if routine.directory is not None:
                report.write_report(routine.directory, facts, routine.results)
        except RecordError as failure:
            self._remember(failure)
        return Finished(scenario=routine.scenario, summary=summary, directory=routine.directory)

    def _facts(self, routine: _Routine, *, interrupted: bool) -> RunFacts:
        about, scenario, results = self.circumstances, routine.scenario, routine.results
        used = timing.span(results, until=routine.looked_until)
        return RunFacts(
            run_id=about.run_id,
            environment=about.baseline.name,
            scenario=scenario.name,
            title=scenario.title,
            frequency=scenario.frequency.value,
            operator=about.operator,
            controller=about.controller,
            started_at=used.started_at if used else about.started_at,
            finished_at=clock.now(),
            budget_s=timing.budget_s(scenario, about.baseline),
            used_s=used.used_s if used else 0.0,
            waited_s=timing.waited_s(results, until=routine.looked_until),
            interrupted=interrupted,
            command_line=about.command_line,
            versions=about.versions,
            baseline_files=about.baseline.files,
            profile=about.profile,
            steps=_steps(scenario, results),
        )

    def _remember(self, failure: RecordError) -> None:
        if failure.message not in {one.message for one in self.failures}:
            self.failures.append(failure)


def _steps(scenario: Scenario, results: Sequence[CheckResult]) -> tuple[StepFacts, ...]:
    """Return the steps that have results, in order."""
    groups: dict[int, list[CheckResult]] = {}
    for result in results:
        groups.setdefault(result.step, []).append(result)
    return tuple(_step(scenario, number, groups[number]) for number in sorted(groups))


def _step(scenario: Scenario, number: int, group: Sequence[CheckResult]) -> StepFacts:
    used = timing.span(group)
    in_order = sorted(group, key=lambda one: one.look)
    last = {(result.identity, result.nodeid): result for result in in_order}
    return StepFacts(
        number=number,
        title=scenario.step(number).title,
        outcome=worst(result.outcome for result in last.values()),
        used_s=used.used_s if used else 0.0,
        count=len(last),
    )

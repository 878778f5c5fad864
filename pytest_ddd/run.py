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
from pytest_ddd.evidence import sealing, statements
from pytest_ddd.evidence.account import account
from pytest_ddd.evidence.facts import Plan, Provenance, RunFacts
from pytest_ddd.evidence.manifest import Anchor
from pytest_ddd.evidence.record import RecordWriter, run_directory
from pytest_ddd.evidence.steps import steps_of
from pytest_ddd.evidence.summary import RunSummary, summarize
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
    provenance: Provenance = field(default_factory=Provenance)
    plans: Mapping[str, Plan] = field(default_factory=dict)
    """What was planned, by scenario."""
    key: Path | None = None
    """What to sign the evidence with."""


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


class MaintenanceRun:
    """Everything one run knows; lives in the controller process only."""

    def __init__(self, circumstances: Circumstances) -> None:
        self.circumstances = circumstances
        self.failures: list[RecordError] = []
        """What could not be written; any makes the exit status 76."""
        self._routines: dict[str, _Routine] = {}

    def add(self, result: CheckResult, frequency: Frequency) -> Scenario | None:
        """Take one result, without secrets: it is in the record when this returns.

        Returns:
            The scenario, when this result is its first.
        """
        routine, started = self._routines.get(result.scenario), None
        if routine is None:
            routine = self._open(catalogue.find(result.scenario, frequency))
            self._routines[result.scenario] = routine
            started = routine.scenario
        routine.results.append(result)
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
            head = statements.write_start(directory, self._facts(scenario, (), interrupted=True))
            writer = RecordWriter(directory, head=head)
            return _Routine(scenario=scenario, directory=directory, writer=writer)
        except RecordError as failure:
            self._remember(failure)
            return _Routine(scenario=scenario, directory=None, writer=None)

    def _close(self, routine: _Routine, *, interrupted: bool) -> Finished:
        facts = self._facts(routine.scenario, routine.results, interrupted=interrupted)
        summary = summarize(facts, routine.results)
        try:
            self._seal(routine, summary)
        except RecordError as failure:
            self._remember(failure)
        return Finished(scenario=routine.scenario, summary=summary, directory=routine.directory)

    def _seal(self, routine: _Routine, summary: RunSummary) -> None:
        writer, directory = routine.writer, routine.directory
        if writer is None or directory is None:
            return
        writer.close()
        statements.write_end(directory, summary.facts)
        sealing.seal(
            directory,
            account(summary, routine.results),
            Anchor(lines=writer.count, head=writer.head),
            key=self.circumstances.key,
        )

    def _facts(
        self, scenario: Scenario, results: Sequence[CheckResult], *, interrupted: bool
    ) -> RunFacts:
        about, used = self.circumstances, timing.span(results)
        return statements.cleaned(
            RunFacts(
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
                waited_s=timing.waited_s(results),
                interrupted=interrupted,
                command_line=about.command_line,
                versions=about.versions,
                baseline_files=about.baseline.files,
                profile=about.profile,
                steps=steps_of(scenario, results),
                provenance=about.provenance,
                plan=about.plans.get(scenario.name),
            )
        )

    def _remember(self, failure: RecordError) -> None:
        if failure.message not in {one.message for one in self.failures}:
            self.failures.append(failure)

"""One maintenance run: takes check results one by one and settles record, timing and report."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Literal

from pytest_ddd import clock
from pytest_ddd.baseline.model import Baseline
from pytest_ddd.errors import RecordError
from pytest_ddd.escalation.telling import Told
from pytest_ddd.evidence.changes import compare
from pytest_ddd.evidence.facts import Plan, Provenance, RunFacts
from pytest_ddd.evidence.keeper import Keeper
from pytest_ddd.evidence.steps import steps_of
from pytest_ddd.evidence.summary import RunSummary, summarize
from pytest_ddd.history.memory import Memory
from pytest_ddd.history.records import RunEnd, RunStart, copied
from pytest_ddd.history.store import Store
from pytest_ddd.occurrences import Kind
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
    root: Path
    """The site."""
    history: str | None
    """URL of the history; None for no history."""
    kind: Kind = "ad-hoc"
    """What was asked for; a scheduled run that turns out to be narrowed is ad hoc."""
    due_at: datetime | None = None
    escalate: Callable[[Store], Told] | None = None
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
    """The results of one scenario, and who keeps its evidence; None when nobody does."""

    scenario: Scenario
    keeper: Keeper | None
    results: list[CheckResult] = field(default_factory=list)


class MaintenanceRun:
    """Everything one run knows; lives in the controller process only."""

    def __init__(self, circumstances: Circumstances) -> None:
        self.circumstances = circumstances
        self.failures: list[RecordError] = []
        """What could not be written; any makes the exit status 76."""
        self.told: Told | None = None
        """What came of escalation, once finished."""
        self._routines: dict[str, _Routine] = {}
        about = circumstances
        self._memory = Memory(about.history, about.root, about.run_id) if about.history else None

    def add(
        self, result: CheckResult, frequency: Frequency, attached: Mapping[str, str]
    ) -> Scenario | None:
        """Take one result and what it attached, without secrets; then it is in the record.

        Returns:
            The scenario, when this result is its first.
        """
        routine, started = self._routines.get(result.scenario), None
        if routine is None:
            routine = self._open(catalogue.find(result.scenario, frequency))
            self._routines[result.scenario] = routine
            started = routine.scenario
        routine.results.append(result)
        if routine.keeper is not None:
            try:
                routine.keeper.add(result, attached)
            except RecordError as failure:
                self._remember(failure)
        if self._memory is not None:
            self._memory.add(result)
        return started

    def finish(self, *, interrupted: bool, narrowed: Callable[[str], bool]) -> tuple[Finished, ...]:
        """Close the records and write the reports; in the order in which scenarios began.

        Args:
            interrupted: whether checks are missing because the run was stopped.
            narrowed: whether only a part of a scenario's checks was asked for.
        """
        finished = tuple(
            self._close(routine, interrupted=interrupted, narrowed=narrowed(name))
            for name, routine in self._routines.items()
        )
        if self._memory is not None:
            self._escalate(self._memory)
            self._memory.close()
            for failure in self._memory.failures:
                self._remember(failure)
        return finished

    def _escalate(self, memory: Memory) -> None:
        if self.circumstances.escalate is None or memory.store is None:
            return
        try:
            self.told = self.circumstances.escalate(memory.store)
        except RecordError as failure:
            self._remember(failure)

    def _open(self, scenario: Scenario) -> _Routine:
        about, keeper = self.circumstances, None
        facts = self._facts(scenario, (), interrupted=False)
        if self._memory is not None:
            self._memory.begin(copied(RunStart, facts))
        try:
            keeper = Keeper(about.evidence, facts, about.key) if about.evidence else None
        except RecordError as failure:
            self._remember(failure)
        return _Routine(scenario=scenario, keeper=keeper)

    def _close(self, routine: _Routine, *, interrupted: bool, narrowed: bool) -> Finished:
        facts = self._facts(routine.scenario, routine.results, interrupted=interrupted)
        facts = replace(facts, narrowed=narrowed)
        if narrowed and facts.kind == "scheduled":
            facts = replace(facts, kind="ad-hoc")
        if self._memory is not None:
            before = self._memory.previous(facts.scenario)
            facts = replace(facts, changes=compare(before, routine.results, narrowed=narrowed))
        summary = summarize(facts, routine.results)
        if self._memory is not None:
            end = copied(RunEnd, facts, outcome=summary.verdict.outcome)
            self._memory.finish(facts.scenario, end)
        try:
            if routine.keeper is not None:
                routine.keeper.seal(summary, routine.results)
        except RecordError as failure:
            self._remember(failure)
        directory = routine.keeper.directory if routine.keeper is not None else None
        return Finished(scenario=routine.scenario, summary=summary, directory=directory)

    def _facts(
        self, scenario: Scenario, results: Sequence[CheckResult], *, interrupted: bool
    ) -> RunFacts:
        about, used = self.circumstances, timing.span(results)
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
            waited_s=timing.waited_s(results),
            kind=about.kind,
            due_at=about.due_at,
            interrupted=interrupted,
            command_line=about.command_line,
            versions=about.versions,
            baseline_files=about.baseline.files,
            profile=about.profile,
            steps=steps_of(scenario, results),
            provenance=about.provenance,
            plan=about.plans.get(scenario.name),
        )

    def _remember(self, failure: RecordError) -> None:
        if failure.message not in {one.message for one in self.failures}:
            self.failures.append(failure)

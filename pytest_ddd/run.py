"""One maintenance run: takes check results one by one and settles record, timing and report."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Literal

from pytest_ddd import clock
from pytest_ddd.analysis.objective_table import LONGEST_DAYS, OBJECTIVES, READINGS
from pytest_ddd.analysis.objectives import judge_scenario
from pytest_ddd.baseline.model import Baseline
from pytest_ddd.errors import RecordError
from pytest_ddd.escalation.telling import Told
from pytest_ddd.evidence.changes import compare
from pytest_ddd.evidence.facts import Plan, Provenance, RunFacts
from pytest_ddd.evidence.keeper import Keeper
from pytest_ddd.evidence.steps import steps_of
from pytest_ddd.evidence.summary import Check, RunSummary, checks_of, summarize_checks
from pytest_ddd.history.memory import Memory
from pytest_ddd.history.records import RunEnd, RunStart, copied
from pytest_ddd.history.store import Store
from pytest_ddd.occurrences import Kind, PreviousRun
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
    completed: Callable[[RunFacts], RunFacts] = lambda facts: facts
    """Adds to the facts of a scenario what only the caller knows."""


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
    checks: tuple[Check, ...] = ()  # once it ends
    looked_until: datetime | None = None  # reads overlap, so results alone do not tell
    previous: PreviousRun | None = None


class MaintenanceRun:
    """Everything one run knows; lives in the controller process only."""

    def __init__(self, circumstances: Circumstances) -> None:
        self.circumstances = circumstances
        self.failures: list[RecordError] = []
        """What could not be written; any makes the exit status 76."""
        self.told: Told | None = None
        """What came of escalation, once finished."""
        self._routines: dict[str, _Routine] = {}
        self._memory = Memory(circumstances.history, circumstances.root, circumstances.run_id)

    def add(
        self, result: CheckResult, frequency: Frequency, attached: Mapping[str, str]
    ) -> Scenario | None:
        """Record one result, without secrets, and what it attached; return its scenario if new."""
        routine, started = self._routines.get(result.scenario), None
        if routine is None:
            routine = self._open(catalogue.find(result.scenario, frequency))
            self._routines[result.scenario] = routine
            started = routine.scenario
        routine.results.append(result)
        routine.looked_until = clock.now() if result.look == 1 else routine.looked_until
        line = b""
        if routine.keeper is not None:
            with self._remembering():
                line = routine.keeper.add(result, attached)
        self._memory.add(result, line)
        return started

    def finish(self, *, interrupted: bool, narrowed: Callable[[str], bool]) -> tuple[Finished, ...]:
        """Close the records and write the reports; in the order in which scenarios began.

        Args:
            interrupted: whether checks are missing because the run was stopped.
            narrowed: whether only a part of a scenario's checks was asked for.
        """
        settled = [
            (routine, self._settle(routine, interrupted=interrupted, narrowed=narrowed(name)))
            for name, routine in self._routines.items()
        ]
        self._escalate()
        finished = tuple(self._close(routine, facts) for routine, facts in settled)
        self._memory.close()
        for failure in self._memory.failures:
            self._remember(failure)
        return finished

    def _escalate(self) -> None:
        if self.circumstances.escalate is None or self._memory.store is None:
            return
        with self._remembering():
            self.told = self.circumstances.escalate(self._memory.store)

    def _open(self, scenario: Scenario) -> _Routine:
        about, routine = self.circumstances, _Routine(scenario=scenario, keeper=None)
        facts = self._facts(routine, interrupted=False)
        routine.previous = self._memory.begin(copied(RunStart, facts))
        with self._remembering():
            routine.keeper = Keeper(about.evidence, facts, about.key) if about.evidence else None
        return routine

    def _settle(self, routine: _Routine, *, interrupted: bool, narrowed: bool) -> RunFacts:
        """Return the facts of a scenario that ends now; history has them when this returns."""
        facts = self.circumstances.completed(self._facts(routine, interrupted=interrupted))
        kind: Kind = "ad-hoc" if narrowed and facts.kind == "scheduled" else facts.kind
        changes = compare(routine.previous, routine.results, narrowed=narrowed)
        facts = replace(facts, kind=kind, narrowed=narrowed, changes=changes)
        routine.checks = checks_of(routine.results)
        verdict = summarize_checks(facts, routine.checks).verdict
        self._memory.finish(facts.scenario, copied(RunEnd, facts, outcome=verdict.outcome))
        return facts

    def _close(self, routine: _Routine, facts: RunFacts) -> Finished:
        where, now = facts.environment, facts.finished_at
        gathered = self._memory.gathered(where, now, LONGEST_DAYS, READINGS)
        standings = judge_scenario(OBJECTIVES, (where, facts.scenario), gathered, now)
        facts = replace(facts, objectives=standings, trends=self._memory.trends(facts.scenario))
        summary = summarize_checks(facts, routine.checks)
        with self._remembering():
            if routine.keeper is not None:
                routine.keeper.seal(summary, routine.results)
        kept = routine.keeper.directory if routine.keeper else None
        return Finished(scenario=routine.scenario, summary=summary, directory=kept)

    def _facts(self, routine: _Routine, *, interrupted: bool) -> RunFacts:
        about, scenario, results = self.circumstances, routine.scenario, routine.results
        used = timing.span(results, until=routine.looked_until)
        return copied(
            RunFacts,
            about,
            environment=about.baseline.name,
            scenario=scenario.name,
            title=scenario.title,
            frequency=scenario.frequency.value,
            started_at=used.started_at if used else about.started_at,
            finished_at=clock.now(),
            budget_s=timing.budget_s(scenario, about.baseline),
            used_s=used.used_s if used else 0.0,
            waited_s=timing.waited_s(results, until=routine.looked_until),
            interrupted=interrupted,
            baseline_files=about.baseline.files,
            steps=steps_of(scenario, results),
            plan=about.plans.get(scenario.name),
        )

    @contextmanager
    def _remembering(self) -> Iterator[None]:
        """Go on after what could not be written, and tell of it at the end."""
        try:
            yield
        except RecordError as failure:
            self._remember(failure)

    def _remember(self, failure: RecordError) -> None:
        if failure.message not in {one.message for one in self.failures}:
            self.failures.append(failure)

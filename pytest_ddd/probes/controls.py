"""Audit reports: for each control of a framework, which evidence the records hold."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, cast

from pytest_ddd import clock
from pytest_ddd.baseline.controlling import controls_of
from pytest_ddd.baseline.model import Declaration
from pytest_ddd.baseline.sections.controls import Regulation as Model
from pytest_ddd.controls.catalogue import Control, framework
from pytest_ddd.errors import CannotLookError
from pytest_ddd.outcomes import Outcome
from pytest_ddd.probes.entry import Entry
from pytest_ddd.probes.past_results import results_since
from pytest_ddd.results import CheckResult, Origin, Problem, Reading
from pytest_ddd.units import plural

if TYPE_CHECKING:
    from pytest_ddd.probes.scope import Scope

SECTION = "controls"
_OWN_SCENARIO = "compliance-audit-prep/"
_BAD = (Outcome.RED, Outcome.UNKNOWN, Outcome.BLOCKED)


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditReport:
    """What the records say of one framework: one reading a control, and the whole as a text."""

    readings: tuple[Reading, ...]
    problems: tuple[Problem, ...]
    text: str


class Regulation(Entry[AuditReport]):
    """One framework of the section `controls`, looked up in the records of this environment."""

    def __init__(
        self, declaration: Declaration[Model], *, environment: str, folder: Path | None
    ) -> None:
        super().__init__(section=SECTION, key=declaration.key, target=environment)
        self._declaration = declaration
        self._folder = folder

    def look(self) -> AuditReport:
        """Count the evidence of each control.

        Raises:
            CannotLookError: records are switched off, or cannot be read.
        """
        if self._folder is None:
            raise CannotLookError(
                "there are no records: --ddd-evidence is off", hint="leave out --ddd-evidence off"
            )
        at = clock.now()
        since = at - timedelta(seconds=max(self._declaration.model.window, 92 * 86400.0))
        found = results_since(self._folder, self.target, since)
        lines = [self._line(one, found, at) for one in controls_of(self._declaration)]
        return AuditReport(
            readings=tuple(self._reading(line, at) for line in lines),
            problems=tuple(
                Problem(text=f"{line.control.name}: {line.problem}", origin=self._origin(line))
                for line in lines
                if line.problem
            ),
            text=self._text(lines),
        )

    def _line(self, control: Control, results: Sequence[CheckResult], at: datetime) -> _Line:
        model = self._declaration.model
        reason = model.out_of_scope.get(control.name.partition(" ")[2])
        if reason is not None:
            return _Line(control=control, evidence=f"out of scope: {reason}")
        if not control.checks:
            return _Line(control=control, evidence="", problem="no check gives evidence for it")
        age = timedelta(days=control.every_days) if control.every_days else None
        window = timedelta(seconds=model.window)
        mine = [
            one
            for one in results
            if at - one.started_at <= max(window, age or window)
            and any(fnmatchcase(one.check_id, check) for check in control.checks)
            and one.outcome is not Outcome.NOT_APPLICABLE
        ]
        return _judged(control, mine, at, age or window)

    def _reading(self, line: _Line, at: datetime) -> Reading:
        every = line.control.every_days
        return Reading(
            name=f"{line.control.name} ({line.control.words})",
            value=line.evidence or line.problem,
            source=f"results.jsonl of {', '.join(line.control.checks) or 'no check'}",
            at=at,
            expected=f"evidence at least every {plural(every, 'day')}" if every else "evidence",
            origin=self._origin(line),
        )

    def _origin(self, line: _Line) -> Origin | None:
        return self._declaration.origin("checks", line.control.name.partition(" ")[2])

    def _text(self, lines: Sequence[_Line]) -> str:
        known = framework(self.key)
        title = self._declaration.model.title or (known.title if known else self.key)
        source = f"Identifiers: {known.source}, {known.verified_on}. " if known else ""
        head = f"{title}, environment {self.target}"
        note = "It says which evidence was found, and claims no compliance."
        rows = [
            f"{line.control.name}  {line.control.words}: {line.problem or line.evidence}"
            for line in lines
        ]
        return "\n".join([head, f"{source}{note}", "", *rows])


@dataclass(frozen=True, slots=True, kw_only=True)
class _Line:
    """One control in the report."""

    control: Control
    evidence: str
    problem: str = ""


def _judged(
    control: Control, mine: Sequence[CheckResult], at: datetime, longest: timedelta
) -> _Line:
    """Say what the evidence of one control amounts to."""
    if not mine and all(check.startswith(_OWN_SCENARIO) for check in control.checks):
        return _Line(control=control, evidence="this run's own steps give its first evidence")
    if not mine:
        days = plural(longest.days, "day")
        checks = ", ".join(control.checks)
        text = f"no evidence in the last {days}: {checks} left no result"
        return _Line(control=control, evidence="", problem=text)
    newest = max(one.started_at for one in mine)
    counts = Counter(one.outcome for one in mine)
    told = ", ".join(f"{counts[each]} {each.word}" for each in Outcome if counts[each])
    dates = len({one.started_at.date() for one in mine})
    evidence = f"{told} on {plural(dates, 'day')}, latest {newest:%Y-%m-%d %H:%M} UTC"
    problem = ""
    if at - newest > longest + timedelta(hours=6):  # a daily run does not start on the second
        problem = f"its latest evidence is older than {plural(longest.days, 'day')}: {evidence}"
    elif bad := _latest_bad(mine):
        problem = f"{bad[0].outcome.word} {bad[0].target} {bad[0].reason}"
        problem += f" (and {len(bad) - 1} more)" if len(bad) > 1 else ""
    return _Line(control=control, evidence=evidence, problem=problem)


def _latest_bad(results: Sequence[CheckResult]) -> list[CheckResult]:
    """Return what is bad in the latest look at each thing."""
    last = {
        one.identity: one for one in sorted(results, key=lambda one: (one.started_at, one.look))
    }
    return [one for one in last.values() if one.outcome in _BAD]


def entries(scope: Scope) -> list[Regulation]:
    """Return one report for each framework."""
    return [
        Regulation(
            cast("Declaration[Model]", declaration),
            environment=scope.baseline.name,
            folder=scope.evidence,
        )
        for declaration in scope.in_environment(SECTION)
    ]

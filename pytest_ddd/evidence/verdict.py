"""Says in plain words how a run went."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pytest_ddd.evidence.facts import RunFacts, StepFacts
from pytest_ddd.outcomes import Outcome, worst
from pytest_ddd.results import CheckResult, is_held_back, is_planned
from pytest_ddd.units import format_duration, plural

_WORDS = {
    Outcome.RED: "Action needed",
    Outcome.UNKNOWN: "Not everything could be looked at",
    Outcome.BLOCKED: "Not everything could be looked at",
    Outcome.YELLOW: "Needs a look",
    Outcome.WAIVED: "Good, with waivers",
    Outcome.GREEN: "All good",
    Outcome.NOT_APPLICABLE: "Nothing was checked",
}

_FINE = (Outcome.GREEN, Outcome.WAIVED, Outcome.NOT_APPLICABLE)
_URGENCY = (Outcome.RED, Outcome.UNKNOWN, Outcome.BLOCKED, Outcome.YELLOW)
_NAMES_SHOWN = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The answer: one outcome for the run, its words, a sentence, and what to know besides."""

    outcome: Outcome
    words: str
    sentence: str
    notes: tuple[str, ...] = ()


def reach_verdict(
    facts: RunFacts,
    results: Sequence[CheckResult],
    steps: Sequence[StepFacts] = (),
    damage: Sequence[str] = (),
) -> Verdict:
    """Return the verdict over the deciding results of a run.

    An overrun of the budget is YELLOW. An interrupted run, a damaged record and a run without
    any result are UNKNOWN: what was not looked at is never green.

    Args:
        facts: what the run says of itself.
        results: the deciding look of each check.
        steps: steps of which the run says worse than any of their checks.
        damage: lines of the record that could not be read.
    """
    outcomes = [result.outcome for result in results]
    outcomes += [step.outcome for step in steps]
    if overrun_s(facts) > 0:
        outcomes.append(Outcome.YELLOW)
    if facts.interrupted or damage or not results:
        outcomes.append(Outcome.UNKNOWN)
    outcome = worst(outcomes)
    words = _WORDS[outcome]
    if outcome is Outcome.UNKNOWN and facts.interrupted:
        words = "Stopped before the end"
    elif outcome is Outcome.BLOCKED and all(is_held_back(one) for one in _blocked(results)):
        words = "Not everything was done"
    elif outcome in _FINE and any(is_planned(result) for result in results):
        words = "Not complete: nothing was changed"
    return Verdict(
        outcome=outcome,
        words=words,
        sentence=_sentence(results),
        notes=tuple(_notes(facts, results, steps, damage)),
    )


def overrun_s(facts: RunFacts) -> float:
    """Return by how many seconds the run missed its budget; 0 when it kept it or has none."""
    return max(facts.used_s - facts.budget_s, 0.0) if facts.budget_s is not None else 0.0


def listed(names: Sequence[str]) -> str:
    """Return `web2, db1 and 4 more`."""
    shown = [*names[:_NAMES_SHOWN]]
    if len(names) > _NAMES_SHOWN:
        shown.append(f"{len(names) - _NAMES_SHOWN} more")
    return " and ".join(part for part in (", ".join(shown[:-1]), *shown[-1:]) if part)


def _sentence(results: Sequence[CheckResult]) -> str:
    if not results:
        return "No check was run, so nothing can be said."
    total = plural(len(results), "check")
    bad = [result for result in results if result.outcome not in _FINE]
    if bad:
        return _sentence_of_bad(bad, total)
    seen = sum(result.outcome is Outcome.GREEN for result in results)
    targets = plural(len({result.target for result in results}), "target")
    if seen == len(results):
        every = f"All {total}" if seen > 1 else total
        return f"{every} on {targets} found what the baseline says."
    if seen == 0:
        return f"None of {total} on {targets} had anything to look at."
    return f"{seen:,} of {total} on {targets} found what the baseline says; nothing is wrong."


def _sentence_of_bad(bad: Sequence[CheckResult], total: str) -> str:
    """Name what is wrong first; what is only blocked by it is counted apart."""
    blocked = _blocked(bad)
    causes = [result for result in bad if result.outcome is not Outcome.BLOCKED] or blocked
    urgent = sorted(causes, key=lambda result: _URGENCY.index(result.outcome))
    where = listed(list(dict.fromkeys(result.target for result in urgent)))
    verb = "needs" if len(causes) == 1 else "need"
    sentence = f"{len(causes):,} of {total} {verb} attention on {where}"
    if blocked and causes is not blocked:
        held_back = sum(is_held_back(result) for result in blocked)
        were = "was" if held_back == 1 else "were"
        told = (
            (len(blocked) - held_back, "could not be looked at"),
            (held_back, f"{were} not done"),
        )
        sentence += "".join(f"; {count:,} more {what}" for count, what in told if count)
    return f"{sentence}."


def _blocked(results: Sequence[CheckResult]) -> list[CheckResult]:
    return [result for result in results if result.outcome is Outcome.BLOCKED]


def _notes(
    facts: RunFacts,
    results: Sequence[CheckResult],
    steps: Sequence[StepFacts],
    damage: Sequence[str],
) -> list[str]:
    notes = [
        f"Step {step.number}, {step.title}, is {step.outcome.word}"
        + (f": {step.reason}" if step.reason else ".")
        for step in steps
    ]
    if facts.interrupted:
        notes.append("The run was interrupted: what it had not reached yet is not in this report.")
    if damage:
        lines = plural(len(damage), "line")
        notes.append(f"The record is damaged: {lines} could not be read.")
    if overrun_s(facts) > 0 and facts.budget_s is not None:
        over, budget = format_duration(overrun_s(facts)), format_duration(facts.budget_s)
        notes.append(f"It took {over} longer than its budget of {budget}.")
    planned = sum(is_planned(result) for result in results)
    if planned:
        were = "was" if planned == 1 else "were"
        notes.append(f"{plural(planned, 'action')} {were} only planned: --ddd-apply does it.")
    waived = sum(result.outcome is Outcome.WAIVED for result in results)
    if waived:
        notes.append(f"{plural(waived, 'check')} accepted by a waiver.")
    settled = sum(r.look > 1 and r.outcome is Outcome.GREEN for r in results)
    if settled:
        notes.append(f"{plural(settled, 'check')} turned green on a later look.")
    return notes

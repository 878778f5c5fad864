"""What a run amounts to: its summary, what was planned of it, and whether it is whole."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from pytest_ddd.evidence.population import Population, count_population
from pytest_ddd.evidence.summary import RunSummary
from pytest_ddd.results import CheckResult, is_planned
from pytest_ddd.units import plural


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """What a run amounts to; `incomplete` has a sentence for each reason why it is not whole."""

    summary: RunSummary
    population: Population
    incomplete: tuple[str, ...]


def account(summary: RunSummary, results: Iterable[CheckResult]) -> Account:
    """Return what a run amounts to."""
    population = count_population(summary.facts.plan, results)
    return Account(
        summary=summary,
        population=population,
        incomplete=tuple(_incomplete(summary, population)),
    )


def _incomplete(summary: RunSummary, population: Population) -> Iterator[str]:
    facts = summary.facts
    if facts.interrupted:
        yield "the run was interrupted"
    if any(is_planned(check.last) for check in summary.checks):
        yield "an action was only shown, not done: --ddd-apply was not given"
    if summary.damage:
        yield f"the record is damaged: {plural(len(summary.damage), 'line')}"
    if facts.plan is None:
        yield "nobody noted what was planned"
    elif not population.planned:
        yield "nothing was planned"
    yield from _named(population.missing, "planned and not done")
    yield from _named(population.unplanned, "done and not planned")
    yield from _named(population.unreadable, "could not be collected")


def _named(names: Sequence[str], what: str) -> Iterator[str]:
    if names:
        more = f" and {len(names) - 1} more" if len(names) > 1 else ""
        yield f"{plural(len(names), 'check')} {what}: {names[0]}{more}"

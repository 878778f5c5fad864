"""Makes every file of a package that follows from the record and the run's own words."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from pytest_ddd.evidence import wording
from pytest_ddd.evidence.canonical import canonical
from pytest_ddd.evidence.controls import controls_csv
from pytest_ddd.evidence.files import CONTROLS, JUNIT, POPULATION, README, write_file, written
from pytest_ddd.evidence.junit import junit_lines
from pytest_ddd.evidence.population import Population, count_population
from pytest_ddd.evidence.report import write_report
from pytest_ddd.evidence.signature import NAMESPACE
from pytest_ddd.evidence.summary import RunSummary
from pytest_ddd.jsonable import to_json
from pytest_ddd.results import CheckResult
from pytest_ddd.templating import render
from pytest_ddd.units import plural


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """What a run amounts to: its summary, its population, and why it is not whole, if so."""

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


def derive(directory: Path, run: Account, sealed_at: datetime) -> None:
    """Write report, population, JUnit, controls and README into a run's directory.

    Raises:
        RecordError: one cannot be written.
    """
    write_report(directory, run.summary)
    write_file(directory / POPULATION, canonical(to_json(run.population, str)) + b"\n")
    with written(directory / JUNIT) as file:
        file.writelines(line.encode() for line in junit_lines(run.summary))
    write_file(directory / CONTROLS, controls_csv(run.summary).encode())
    context = {
        "facts": run.summary.facts,
        "verdict": run.summary.verdict,
        "population": run.population,
        "incomplete": run.incomplete,
        "namespace": NAMESPACE,
        "sealed": f"{sealed_at:%Y%m%d%H%M%S}",
        "say": wording,
    }
    write_file(directory / README, render("evidence/README.txt.j2", context).encode())


def _incomplete(summary: RunSummary, population: Population) -> list[str]:
    facts = summary.facts
    said = ["the run was interrupted"] if facts.interrupted else []
    if summary.damage:
        said.append(f"the record is damaged: {plural(len(summary.damage), 'line')}")
    if facts.plan is None:
        said.append("nobody noted what was planned")
    said += _named(population.missing, "planned and not done")
    said += _named(population.unplanned, "done and not planned")
    said += _named(population.unreadable, "could not be collected")
    if not population.planned and facts.plan is not None:
        said.append("nothing was planned")
    return said


def _named(names: Sequence[str], what: str) -> list[str]:
    if not names:
        return []
    more = f" and {len(names) - 1} more" if len(names) > 1 else ""
    return [f"{plural(len(names), 'check')} {what}: {names[0]}{more}"]

"""Makes every file of a package that follows from the record and the run's own words."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from pytest_ddd.evidence import wording
from pytest_ddd.evidence.account import Account
from pytest_ddd.evidence.canonical import canonical
from pytest_ddd.evidence.controls import controls_csv
from pytest_ddd.evidence.files import (
    CONTROLS,
    JUNIT,
    NAMESPACE,
    POPULATION,
    README,
    write_file,
    written,
)
from pytest_ddd.evidence.junit import junit_lines
from pytest_ddd.evidence.report import write_report
from pytest_ddd.jsonable import to_json
from pytest_ddd.templating import render


def derive(directory: Path, run: Account, sealed_at: datetime) -> None:
    """Write report, population, JUnit, controls and README into a run's directory.

    Raises:
        RecordError: one cannot be written.
    """
    write_report(directory, run)
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

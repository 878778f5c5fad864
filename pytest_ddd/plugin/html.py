"""Adds our columns and summary to pytest-html's page, and closes the holes that the page has."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

import pytest

from pytest_ddd import results
from pytest_ddd.plugin.options import SETTINGS_KEY
from pytest_ddd.plugin.recording import result_of
from pytest_ddd.plugin.session import CONTROLLER_KEY
from pytest_ddd.results import CheckResult
from pytest_ddd.units import format_duration, format_quantity

if TYPE_CHECKING:
    from pytest_ddd.run import Finished

_COLUMNS = ("Outcome", "Scenario", "Step", "Host", "Reading", "Threshold")
_AT = 2
"""Our columns stand after the result and the name of the test."""


def pytest_configure(config: pytest.Config) -> None:
    """Register only where pytest-html writes a page and the run is one of a site."""
    on_controller = not hasattr(config, "workerinput")
    writes_page = bool(config.getoption("htmlpath", None))
    if on_controller and writes_page and config.stash[SETTINGS_KEY].baselines.is_dir():
        config.pluginmanager.register(Page(config), "ddd-html-page")


class Page:
    """Our part of pytest-html's page."""

    def __init__(self, config: pytest.Config) -> None:
        self.config = config

    def pytest_html_results_table_header(self, cells: list[str]) -> None:
        """Add a header for each of our columns."""
        heads = [
            f'<th class="sortable" data-column-type="ddd{name.lower()}">{name}</th>'
            for name in _COLUMNS
        ]
        cells[_AT:_AT] = heads

    @pytest.hookimpl(trylast=True)
    def pytest_html_results_table_row(self, report: pytest.TestReport, cells: list[str]) -> None:
        """Add a cell for each of our columns, and escape the name, which pytest-html does not."""
        if len(cells) < _AT:
            return
        when = "" if report.when == "call" else f"::{report.when}"
        cells[1] = f'<td class="col-testId">{escape(report.nodeid + when)}</td>'
        values = _values(result_of(report))
        cells[_AT:_AT] = [
            f'<td class="col-ddd{name.lower()}">{escape(value)}</td>'
            for name, value in zip(_COLUMNS, values, strict=True)
        ]

    def pytest_html_results_summary(self, prefix: list[str]) -> None:
        """Say how each scenario went, and where the record is."""
        controller = self.config.stash[CONTROLLER_KEY]
        for finished in controller.finished:
            prefix.extend(_paragraphs(finished))

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self) -> None:
        """Replace the environment table, which shows CI variables unredacted and unescaped."""
        from pytest_metadata.plugin import metadata_key

        controller = self.config.stash[CONTROLLER_KEY]
        if controller.run is None:
            return
        about = controller.run.circumstances
        table = self.config.stash[metadata_key]
        table.clear()
        table.update({name: escape(value) for name, value in about.versions.items()})
        table["environment"] = escape(about.baseline.name)
        table["operator"] = escape(f"{about.operator} on {about.controller}")


def _values(result: CheckResult | None) -> tuple[str, ...]:
    """Return what stands in our columns; nothing for a test that is no check."""
    if result is None:
        return ("",) * len(_COLUMNS)
    judged = [reading for reading in result.readings if reading.threshold is not None]
    worst = next((one for one in judged if one.outcome is result.outcome), None)
    shown = worst or next(iter(judged), None)
    return (
        f"{result.outcome.symbol} {result.outcome.word}",
        result.scenario,
        str(result.step),
        result.target,
        shown.shown if shown is not None else result.reason,
        _limits(shown) if shown is not None else "",
    )


def _limits(reading: results.Reading) -> str:
    threshold = reading.threshold
    if threshold is None:
        return ""
    named = (("warn", threshold.warn), ("crit", threshold.crit))
    limits = [
        f"{name} {format_quantity(limit.value, threshold.unit)}"
        for name, limit in named
        if limit is not None
    ]
    return ", ".join(limits) + (f" ({reading.origin})" if reading.origin else "")


def _paragraphs(finished: Finished) -> list[str]:
    facts, verdict = finished.summary.facts, finished.summary.verdict
    budget = f" of {format_duration(facts.budget_s)}" if facts.budget_s is not None else ""
    lines = [
        f"{facts.title}, {facts.environment}: {verdict.outcome.symbol} {verdict.outcome.word}. "
        f"{verdict.words}. {verdict.sentence}",
        f"Run {facts.run_id}, {facts.started_at:%Y-%m-%d %H:%M:%S} UTC, "
        f"{format_duration(facts.used_s)}{budget}.",
    ]
    if finished.directory is not None:
        lines.append(f"This page is a convenience; the record is {finished.directory}.")
    return [f"<p>{escape(line)}</p>" for line in lines]

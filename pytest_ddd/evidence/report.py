"""Writes `report.html`: one file that answers, in ten seconds, how a run went."""

from __future__ import annotations

import base64
import hashlib
import io
from collections.abc import Sequence
from pathlib import Path
from typing import TextIO

from pytest_ddd.evidence import change_words, comparison_words, objective_words, telling, wording
from pytest_ddd.evidence.account import Account
from pytest_ddd.evidence.controls import controls_of
from pytest_ddd.evidence.files import REPORT, written
from pytest_ddd.evidence.sparkline import Sparklines
from pytest_ddd.evidence.summary import BY_URGENCY, RunSummary
from pytest_ddd.evidence.verdict import overrun_s
from pytest_ddd.outcomes import Outcome
from pytest_ddd.templating import render, render_to
from pytest_ddd.units import format_duration, format_quantity, plural

FILE_NAME = REPORT

ROWS_A_SECTION = 250
"""A browser lays out sections of this many rows only when they come into view."""

_TEMPLATE = "evidence/report.html.j2"
_STYLE = "evidence/report.css"
_SCRIPT = "evidence/report.js"

_MEANINGS = {
    Outcome.GREEN: "looked at, and as the baseline says",
    Outcome.YELLOW: "beyond a warning limit; look at it today",
    Outcome.RED: "not as the baseline says; act on it",
    Outcome.UNKNOWN: "could not be looked at, so nothing is known; never taken for good",
    Outcome.BLOCKED: "not looked at, or not done, because of what it depends on",
    Outcome.WAIVED: "not as the baseline says, and accepted for a time by a named person",
    Outcome.NOT_APPLICABLE: "the baseline does not ask for it here",
}


def write_report(directory: Path, run: Account) -> Path:
    """Write `report.html` into a run's directory and return its path.

    The same input gives the same bytes, so it can be written again from the package.

    Args:
        directory: the run's directory; a report that is there is replaced.
        run: of results as the record has them, which is without secrets.

    Raises:
        RecordError: it cannot be written.
    """
    path = directory / FILE_NAME
    with written(path) as file:
        text = io.TextIOWrapper(file, encoding="utf-8", newline="\n", write_through=False)
        render_report(text, run)
        text.detach()
    return path


def render_report(file: TextIO, run: Account) -> None:
    """Render the report into an open text file, piece by piece."""
    render_to(file, _TEMPLATE, _context(run))


def _context(run: Account) -> dict[str, object]:
    summary = run.summary
    return {
        "run": summary,
        "population": run.population,
        "incomplete": run.incomplete,
        "controls": controls_of(summary.checks),
        "sparklines": Sparklines(summary.facts.trends),
        "facts": summary.facts,
        "verdict": summary.verdict,
        "nothing": _nothing(summary),
        "style_digest": _digest_of(_STYLE),
        "script_digest": _digest_of(_SCRIPT),
        "outcomes": BY_URGENCY,
        "meanings": _MEANINGS,
        "rows_a_section": ROWS_A_SECTION,
        "say": wording,
        "changed": change_words,
        "compared": comparison_words,
        "standing": objective_words,
        "tell": telling.tell,
        "duration": format_duration,
        "quantity": format_quantity,
        "plural": plural,
        "overrun_s": overrun_s(summary.facts),
        "bars": bars(summary.counts),
        "longest_s": max((step.facts.used_s for step in summary.steps), default=0.0),
        "percent": percent,
    }


def percent(part: float, whole: float) -> float:
    """Return a share for the length of a bar, between 0 and 100."""
    return round(min(max(100 * part / whole, 0.0), 100.0), 2) if whole > 0 else 0.0


def bars(counts: Sequence[tuple[Outcome, int]]) -> list[tuple[Outcome, float, float]]:
    """Return outcome, start and length in percent of each part of the bar of outcomes."""
    total = sum(count for _, count in counts)
    found, start = [], 0.0
    for outcome, count in counts:
        if count:
            length = percent(count, total)
            found.append((outcome, round(start, 2), length))
            start += length
    return found


def _nothing(summary: RunSummary) -> str:
    """Say that no check needs attention, without promising more than is known."""
    if not summary.checks:
        return "Nothing was checked."
    if summary.verdict.outcome in (Outcome.GREEN, Outcome.WAIVED):
        return "Nothing. Every check that applies is green or waived."
    return "None of the recorded checks; the notes above say what else to know."


def _digest_of(template: str) -> str:
    """Return what the policy of the page says of a style or script that it may use."""
    content = render(template, {}).encode()
    return base64.b64encode(hashlib.sha256(content).digest()).decode()

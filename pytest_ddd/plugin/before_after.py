"""Shows in the terminal what was changed, and how a scenario was before it and is after it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_ddd.units import plural

if TYPE_CHECKING:
    from pytest_ddd.evidence.compliance import Entered
    from pytest_ddd.snapshots import Comparison

_SHOWN = 20
"""How many checks of a kind are listed; the report has them all."""


def write(reporter: pytest.TerminalReporter, comparison: Comparison | None) -> None:
    """Write what regressed, cannot be compared and was fixed; what is the same is counted."""
    if comparison is None:
        return
    from pytest_ddd.evidence import comparison_words as words
    from pytest_ddd.snapshots import Kind

    reporter.write_line(words.heading(comparison))
    for note in comparison.notes:
        reporter.write_line(f"  note: {note}", yellow=True)
    for group in words.groups(comparison):
        if group.word == Kind.SAME:
            continue
        for one in group.compared[:_SHOWN]:
            outcome = words.outcome(one)
            text = f"{outcome.symbol} {outcome.word} {words.line(one)}"
            reporter.write_line(f"  {group.word}: {text}")
        if len(group.compared) > _SHOWN:
            reporter.write_line(f"  {group.word}: … and {len(group.compared) - _SHOWN} more")
    if verdict := words.verdict(comparison):
        passed = not comparison.obstacles
        green = passed and not comparison.is_empty
        reporter.write_line(verdict, bold=True, green=green, red=not passed)
    reporter.write_line("")


def write_entered(reporter: pytest.TerminalReporter, entered: Entered | None) -> None:
    """Write what went into the compliance log."""
    if entered is None or not entered.changes:
        return
    from pytest_ddd.evidence import comparison_words as words

    reporter.write_line(f"Compliance log: {plural(len(entered.changes), 'change')} entered")
    for one in entered.changes[:_SHOWN]:
        reporter.write_line(f"  {words.change(one)}")
    if len(entered.changes) > _SHOWN:
        reporter.write_line(f"  … and {len(entered.changes) - _SHOWN} more")
    reporter.write_line("")

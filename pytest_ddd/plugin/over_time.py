"""Says what changed since the previous run, and how objectives stand."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pytest_ddd.evidence.facts import Change, Changes
    from pytest_ddd.occurrences import ObjectiveStanding

_SHOWN = 10
"""How many changes of a kind are listed; the report has them all."""


def write(reporter: pytest.TerminalReporter, changes: Changes | None) -> None:
    """Write new, still bad, lost and fixed; nothing when there is nothing to compare with."""
    if changes is None:
        return
    from pytest_ddd.evidence import change_words

    reporter.write_line(change_words.heading(changes))
    for group in change_words.groups(changes):
        for change in group.changes[:_SHOWN]:
            reporter.write_line(f"  {group.word}: {_line(change, changes)}")
        if len(group.changes) > _SHOWN:
            reporter.write_line(f"  {group.word}: … and {len(group.changes) - _SHOWN} more")
    reporter.write_line("")


def write_objectives(
    reporter: pytest.TerminalReporter, standings: Sequence[ObjectiveStanding]
) -> None:
    """Write how the objectives of the scenario stand, one line each."""
    if standings:
        from pytest_ddd.evidence import objective_words

        for one in standings:
            reporter.write_line(f"Objective: {objective_words.line(one)}")


def _line(change: Change, changes: Changes) -> str:
    from pytest_ddd.evidence.change_words import before_and_now

    outcome = change.now or change.before
    assert outcome is not None
    how = before_and_now(change, changes)
    return f"{outcome.symbol} {outcome.word} {change.name}" + (f" ({how})" if how else "")

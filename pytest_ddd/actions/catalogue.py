"""Make an action again from what the journal says of it, to take it back."""

from __future__ import annotations

from pytest_ddd.actions.interface import Action, Subject
from pytest_ddd.actions.rule_sets import KIND, SetRules
from pytest_ddd.errors import UsageError
from pytest_ddd.probes import rule_sets
from pytest_ddd.probes.scope import Scope


def action_on(subject: Subject, scope: Scope) -> Action:
    """Return the action on a subject, as the baseline describes it now.

    Raises:
        UsageError: the baseline has it no more, or this version knows no such action.
    """
    if subject.kind != KIND:
        raise UsageError(f"no action {subject.kind!r} in this version of pytest-ddd")
    for entry in rule_sets.entries(scope):
        if (entry.target, entry.key) == (subject.target, subject.entry):
            return SetRules(entry)
    raise UsageError(
        f"{subject}: no such entry in the baseline of {scope.baseline.name}",
        hint="put it back to take the action back",
    )

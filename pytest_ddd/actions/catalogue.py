"""Make an action again from what the journal says of it, to take it back."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial

from pytest_ddd.actions import rule_sets as rules
from pytest_ddd.actions.interface import Action, Subject
from pytest_ddd.actions.patching import applying, points
from pytest_ddd.errors import UsageError
from pytest_ddd.probes import patches, rollback, rule_sets
from pytest_ddd.probes.scope import Scope

Offered = Iterator[tuple[str, str, Callable[[], Action]]]
"""Target and entry of each action of a kind, and what makes it."""

LASTING = (applying.KIND, points.KIND)
"""Kinds that are there to stay: they are taken back only when somebody asks for them by name."""


def action_on(subject: Subject, scope: Scope) -> Action:
    """Return the action on a subject, as the baseline describes it now.

    Raises:
        UsageError: the baseline has it no more, or this version knows no such action.
    """
    found = _KINDS.get(subject.kind)
    if found is None:
        raise UsageError(f"no action {subject.kind!r} in this version of pytest-ddd")
    for target, key, make in found(scope):
        if (target, key) == (subject.target, subject.entry):
            return make()
    raise UsageError(
        f"{subject}: no such entry in the baseline of {scope.baseline.name}",
        hint="put it back to take the action back",
    )


def _rule_sets(scope: Scope) -> Offered:
    for one in rule_sets.entries(scope):
        yield one.target, one.key, partial(rules.SetRules, one)


def _patches(scope: Scope) -> Offered:
    for one in patches.entries(scope):
        yield one.target, one.key, partial(applying.ApplyPatch, one)


def _points(scope: Scope) -> Offered:
    for one in rollback.entries(scope):
        yield one.target, one.key, partial(points.MakePoint, one)


_KINDS: Mapping[str, Callable[[Scope], Offered]] = {
    rules.KIND: _rule_sets,
    applying.KIND: _patches,
    points.KIND: _points,
}

"""The fixture `take_back`: undo what a run has changed, where a look since then is RED."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from pytest_ddd import results
from pytest_ddd.errors import NotApplicableError
from pytest_ddd.outcomes import Outcome
from pytest_ddd.plugin import markers, parametrize, site
from pytest_ddd.plugin.changing import hand_of, telling_the_run
from pytest_ddd.plugin.reachable import is_recorded, place_of
from pytest_ddd.plugin.verdict import VERDICT_KEY

if TYPE_CHECKING:
    from pytest_ddd.actions.carrying_out import Carried
    from pytest_ddd.actions.interface import Action


@pytest.fixture
def take_back(request: pytest.FixtureRequest) -> Callable[[Action], Carried]:
    """Take back what this run did with an action, when a check since is RED.

    A check about a host counts for that host; any other one counts for all. What was taken
    back is a problem of the `Carried` that it returns, and so the check is RED.
    """

    def carry_out(action: Action) -> Carried:
        return _take_back(request.node, action)

    return carry_out


def _take_back(item: pytest.Item, action: Action) -> Carried:
    from pytest_ddd.actions.carrying_out import Carried
    from pytest_ddd.actions.interface import Plan

    verdict, hand, subject = item.stash[VERDICT_KEY], hand_of(item.config), action.subject
    if not item.config.getoption("ddd_apply"):
        raise NotApplicableError(f"{results.PLANNED}: take {subject} back, if a check is RED")
    run = site.run_id(item.config)
    done = [one for one in hand.journal.deeds() if one.is_in_force and one.run_id == run]
    deed = next((one for one in done if one.subject == subject), None)
    if deed is None:
        raise NotApplicableError(f"{subject} was not changed in this run")
    reasons = _reds_about(item, subject.target, {one.subject.target for one in done})
    kept = Plan(summary=f"{subject} stays: no check about it is RED", detail="", is_needed=False)
    if not reasons:
        verdict.attach("kept", kept.summary)
        return Carried(plan=kept, readings=())
    with telling_the_run(item.config):
        problems = hand.take_back(deed, action)
    told = () if problems else (results.Problem(text=f"{subject} was taken back, and is verified"),)
    wrong = tuple(results.Problem(text=one) for one in reasons)
    plan = Plan(summary=f"take {subject} back", detail="\n".join(reasons), is_needed=True)
    verdict.attach("taken back", plan.detail)
    return Carried(plan=plan, readings=(), problems=(*told, *problems, *wrong))


def _reds_about(item: pytest.Item, target: str, changed: set[str]) -> list[str]:
    """Return the checks of the same step that are RED, about a target or about no changed host."""
    place = markers.place(item)
    found = []
    for one in item.session.items:
        seen = one.stash.get(VERDICT_KEY, None)
        if one is item or seen is None or seen.outcome is not Outcome.RED or not is_recorded(one):
            continue
        if place_of(one).order != place.order or one.get_closest_marker("action"):
            continue
        about = parametrize.subject(one, item.config.stash[site.SITE_KEY].baseline.name).target
        if about == target or about not in changed:
            found.append(f"{one.nodeid} is RED")
    return found

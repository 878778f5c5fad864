"""Security Patch Tuesday: every week, in the patch window, 2 hours.

Each function is one step, or one part of it. It runs once for each entry of the baseline that
applies, patches batch by batch. Steps 2, 3 and the end of 4 are actions: without `--ddd-apply`
they show what they would change, and a RED before them keeps them from beginning.
"""

import pytest

from pytest_ddd.actions.patching.applying import ApplyPatch
from pytest_ddd.actions.patching.points import MakePoint

pytestmark = [pytest.mark.weekly, pytest.mark.scenario("security-patch-tuesday")]


@pytest.mark.step(1)
def test_endpoints_before(endpoint, judge):
    """Every health endpoint answers as the baseline says, before anything is changed."""
    answer = endpoint.read()
    judge(answer.latency, endpoint.latency)
    assert answer.problems == ()


@pytest.mark.step(2)
@pytest.mark.action
def test_rollback_point(rollback_point, change):
    """What leads back is there, and was proved to be good before anything is changed."""
    done = change(MakePoint(rollback_point))
    assert done.problems == ()


@pytest.mark.step(3)
@pytest.mark.action
def test_patch(patch, change, judge):
    """The updates are in force, and the host still does what it did; else it is as before."""
    assert change(ApplyPatch(patch)).problems == ()
    judge(patch.read().held, patch.held)


@pytest.mark.step(4)
def test_endpoints_after(endpoint, judge):
    """Every health endpoint answers as the baseline says, now that hosts were changed."""
    answer = endpoint.read()
    judge(answer.latency, endpoint.latency)
    assert answer.problems == ()


@pytest.mark.step(4)
@pytest.mark.action
def test_take_back(patch, take_back):
    """A host about which a check is RED since goes back to what it was."""
    done = take_back(ApplyPatch(patch))
    assert done.problems == ()

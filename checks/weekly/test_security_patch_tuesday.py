"""Security Patch Tuesday: every week, in the patch window, 2 hours, operations and security.

Each function is one step, or one part of it. What ends in `_before` looks before anything is
changed, what ends in `_after` looks at the same thing again, and the two are compared. Only
functions marked `action` change a host, and only with `--ddd-apply`; a RED before them keeps them
from beginning.
"""

import pytest

from pytest_ddd.actions.patching.applying import ApplyPatch
from pytest_ddd.actions.patching.points import MakePoint

pytestmark = [pytest.mark.weekly, pytest.mark.scenario("security-patch-tuesday")]


@pytest.mark.step(1)
def test_host_state_before(host_state, judge, attach):
    """Few people are at work, there is room, no other package manager runs, all is whole."""
    state = host_state.read()
    for reading, limits in state.judged:
        judge(reading, limits)
    for name, text in state.texts.items():
        attach(name, text)
    assert state.problems == ()


@pytest.mark.step(1)
def test_endpoints_before(endpoint, judge):
    """Every health endpoint answers as the baseline says."""
    answer = endpoint.read()
    judge(answer.latency, endpoint.latency)
    assert answer.problems == ()


@pytest.mark.step(1)
def test_smoke_tests_before(smoke_test, judge):
    """Every service does what its users want of it."""
    tried = smoke_test.read()
    if smoke_test.took is not None:
        judge(tried.took, smoke_test.took)
    assert tried.problems == ()


@pytest.mark.step(2)
@pytest.mark.action
def test_rollback_point(rollback_point, change):
    """What leads back is there, and was proved to be good before anything is changed."""
    assert change(MakePoint(rollback_point)).problems == ()


@pytest.mark.step(3)
@pytest.mark.action
def test_patch(patch, change, judge):
    """The updates are in force, and the host still does what it did; else it is as before."""
    assert change(ApplyPatch(patch)).problems == ()
    judge(patch.read().held, patch.held)


@pytest.mark.step(4)
def test_host_state_after(host_state, judge, before):
    """What ran before runs now, and all is whole."""
    state = before(host_state.read())
    for reading, limits in state.judged:
        judge(reading, limits)
    assert state.problems == ()


@pytest.mark.step(4)
def test_endpoints_after(endpoint, judge):
    """Every health endpoint answers as the baseline says, as before."""
    answer = endpoint.read()
    judge(answer.latency, endpoint.latency)
    assert answer.problems == ()


@pytest.mark.step(4)
def test_smoke_tests_after(smoke_test, judge):
    """Every service does what its users want of it, as before."""
    tried = smoke_test.read()
    if smoke_test.took is not None:
        judge(tried.took, smoke_test.took)
    assert tried.problems == ()


@pytest.mark.step(4)
@pytest.mark.action
def test_take_back(patch, take_back):
    """A host about which a check is RED since goes back to what it was."""
    assert take_back(ApplyPatch(patch)).problems == ()


@pytest.mark.step(5)
def test_security_scan(scan, judge, attach):
    """No scanner finds more than the limits of each severity allow."""
    found = scan.read()
    attach("findings", found.text)
    for reading, limits in found.judged:
        judge(reading, limits)
    assert found.problems == ()


@pytest.mark.step(6)
def test_compliance_log(compliance_log):
    """The log of all changes is as it was written; those of this run follow when it ends."""
    assert compliance_log.read().problems == ()

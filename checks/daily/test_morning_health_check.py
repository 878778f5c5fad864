"""Morning Health Check: every day, at the start of business, 15 minutes, read-only.

Each function is one step. It runs once for each entry of the baseline that applies: `endpoint`,
`resource`, `log`, `backup` and `drift_item` stand for one of them. `read()` looks, `judge` holds
a reading against its limits, and a plain `assert` says everything else.
"""

import pytest

pytestmark = [pytest.mark.daily, pytest.mark.scenario("morning-health-check")]


@pytest.mark.step(1)
def test_health_endpoints(endpoint, judge):
    """Every health endpoint answers as the baseline says."""
    answer = endpoint.read()
    judge(answer.latency, endpoint.latency)
    if answer.certificate is not None:
        judge(answer.certificate, endpoint.certificate)
    assert answer.problems == ()


@pytest.mark.step(2)
def test_resource_utilization(resource, judge):
    """Processors, memory and file systems are used less than their limits."""
    usage = resource.read()
    for reading in usage.readings:
        judge(reading, resource.threshold)
    assert usage.problems == ()


@pytest.mark.step(3)
def test_overnight_error_logs(log, judge):
    """No critical line and not too many errors were logged since the night began."""
    review = log.read()
    judge(review.critical, log.critical)
    judge(review.errors, log.errors)
    assert review.problems == ()


@pytest.mark.step(4)
def test_backup_completion(backup, judge):
    """The latest backup is fresh, as large as the ones before, and can be read."""
    state = backup.read()
    judge(state.age, backup.age)
    if state.shrink is not None:
        judge(state.shrink, backup.shrink)
    assert state.problems == ()


@pytest.mark.step(5)
def test_configuration_drift(drift_item, judge):
    """Everything on the host is configured as the baseline says, and nothing else is there."""
    drift = drift_item.read()
    if drift.extra is not None:
        judge(drift.extra, drift_item.extra)
    assert drift.problems == ()

"""End-of-Day Validation: every day, at the end of business, 10 minutes.

Each function is one step. It runs once for each entry of the baseline that applies: `job`,
`queue`, `sync_pair`, `metric` and `rule_set` stand for one of them. `read()` looks, `judge` holds
a reading against its limits, and a plain `assert` says everything else. Step 5 is an action:
without `--ddd-apply` it shows what it would change.
"""

import pytest

from pytest_ddd.actions.rule_sets import SetRules

pytestmark = [pytest.mark.daily, pytest.mark.scenario("end-of-day-validation")]


@pytest.mark.step(1)
def test_batch_jobs(job, judge):
    """Every batch job has ended well since it was last due."""
    state = job.read()
    judge(state.lateness, job.late)
    if job.runtime is not None:
        judge(state.runtime, job.runtime)
    assert state.problems == ()


@pytest.mark.step(2)
def test_queue_depths(queue, judge):
    """No queue is too deep, nothing in it waits too long, and somebody works on it."""
    state = queue.read()
    judge(state.depth, queue.depth)
    if queue.age is not None:
        judge(state.age, queue.age)
    if queue.consumers is not None:
        judge(state.consumers, queue.consumers)
    assert state.problems == ()


@pytest.mark.step(3)
def test_data_synchronization(sync_pair, judge):
    """Data that has to be the same in two places is the same."""
    state = sync_pair.read()
    for reading in state.readings:
        judge(reading, sync_pair.limits[reading.name])
    assert state.problems == ()


@pytest.mark.step(4)
def test_performance_metrics(metric, judge):
    """Performance metrics are not further from what is usual than their tolerance."""
    for reading in metric.read().readings:
        judge(reading, metric.threshold[reading.name])


@pytest.mark.step(5)
@pytest.mark.action
def test_overnight_monitoring_thresholds(rule_set, change):
    """Prometheus alerts by the limits of the night (in the morning `action undo` ends that)."""
    done = change(SetRules(rule_set, profile="night"))
    assert done.problems == ()

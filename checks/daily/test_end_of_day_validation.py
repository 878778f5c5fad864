"""End-of-Day Validation: every day, at the end of business, 10 minutes.

Steps 1 to 4 only read. Step 5 is an action: without `--ddd-apply` it shows what it would change.
"""

import pytest

from pytest_ddd.actions.rule_sets import SetRules

pytestmark = [pytest.mark.daily, pytest.mark.scenario("end-of-day-validation")]


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

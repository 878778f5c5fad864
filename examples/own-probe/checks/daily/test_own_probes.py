"""What our own probes see is within the limits of the baseline."""

import pytest

pytestmark = pytest.mark.daily


def test_own_probes(probe, judge):
    """Every number that our own probes read is within its limits."""
    judge(probe.read().reading, probe.threshold)

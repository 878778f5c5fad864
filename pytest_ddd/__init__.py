"""Maintenance checks as tests: the names that people who write checks may import."""

from pytest_ddd.outcomes import Outcome
from pytest_ddd.results import CheckResult, Problem, Reading, Threshold

__all__ = ["CheckResult", "Outcome", "Problem", "Reading", "Threshold"]

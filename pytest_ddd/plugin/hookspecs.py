"""Hooks that a site may implement in its conftest.py; all are called in the controller process."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_ddd.results import CheckResult
from pytest_ddd.scenarios.model import Scenario

if TYPE_CHECKING:
    from pytest_ddd.run import Finished


def pytest_ddd_scenario_started(
    config: pytest.Config, scenario: Scenario, environment: str
) -> None:
    """Called when the first result of a scenario has come.

    Example:
        def pytest_ddd_scenario_started(scenario, environment):
            print(f"{scenario.title} of {environment} has begun")
    """


def pytest_ddd_result(config: pytest.Config, result: CheckResult) -> None:
    """Called for each result, after it was written to the record.

    Example:
        def pytest_ddd_result(result):
            if result.outcome == "RED":
                print(result.target, result.reason)
    """


def pytest_ddd_scenario_finished(config: pytest.Config, finished: Finished) -> None:
    """Called for each scenario at the end of the run, after its report was written.

    Example:
        def pytest_ddd_scenario_finished(finished):
            print(finished.summary.verdict.words, finished.directory)
    """

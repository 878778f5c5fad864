"""Hooks that a site may implement in its conftest.py."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_ddd.results import CheckResult
from pytest_ddd.scenarios.model import Scenario

if TYPE_CHECKING:
    from pytest_ddd.alerts import Decision
    from pytest_ddd.escalation.interface import Channel
    from pytest_ddd.probes.scope import Look
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


def pytest_ddd_escalate(config: pytest.Config, decision: Decision) -> None:
    """Called at the end of the run for each escalation, also for those that were suppressed.

    `decision.suppressed` says why nobody was told (a dry run, say), or is None. An implementation
    that raises does not keep the others from being called, and the exit status is 75.

    Example:
        def pytest_ddd_escalate(decision):
            if decision.suppressed is None:
                print(decision.kind, decision.severity, decision.summary)
    """


def pytest_ddd_register_channels(config: pytest.Config, channels: dict[str, Channel]) -> None:
    """Called before messages are sent: add a channel that the baseline names with `kind: hook`.

    Only pytest runs of this site know it; for `pytest-ddd` commands too, make a package with an
    entry point in the group `pytest_ddd.channels`.

    Example:
        class Jira:
            def send(self, message, *, timeout_s):
                print(message.severity, message.summary)

        def pytest_ddd_register_channels(channels):
            channels["jira"] = Jira()
    """


def pytest_ddd_register_probes(config: pytest.Config, probes: dict[str, Look]) -> None:
    """Called before checks are collected: add a probe that the baseline names as `kind`.

    A probe gets testinfra's host (None for an entry without `applies_to`) and the options of the
    entry. It returns a number, or a number and the text that shows it, and raises CannotLookError
    when it could not look. It only reads; the check judges. With `-n` each process registers it.

    Example:
        def zombies(host, options):
            states = host.check_output("ps -eo stat=")
            return states.count("Z"), states

        def pytest_ddd_register_probes(probes):
            probes["zombies"] = zombies
    """

"""Puts the target of a check into JUnit's class name, where every reader of JUnit shows it."""

from __future__ import annotations

import pytest
from _pytest.junitxml import xml_key  # pytest has no public way to name a test case

from pytest_ddd.results import CheckResult


def name_target(config: pytest.Config, report: pytest.TestReport, result: CheckResult) -> None:
    """Name a test case `<scenario>.<target>` instead of after its file."""
    xml = config.stash.get(xml_key, None)
    if xml is not None:
        target = result.target.replace(".", "_")  # a dot would begin a new level
        xml.node_reporter(report).add_attribute("classname", f"{result.scenario}.{target}")

"""The shipped frameworks: what every control says, and how a mistyped name is answered."""

from __future__ import annotations

from datetime import date
from urllib.parse import urlsplit

import pytest

from pytest_ddd.baseline.sections.scenarios import SCENARIO_NAMES
from pytest_ddd.controls import catalogue
from pytest_ddd.controls.catalogue import FRAMEWORKS

CONTROLS = [
    control
    for name in FRAMEWORKS
    if (framework := catalogue.framework(name)) is not None
    for control in framework.controls.values()
]


@pytest.mark.parametrize("name", FRAMEWORKS)
def test_each_framework_has_its_source_and_date(name: str) -> None:
    framework = catalogue.framework(name)

    assert framework is not None
    assert urlsplit(framework.source).scheme == "https"
    assert date.fromisoformat(framework.verified_on) > date(2026, 1, 1)
    assert framework.controls


@pytest.mark.parametrize("control", CONTROLS, ids=lambda control: control.name)
def test_each_control_has_short_words_and_checks_of_a_routine(control: catalogue.Control) -> None:
    assert len(control.words) <= 80, "our own words are short; longer ones may be the standard's"
    assert {one.partition("/")[0] for one in control.checks} <= set(SCENARIO_NAMES)
    assert control.checks


def test_each_retention_rule_has_its_source_and_date() -> None:
    for rule in catalogue.retention_rules().values():
        assert urlsplit(rule.source).scheme == "https"
        assert date.fromisoformat(rule.verified_on) > date(2026, 1, 1)
        assert rule.keep_days > 0
        assert rule.confidence in ("primary", "secondary")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("PCI 10.4.1", ""),
        ("ACME 1", ""),
        ("PCI 10.4.9", "did you mean 'PCI 10.4.1'"),
        ("pci 10.4.1", "did you mean 'PCI 10.4.1'"),
        ("A.8.9", "did you mean 'ISO A.8.9'"),
        ("FOO 1", "no framework of control 'FOO 1'"),
    ],
)
def test_a_mistyped_control_gets_the_nearest_name(name: str, said: str) -> None:
    found = catalogue.mistake(name, ["ACME 1"] if name == "ACME 1" else [])

    assert said in found
    assert bool(found) == bool(said)


def test_a_check_gives_evidence_for_the_controls_that_name_it() -> None:
    found = catalogue.of_check("morning-health-check/overnight_error_logs", CONTROLS)

    assert {"PCI 10.4.1", "NIST AU-6", "CIS 8.11", "HIPAA 164.312(b)"} <= set(found)
    assert "PCI 6.3.3" not in found

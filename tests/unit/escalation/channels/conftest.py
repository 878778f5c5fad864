"""Messages, and settings of channels, for the tests."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from pytest_ddd import redaction
from pytest_ddd.baseline.sections.escalation import Channel
from pytest_ddd.messages import Kind, Message, Severity
from tests.support.pagerduty import KEY

TRIGGER = Message(
    message_id="0f1e2d3c-0000-4000-8000-000000000001",
    kind=Kind.TRIGGER,
    severity=Severity.CRITICAL,
    dedup_key="ddd/prod/morning-health-check/resources/db1/disk:/var/page",
    summary="disk:/var 93 % >= crit 90 % on db1",
    environment="prod",
    scenario="morning-health-check",
    check_id="morning-health-check/resources",
    target="db1",
    entry="disk:/var",
    rule="page",
    run_id="run-1",
    occurred_at=datetime(2026, 11, 23, 7, 30, tzinfo=UTC),
    runbook="https://runbooks.example/disk",
    details={"observed": "93 %", "expected": "< 90 % (baselines/prod/thresholds.yaml:12)"},
)


@pytest.fixture
def trigger() -> Message:
    return TRIGGER


@pytest.fixture
def resolve() -> Message:
    return replace(TRIGGER, kind=Kind.RESOLVE, message_id="0f1e2d3c-0000-4000-8000-000000000002")


@pytest.fixture
def settings(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Channel]:
    """Return a function that makes the settings of a channel; DDD_TEST_KEY is there."""
    monkeypatch.setenv("DDD_TEST_KEY", KEY)
    monkeypatch.setattr(redaction, "DEFAULT", redaction.Redactor())

    def make(**words: object) -> Channel:
        return Channel.model_validate(words)

    return make

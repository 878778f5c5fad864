"""What a baseline says about escalation, ready to be used."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest

from pytest_ddd.baseline.loader import load_baseline
from pytest_ddd.baseline.model import Baseline
from pytest_ddd.escalation.channels import registry
from pytest_ddd.escalation.evaluation import Mode
from pytest_ddd.escalation.planning import channels_of, plan_of
from pytest_ddd.messages import DeliveryError
from tests.support.results import SCENARIO, START
from tests.unit.escalation.delivering import message

TEXT = f"""\
hosts: {{web1: {{connection: 'local://'}}}}
environment: {{timezone: Europe/Zurich}}
scenarios: {{{SCENARIO}: {{due: {{at: "07:30", days: daily}}}}}}
escalation:
  channels: {{board: {{kind: hook}}, log: {{kind: syslog}}}}
  rules: {{down: {{when: [RED], notify: [board, log]}}}}
"""


@pytest.fixture
def baseline(tmp_path: Path) -> Baseline:
    (tmp_path / "prod.yaml").write_text(TEXT)
    return load_baseline(tmp_path, "prod")


def test_messages_say_when_the_next_run_is_due(baseline: Baseline) -> None:
    plan = plan_of(baseline, Mode.ON, START)

    assert plan.expected_again == {SCENARIO: datetime.fromisoformat("2026-11-24T06:30:00Z")}
    assert plan.timezone == "Europe/Zurich"


def test_a_channel_of_a_conftest_is_left_to_it(baseline: Baseline) -> None:
    assert set(channels_of(baseline)) == {"log"}


def test_a_channel_that_cannot_be_opened_refuses_and_shuts_no_other(
    baseline: Baseline, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its package was removed since the baseline was read."""
    monkeypatch.setattr(registry, "KINDS", ())

    with pytest.raises(DeliveryError, match="syslog"):
        channels_of(baseline)["log"].send(message(), timeout_s=1)

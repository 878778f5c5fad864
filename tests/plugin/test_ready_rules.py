"""The rules of docs/escalation.md as they stand there, on a real endpoint, a real log and a usage."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from pytest_ddd import run as maintenance_run
from pytest_ddd.baseline import loader
from pytest_ddd.escalation import planning, telling
from pytest_ddd.history import desk
from tests.plugin.conftest import Site
from tests.support.http_service import Asked, Reply, http_service

LOADED = (loader, maintenance_run, planning, telling, desk)
"""Imported here, so that runs in this process share them: C libraries below them load once."""

ROOT = Path(__file__).parents[2]
MORNING = ROOT / "checks" / "daily" / "test_morning_health_check.py"
USAGE = """
    @pytest.mark.scenario("morning-health-check")
    def test_resource_utilization(judge):
        from pathlib import Path
        from pytest_ddd import clock
        used = float(Path("usage").read_text())
        limits = Threshold(warn=Limit(value=80), crit=Limit(value=95), unit="%")
        judge(Reading(name="memory", value=used, unit="%", at=clock.now()), limits)
"""


def ready_section() -> dict[str, Any]:
    """Return the section of the document, with programs in the place of its channels."""
    document = (ROOT / "docs" / "escalation.md").read_text(encoding="utf-8")
    found = re.search(
        r"^:caption: baselines/prod/escalation.yaml\n\n(.*?)^```",
        document,
        re.MULTILINE | re.DOTALL,
    )
    assert found is not None
    section: dict[str, Any] = yaml.safe_load(found[1])["escalation"]
    for name in section["channels"]:
        command = ["sh", "-c", f"cat >> {name}.jsonl && echo >> {name}.jsonl"]
        section["channels"][name] = {"kind": "exec", "command": command}
    return section


class Answers:
    """Answers 500 as often as it is told to, then 200."""

    def __init__(self) -> None:
        self.failures = 0

    def __call__(self, asked: Asked) -> Reply:
        if self.failures:
            self.failures -= 1
            return Reply(status=500)
        return Reply(status=200)


@pytest.fixture
def answers() -> Answers:
    return Answers()


@pytest.fixture
def ready(site: Site, answers: Answers) -> Iterator[Site]:
    """A healthy site with the ready rules."""
    site.baseline("local", escalation=yaml.safe_dump({"escalation": ready_section()}))
    site.write("checks/daily/test_morning_health_check.py", without_usage())
    site.check(USAGE, name="test_usage")
    site.write("usage", "10")
    log = site.write("app.log", "")
    site.baseline("local", logs=f"logs: {{app: {{path: {log}, critical: [FATAL], since: 1h}}}}")
    with http_service(answers) as service:
        url = (
            f"endpoints: {{shop: {{url: '{service.url}', attempts: {{count: 3, interval: 10ms}}, "
            "latency: {warn: 30s, crit: 60s}}}"
        )
        site.baseline("local", endpoints=url)
        yield site


def without_usage() -> str:
    """Return the morning's checks without the one whose readings a test cannot choose."""
    text = MORNING.read_text(encoding="utf-8")
    return re.sub(
        r"@pytest.mark.step\(2\)\n.*?(?=@pytest.mark.step\(3\))", "", text, flags=re.DOTALL
    )


def told(site: Site, channel: str) -> list[dict[str, Any]]:
    file = site.root / f"{channel}.jsonl"
    lines = file.read_text().splitlines() if file.exists() else []
    return [json.loads(line) for line in lines if line]


def run(site: Site) -> None:
    site.run("--ddd-escalate=on", in_process=True)


def test_a_health_check_that_fails_three_times_pages_on_call(ready: Site, answers: Answers) -> None:
    answers.failures = 2
    run(ready)
    after_two = told(ready, "on-call")
    answers.failures = 3
    run(ready)
    after_three = told(ready, "on-call")
    run(ready)

    assert after_two == []
    assert [(one["kind"], one["severity"], one["rule"]) for one in after_three] == [
        ("trigger", "critical", "health-check-fails")
    ]
    assert [one["kind"] for one in told(ready, "on-call")] == ["trigger", "resolve"]


def test_usage_above_90_asks_to_scale_now(ready: Site) -> None:
    ready.write("usage", "90")
    run(ready)
    at_90 = told(ready, "chat")
    ready.write("usage", "90.5")
    run(ready)

    assert at_90 == []
    for channel in ("on-call", "chat"):
        (message,) = told(ready, channel)
        assert (message["kind"], message["rule"]) == ("trigger", "usage-above-90")
        command = message["details"]["proposed command"]
        assert command == "kubectl scale deployment/shop --replicas=6"


def test_critical_errors_send_people_to_runbook_section_5_2(ready: Site) -> None:
    run(ready)
    before = told(ready, "chat")
    ready.write("app.log", "worker 7 FATAL out of file handles\n")
    run(ready)
    run(ready)

    assert before == []
    (message,) = told(ready, "chat")
    assert (message["rule"], message["runbook"]) == ("critical-errors", "5.2")
    assert message["details"]["runbook"] == "check runbook section 5.2"


def test_what_cannot_be_looked_at_is_told_when_it_goes_on(ready: Site) -> None:
    (ready.root / "app.log").unlink()
    counts = []
    for _ in range(3):
        run(ready)
        counts.append(len(told(ready, "chat")))

    assert counts == [0, 0, 1]
    assert told(ready, "chat")[0]["rule"] == "could-not-look"

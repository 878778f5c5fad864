"""PagerDuty: what the service takes, and what every failure means."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from pytest_ddd.baseline.sections.escalation import Channel
from pytest_ddd.escalation.channels.pagerduty import PagerDuty, body
from pytest_ddd.messages import DeliveryError, Kind, Message, NotNowError, Severity
from tests.support import pagerduty
from tests.support.http_service import Reply, Service, http_service


@pytest.fixture
def pager() -> pagerduty.PagerDuty:
    return pagerduty.PagerDuty()


@pytest.fixture
def service(pager: pagerduty.PagerDuty) -> Iterator[Service]:
    with http_service(pager) as running:
        yield running


@pytest.fixture
def oncall(service: Service, settings: Callable[..., Channel]) -> PagerDuty:
    made = settings(kind="pagerduty", url=service.url, key={"env": "DDD_TEST_KEY"})
    return PagerDuty("oncall", made)


def sent(message: Message):
    """Return what PagerDuty reads."""
    return json.loads(json.dumps(body(message)))


def test_an_incident_opens_and_resolves(oncall, pager, trigger, resolve) -> None:
    oncall.send(trigger, timeout_s=30)
    assert pager.incidents == {trigger.dedup_key: "critical"}

    oncall.send(resolve, timeout_s=30)

    assert (pager.incidents, pager.resolved) == ({}, [trigger.dedup_key])


def test_a_severity_rises_in_the_same_incident(oncall, pager, trigger) -> None:
    oncall.send(replace(trigger, severity=Severity.WARNING), timeout_s=30)
    oncall.send(trigger, timeout_s=30)

    assert pager.incidents == {trigger.dedup_key: "critical"}


def test_a_reminder_opens_no_second_incident(oncall, pager, trigger) -> None:
    oncall.send(trigger, timeout_s=30)
    oncall.send(replace(trigger, kind=Kind.REMIND), timeout_s=30)

    assert len(pager.incidents) == 1


def test_information_is_a_change_and_no_incident(oncall, pager, trigger) -> None:
    oncall.send(replace(trigger, kind=Kind.INFO, summary="patched"), timeout_s=30)

    assert (pager.incidents, pager.changes) == ({}, ["patched"])


def test_the_largest_message_fits(oncall, pager, trigger) -> None:
    details = {f"key {number}": "ü" * 20_000 for number in range(500)}
    members = tuple("member " * 2000 for _ in range(5000))

    oncall.send(
        replace(trigger, summary="ä" * 9000, details=details, members=members), timeout_s=30
    )

    assert len(pager.incidents) == 1


def test_a_group_says_how_many_are_left_out(trigger) -> None:
    event = sent(replace(trigger, members=tuple(str(number) for number in range(130))))

    members = event["payload"]["custom_details"]["members"]
    assert (len(members), members[-1]) == (101, "… and 30 more")


def test_a_runbook_that_is_no_link_is_a_detail(trigger) -> None:
    event = sent(replace(trigger, runbook="5.2"))

    assert "links" not in event
    assert event["payload"]["custom_details"]["runbook"] == "5.2"


def test_a_refused_event_is_never_sent_again(oncall, pager, trigger) -> None:
    with pytest.raises(DeliveryError, match=r"400: .*dedup_key is missing or longer") as caught:
        oncall.send(replace(trigger, dedup_key="x" * 256), timeout_s=30)

    assert not isinstance(caught.value, NotNowError)


def test_too_many_calls_are_tried_again_when_asked(oncall, pager, trigger) -> None:
    pager.trouble.append(Reply(status=429, headers={"Retry-After": "7"}))

    with pytest.raises(NotNowError) as caught:
        oncall.send(trigger, timeout_s=30)

    assert caught.value.retry_after_s == 7


@pytest.mark.parametrize("status", [408, 425, 500, 502, 503])
def test_trouble_of_the_service_is_tried_again(oncall, pager, trigger, status: int) -> None:
    pager.trouble.append(Reply(status=status))

    with pytest.raises(NotNowError, match=f"PagerDuty answered {status}") as caught:
        oncall.send(trigger, timeout_s=30)

    assert caught.value.retry_after_s is None


def test_the_key_is_in_the_one_field_that_needs_it(oncall, service, trigger) -> None:
    oncall.send(trigger, timeout_s=30)

    (asked,) = service.asked
    assert asked.body.count(pagerduty.KEY.encode()) == 1
    assert pagerduty.KEY not in asked.path + str(asked.headers)


def test_an_answer_that_repeats_the_key_is_cleaned(oncall, pager, trigger) -> None:
    echo = json.dumps({"errors": [f"bad key {pagerduty.KEY}"]}).encode()
    pager.trouble.append(Reply(status=400, body=echo))

    with pytest.raises(DeliveryError, match="redacted") as caught:
        oncall.send(trigger, timeout_s=30)

    assert pagerduty.KEY not in str(caught.value)


def test_a_key_that_is_not_there_is_asked_for_again(oncall, trigger, monkeypatch) -> None:
    monkeypatch.delenv("DDD_TEST_KEY")

    with pytest.raises(NotNowError, match="DDD_TEST_KEY is not set"):
        oncall.send(trigger, timeout_s=30)


def test_the_default_is_the_service_itself(settings, trigger: Message) -> None:
    made = settings(kind="pagerduty", key={"env": "DDD_TEST_KEY"})

    assert made.url == ""

"""Alertmanager: with a real one, from the first alert to its own restart."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from pytest_ddd import clock
from pytest_ddd.escalation.channels import alertmanager
from pytest_ddd.escalation.channels.alertmanager import alert
from pytest_ddd.messages import DeliveryError, Kind, NotNowError, Severity
from tests.lab.proc import wait_for
from tests.support.alertmanager import PATIENCE_S, Alertmanager
from tests.support.http_service import Reply, http_service

needs = pytest.mark.needs("prometheus-alertmanager")


@pytest.fixture
def people():
    with http_service(lambda _: Reply()) as service:
        yield service


@pytest.fixture
def server(ledger, tmp_path, people):
    running = Alertmanager(ledger, tmp_path, people)
    yield running
    running.stop()


@pytest.fixture
def channel(server, settings):
    return alertmanager.Alertmanager("ops", settings(kind="alertmanager", url=server.url))


@needs
def test_an_alert_is_told_once_however_often_it_is_posted(channel, server, trigger) -> None:
    channel.send(trigger, timeout_s=30)
    channel.send(trigger, timeout_s=30)
    assert server.tells("firing", "db1")
    channel.send(replace(trigger, kind=Kind.REMIND), timeout_s=30)
    channel.send(replace(trigger, target="db2", dedup_key="other"), timeout_s=30)

    assert server.tells("firing", "db2")
    assert len(server.alerts()) == 2


@needs
def test_it_resolves(channel, server, trigger, resolve) -> None:
    channel.send(trigger, timeout_s=30)
    assert server.tells("firing", "db1")

    channel.send(resolve, timeout_s=30)

    assert server.tells("resolved", "db1")
    assert server.alerts() == []


@needs
def test_a_severity_that_rises_leaves_the_lower_one_nowhere(channel, server, trigger) -> None:
    channel.send(replace(trigger, severity=Severity.WARNING), timeout_s=30)
    assert server.tells("firing", "db1")

    channel.send(trigger, timeout_s=30)

    assert wait_for(lambda: server.severities() == ["critical"], PATIENCE_S)


@needs
def test_resolving_ends_every_severity(channel, server, trigger, resolve) -> None:
    channel.send(replace(trigger, severity=Severity.WARNING), timeout_s=30)

    channel.send(resolve, timeout_s=30)

    assert wait_for(lambda: server.alerts() == [], PATIENCE_S)


@needs
def test_what_depends_on_a_dead_host_is_inhibited(channel, server, trigger) -> None:
    dead = replace(
        trigger, check_id="morning-health-check/reachable", entry="", dedup_key="ddd/prod/db1/up"
    )
    channel.send(dead, timeout_s=30)
    assert server.tells("firing", "db1")

    channel.send(trigger, timeout_s=30)

    def inhibited() -> list[bool]:
        return sorted(bool(each["status"]["inhibitedBy"]) for each in server.alerts())

    assert wait_for(lambda: inhibited() == [False, True], PATIENCE_S)
    assert {check for _, _, check in server.told} == {"morning-health-check/reachable"}


@needs
def test_a_restart_loses_alerts_until_they_are_posted_again(channel, server, trigger) -> None:
    channel.send(trigger, timeout_s=30)
    assert server.tells("firing", "db1")
    server.restart()
    assert server.alerts() == []

    channel.send(trigger, timeout_s=30)

    assert server.severities() == ["critical"]


@needs
def test_it_is_tried_again_when_alertmanager_is_down(channel, server, trigger) -> None:
    server.stop()

    with pytest.raises(NotNowError, match="Alertmanager: cannot be reached"):
        channel.send(trigger, timeout_s=30)


@needs
def test_a_quote_in_a_name_finds_its_alert(channel, server, trigger, resolve) -> None:
    odd = {"dedup_key": 'ddd/prod/say "hi"\\ü,{}/x'}
    channel.send(replace(trigger, **odd, severity=Severity.WARNING), timeout_s=30)
    assert server.severities() == ["warning"]

    channel.send(replace(resolve, **odd), timeout_s=30)

    assert wait_for(lambda: server.alerts() == [], PATIENCE_S)


def test_what_does_not_speak_the_protocol_is_named(settings, trigger) -> None:
    with http_service(lambda _: Reply(body=b"<html>")) as other:
        made = alertmanager.Alertmanager("ops", settings(kind="alertmanager", url=other.url))
        with pytest.raises(NotNowError, match="does not speak its API v2"):
            made.send(trigger, timeout_s=30)


def test_a_wrong_path_is_never_tried_again(settings, trigger) -> None:
    with http_service(lambda _: Reply(status=404)) as other:
        made = alertmanager.Alertmanager("ops", settings(kind="alertmanager", url=other.url))
        with pytest.raises(DeliveryError, match="Alertmanager answered 404"):
            made.send(trigger, timeout_s=30)


def test_a_key_is_a_bearer_token(settings, trigger) -> None:
    with http_service(lambda _: Reply(body=b"[]")) as service:
        key = {"env": "DDD_TEST_KEY"}
        made = alertmanager.Alertmanager(
            "ops", settings(kind="alertmanager", url=service.url, key=key)
        )
        made.send(trigger, timeout_s=30)

    assert {asked.headers["authorization"].partition(" ")[0] for asked in service.asked} == {
        "Bearer"
    }


@pytest.mark.parametrize(
    ("expected_in", "kind", "stands_for"),
    [
        (None, Kind.TRIGGER, timedelta(hours=26)),
        (timedelta(hours=24), Kind.TRIGGER, timedelta(hours=26)),
        (timedelta(days=7), Kind.REMIND, timedelta(days=7, hours=2)),
        (timedelta(hours=-3), Kind.TRIGGER, timedelta(minutes=15)),
        (timedelta(hours=24), Kind.RESOLVE, timedelta(0)),
        (None, Kind.INFO, timedelta(minutes=15)),
    ],
)
def test_an_alert_stands_until_the_next_run_could_say_more(
    trigger, expected_in, kind, stands_for
) -> None:
    now = trigger.occurred_at
    again = now + expected_in if expected_in is not None else None

    made = alert(replace(trigger, expected_again_at=again, kind=kind), now)

    assert made["endsAt"] == clock.stamp(now + stands_for)

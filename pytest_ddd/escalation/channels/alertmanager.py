"""Alertmanager, by its API v2; it groups, inhibits and notifies in our place."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from pytest_ddd import clock
from pytest_ddd.escalation.channels.registry import secret
from pytest_ddd.escalation.post import Request, ask
from pytest_ddd.messages import Kind, Message, NotNowError
from pytest_ddd.plain import Json, capped

if TYPE_CHECKING:
    from pytest_ddd.baseline.sections import escalation as section

LEAST_HOLD = timedelta(minutes=15)
"""An alert that ends inside the running group interval (5 minutes by default) is never told."""

GRACE = timedelta(hours=2)
"""How long after the next run is due an alert still stands: runs start late and take their time."""

HOLD = timedelta(hours=26)
"""How long an alert stands when nobody knows when the next run is due: a day and the grace."""

KEY = "ddd_key"
"""The label that tells our alerts apart; its value is the dedup key of the message."""

_LONGEST_BYTES = 4096
_MOST_MEMBERS = 50


class Alertmanager:
    """Posts alerts. `severity` is a label, because routes look at it, and labels are identity.

    So when a severity rises, or an alert is resolved, what stands there under the same key with
    other labels has to be ended too: Alertmanager itself is asked for it, and nothing is kept
    here.
    """

    def __init__(self, name: str, settings: section.Channel) -> None:
        self._settings = settings

    def send(self, message: Message, *, timeout_s: float) -> None:
        """Return when the alerts have been accepted. It is safe to send a message again."""
        now = clock.now()
        mine = alert(message, now)
        deadline = clock.monotonic() + timeout_s
        others = [
            _ended(labels, now)
            for labels in self._standing(message.dedup_key, timeout_s)
            if labels != mine["labels"] and message.kind is not Kind.INFO
        ]
        left_s = max(0.1, deadline - clock.monotonic())
        self._ask("POST", "alerts", body=json.dumps([mine, *others]).encode(), timeout_s=left_s)

    def repost(self, messages: Sequence[Message], *, timeout_s: float) -> None:
        """Say again what was accepted before: a restart of Alertmanager forgets all alerts."""
        now = clock.now()
        alerts = [alert(message, now) for message in messages]
        if alerts:
            self._ask("POST", "alerts", body=json.dumps(alerts).encode(), timeout_s=timeout_s)

    def _standing(self, key: str, timeout_s: float) -> list[dict[str, str]]:
        """Return the labels of each alert that stands under this key."""
        quoted = json.dumps(key, ensure_ascii=False)  # its matchers know no \\u escapes
        query = urlencode({"filter": f"{KEY}={quoted}"})
        answer = self._ask("GET", f"alerts?{query}", body=None, timeout_s=timeout_s)
        try:
            return [dict(each["labels"]) for each in json.loads(answer)]
        except (ValueError, TypeError, KeyError):
            raise NotNowError(
                "Alertmanager: what answers does not speak its API v2",
                hint="look at the channel's url",
            ) from None

    def _ask(self, method: str, path: str, *, body: bytes | None, timeout_s: float) -> bytes:
        headers = {"Content-Type": "application/json"} if body else {}
        if self._settings.key is not None:
            headers["Authorization"] = f"Bearer {secret(self._settings.key)}"
        url = f"{secret(self._settings.url).rstrip('/')}/api/v2/{path}"
        request = Request(who="Alertmanager", method=method, url=url, body=body, headers=headers)
        return ask(request, timeout_s=timeout_s)


channel = Alertmanager


def alert(message: Message, now: datetime) -> dict[str, Json]:
    """Return the message as an alert of API v2.

    `endsAt` is always said: without it, Alertmanager calls the alert resolved after its
    `resolve_timeout` of five minutes, long before the next run could say so.
    """
    starts_at = min(message.occurred_at, now)
    return {
        "labels": _labels(message),
        "annotations": _annotations(message),
        "startsAt": clock.stamp(starts_at),
        "endsAt": clock.stamp(_ends_at(message, now)),
    }


def _ends_at(message: Message, now: datetime) -> datetime:
    if message.kind is Kind.RESOLVE:
        return now
    if message.kind is Kind.INFO:
        return now + LEAST_HOLD
    if message.expected_again_at is None:
        return now + HOLD
    return max(message.expected_again_at + GRACE, now + LEAST_HOLD)


def _labels(message: Message) -> dict[str, Json]:
    labels = {
        "alertname": "DddInfo" if message.kind is Kind.INFO else "DddCheck",
        KEY: message.dedup_key,
        "environment": message.environment,
        "scenario": message.scenario,
        "check": message.check_id,
        "target": message.target,
        "entry": message.entry,
        "rule": message.rule,
        "severity": message.severity.value,
    }
    return {key: value for key, value in labels.items() if value}  # an empty label is refused


def _annotations(message: Message) -> dict[str, Json]:
    annotations = {
        "summary": message.summary,
        "description": "\n".join(
            [f"{key}: {value}" for key, value in message.details.items()]
            + list(message.members[:_MOST_MEMBERS])
        ),
        "runbook_url": message.runbook,
        "message_id": message.message_id,
        "run_id": message.run_id,
    }
    return {key: capped(value, _LONGEST_BYTES) for key, value in annotations.items() if value}


def _ended(labels: dict[str, str], now: datetime) -> dict[str, Json]:
    """Return an alert that ends what stands under these labels."""
    return {"labels": dict(labels), "startsAt": clock.stamp(now), "endsAt": clock.stamp(now)}

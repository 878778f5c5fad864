"""PagerDuty, by its Events API v2."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from pytest_ddd.clock import stamp
from pytest_ddd.escalation.channels.registry import secret
from pytest_ddd.escalation.post import Request, ask
from pytest_ddd.messages import Kind, Message
from pytest_ddd.plain import Json, capped

if TYPE_CHECKING:
    from pytest_ddd.baseline.sections import escalation as section

DEFAULT_URL = "https://events.pagerduty.com"
"""Accounts in Europe say `url: https://events.eu.pagerduty.com`."""

_LONGEST_SUMMARY = 1024
_MOST_MEMBERS = 100
_LONGEST_DETAIL_BYTES = 2048
"""Together these keep an event far below the 512 KB that the service takes."""

_MOST_DETAILS = 50


class PagerDuty:
    """Opens, raises and resolves incidents; what opens none is sent as a change event."""

    def __init__(self, name: str, settings: section.Channel) -> None:
        self._settings = settings

    def send(self, message: Message, *, timeout_s: float) -> None:
        """Return when the event has been accepted (202)."""
        base = secret(self._settings.url).rstrip("/") or DEFAULT_URL
        way = "change/enqueue" if message.kind is Kind.INFO else "enqueue"
        assert self._settings.key is not None  # the baseline demands it
        event = {"routing_key": secret(self._settings.key), **body(message)}
        ask(
            Request(
                who="PagerDuty",
                url=f"{base}/v2/{way}",
                body=json.dumps(event).encode(),
                headers={"Content-Type": "application/json"},
            ),
            timeout_s=timeout_s,
        )


channel = PagerDuty


def body(message: Message) -> dict[str, Json]:
    """Return the event without its key."""
    if message.kind is Kind.INFO:
        return {"payload": _change(message), **_links(message)}
    event: dict[str, Json] = {"dedup_key": message.dedup_key}
    if message.kind is Kind.RESOLVE:
        return {"event_action": "resolve", **event}
    payload = _change(message)
    payload |= {
        "severity": message.severity.value,
        "component": message.entry or message.target,
        "group": message.scenario,
        "class": message.check_id,
    }
    return {
        "event_action": "trigger",
        **event,
        "client": "pytest-ddd",
        "payload": {key: value for key, value in payload.items() if value},
        **_links(message),
    }


def _change(message: Message) -> dict[str, Json]:
    """Return what an incident and a change have in common."""
    return {
        "summary": message.summary[:_LONGEST_SUMMARY],
        "source": message.target or message.environment,
        "timestamp": stamp(message.occurred_at),
        "custom_details": _details(message),
    }


def _details(message: Message) -> dict[str, Json]:
    details: dict[str, Json] = {
        key: capped(value, _LONGEST_DETAIL_BYTES)
        for key, value in list(message.details.items())[:_MOST_DETAILS]
    }
    for key in ("message_id", "environment", "run_id", "rule", "runbook"):
        if value := getattr(message, key):
            details[key] = value
    if message.members:
        kept = message.members[:_MOST_MEMBERS]
        left = len(message.members) - len(kept)
        lines: list[Json] = [capped(each, _LONGEST_DETAIL_BYTES) for each in kept]
        details["members"] = [*lines, f"… and {left} more"] if left else lines
    return details


def _links(message: Message) -> dict[str, Json]:
    if not message.runbook.startswith(("http://", "https://")):
        return {}
    return {"links": [{"href": message.runbook, "text": "Runbook"}]}

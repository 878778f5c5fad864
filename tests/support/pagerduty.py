"""A strict stand-in for PagerDuty's Events API v2: it refuses what the service documents as wrong.

The rules are those of PagerDuty's published OpenAPI document of the API and of its limits: 512 KB
an event, 1,024 characters of summary, 255 of dedup_key, 202 for what is accepted.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime

from tests.support.http_service import Asked, Reply

KEY = "0123456789abcdef0123456789abcdef"
_EVENT = {"routing_key", "event_action", "dedup_key", "payload", "client", "client_url", "links", "images"}  # fmt: skip
_PAYLOAD = {"summary", "timestamp", "severity", "source", "component", "group", "class", "custom_details"}  # fmt: skip
_CHANGE = {"routing_key", "payload", "links", "images"}


@dataclass
class PagerDuty:
    """Keeps the open incidents by dedup key, as the service would; `trouble` is answered first."""

    incidents: dict[str, str] = field(default_factory=dict)
    """Dedup key -> severity."""
    resolved: list[str] = field(default_factory=list)
    changes: list[str] = field(default_factory=list)
    log: list[str] = field(default_factory=list)
    trouble: list[Reply] = field(default_factory=list)

    def __call__(self, asked: Asked) -> Reply:
        """Answer one request."""
        if self.trouble:
            return self.trouble.pop(0)
        errors = list(self._mistakes(asked))
        if errors:
            body = {
                "status": "invalid event",
                "message": "Event object is invalid",
                "errors": errors,
            }
            return Reply(status=400, body=json.dumps(body).encode())
        event = json.loads(asked.body)
        if asked.path == "/v2/change/enqueue":
            self.changes.append(event["payload"]["summary"])
            return self._accepted("")
        key = event["dedup_key"]
        self.log.append(f"{event['event_action']} {key}")
        if event["event_action"] == "resolve":
            if self.incidents.pop(key, None) is not None:
                self.resolved.append(key)
        else:
            self.incidents[key] = event["payload"]["severity"]
        return self._accepted(key)

    def _accepted(self, key: str) -> Reply:
        body = {"status": "success", "message": "Event processed", "dedup_key": key}
        return Reply(status=202, body=json.dumps(body).encode())

    def _mistakes(self, asked: Asked):
        if asked.method != "POST" or asked.path not in ("/v2/enqueue", "/v2/change/enqueue"):
            yield f"no such way: {asked.method} {asked.path}"
            return
        if asked.headers.get("content-type", "").partition(";")[0] != "application/json":
            yield "Content-Type is not application/json"
        if len(asked.body) > 512_000:
            yield "event is larger than 512 KB"
        event = json.loads(asked.body)
        if event.get("routing_key") != KEY:
            yield "routing_key is not the key of an integration"
        change = asked.path.endswith("/change/enqueue")
        yield from (
            f"unknown field {name}" for name in set(event) - (_CHANGE if change else _EVENT)
        )
        action = event.get("event_action")
        if not change and action not in ("trigger", "acknowledge", "resolve"):
            yield "event_action is unknown"
        if not change and (not event.get("dedup_key") or len(event["dedup_key"]) > 255):
            yield "dedup_key is missing or longer than 255 characters"
        if change or action == "trigger":
            yield from self._payload_mistakes(event.get("payload"), change)
        for link in event.get("links", ()):
            if not link.get("href", "").startswith("http"):
                yield "a link needs href"

    def _payload_mistakes(self, payload, change: bool):
        if not isinstance(payload, dict):
            yield "payload is missing"
            return
        known = {"summary", "timestamp", "source", "custom_details"} if change else _PAYLOAD
        yield from (f"unknown field payload.{name}" for name in set(payload) - known)
        for name in ("summary", "source"):
            if not isinstance(payload.get(name), str) or not payload[name]:
                yield f"payload.{name} is missing"
        if len(payload.get("summary", "")) > 1024:
            yield "payload.summary is longer than 1024 characters"
        if not change and payload.get("severity") not in ("critical", "error", "warning", "info"):
            yield "payload.severity is unknown"
        if "timestamp" in payload and datetime.fromisoformat(payload["timestamp"]).tzinfo is None:
            yield "payload.timestamp has no offset"
        if not isinstance(payload.get("custom_details", {}), dict):
            yield "payload.custom_details is not an object"

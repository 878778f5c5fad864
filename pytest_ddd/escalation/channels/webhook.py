"""A webhook, signed as the Standard Webhooks specification 1.0 says when it has a key."""

from __future__ import annotations

import base64
import binascii
import hmac
import json
from typing import TYPE_CHECKING

from pytest_ddd import clock
from pytest_ddd.escalation.channels.letter import as_json
from pytest_ddd.escalation.channels.registry import secret
from pytest_ddd.escalation.post import Request, ask
from pytest_ddd.messages import DeliveryError, Message

if TYPE_CHECKING:
    from pytest_ddd.baseline.sections import escalation as section

_PREFIX = "whsec_"
"""What the specification puts before a key in base64."""


class Webhook:
    """Posts the message as JSON; the reader verifies it with a library of its own language."""

    def __init__(self, name: str, settings: section.Channel) -> None:
        self._who = f"webhook {name}"
        self._settings = settings

    def send(self, message: Message, *, timeout_s: float) -> None:
        """Return when the answer is 2xx."""
        sent_at = int(clock.now().timestamp())
        body = json.dumps(as_json(message), ensure_ascii=False).encode()
        headers = {
            "Content-Type": "application/json; charset=utf-8",
            "webhook-id": message.message_id,
            "webhook-timestamp": str(sent_at),
        }
        if self._settings.key is not None:
            key = key_bytes(secret(self._settings.key), self._who)
            headers["webhook-signature"] = signature(key, message.message_id, sent_at, body)
        url = secret(self._settings.url)
        ask(Request(who=self._who, url=url, body=body, headers=headers), timeout_s=timeout_s)


channel = Webhook


def signature(key: bytes, message_id: str, sent_at: int, body: bytes) -> str:
    """Return `v1,` and the HMAC-SHA256 of identity, time in Unix seconds and body."""
    signed = f"{message_id}.{sent_at}.".encode() + body
    return f"v1,{base64.b64encode(hmac.digest(key, signed, 'sha256')).decode()}"


def key_bytes(text: str, who: str) -> bytes:
    """Return the key: base64 behind `whsec_`, any other text as its bytes.

    Raises:
        DeliveryError: what stands behind `whsec_` is not base64.
    """
    if not text.startswith(_PREFIX):
        return text.encode()
    try:
        return base64.b64decode(text.removeprefix(_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        raise DeliveryError(f"{who}: its key begins with {_PREFIX} but is not base64") from None

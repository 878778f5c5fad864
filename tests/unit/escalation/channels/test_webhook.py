"""Webhooks: a reader verifies them with a library that is not ours."""

from __future__ import annotations

import base64
import json

import pytest
from standardwebhooks import Webhook as Verifier
from standardwebhooks import WebhookVerificationError

from pytest_ddd.escalation.channels.webhook import Webhook
from pytest_ddd.messages import DeliveryError
from tests.support.http_service import Reply, http_service

RAW = b"thirty-two bytes of test key ..."
KEY = f"whsec_{base64.b64encode(RAW).decode()}"


@pytest.fixture
def reader():
    """A reader that verifies the signature with the specification's own library."""

    def answer(asked):
        try:
            Verifier(KEY).verify(asked.body, dict(asked.headers))
        except WebhookVerificationError as error:
            return Reply(status=401, body=str(error).encode())
        return Reply(status=202)

    with http_service(answer) as service:
        yield service


def hook(settings, url: object, key: str = "HOOK_KEY") -> Webhook:
    return Webhook("chat", settings(kind="webhook", url=url, key={"env": key}))


@pytest.mark.parametrize("key", [KEY, RAW.decode()])
def test_a_reader_accepts_what_is_signed_with_its_key(
    key, settings, reader, trigger, monkeypatch
) -> None:
    monkeypatch.setenv("HOOK_KEY", key)

    hook(settings, reader.url).send(trigger, timeout_s=30)

    (asked,) = reader.asked
    assert asked.headers["webhook-id"] == trigger.message_id
    assert json.loads(asked.body)["dedup_key"] == trigger.dedup_key


def test_a_reader_refuses_another_key(settings, reader, trigger, monkeypatch) -> None:
    monkeypatch.setenv("HOOK_KEY", "another key, much too long to be guessed")

    with pytest.raises(DeliveryError, match="webhook chat answered 401"):
        hook(settings, reader.url).send(trigger, timeout_s=30)


def test_a_key_that_is_not_base64_is_named(settings, reader, trigger, monkeypatch) -> None:
    monkeypatch.setenv("HOOK_KEY", "whsec_***")

    with pytest.raises(DeliveryError, match="begins with whsec_ but is not base64"):
        hook(settings, reader.url).send(trigger, timeout_s=30)


def test_neither_key_nor_secret_address_is_told(settings, reader, trigger, monkeypatch) -> None:
    monkeypatch.setenv("HOOK_KEY", "wrong-key-of-a-reader")
    monkeypatch.setenv("HOOK_URL", f"{reader.url}/services/T0123/secret-path")

    with pytest.raises(DeliveryError) as caught:
        hook(settings, {"env": "HOOK_URL"}).send(trigger, timeout_s=30)

    assert "secret-path" not in str(caught.value)
    (asked,) = reader.asked
    assert asked.path == "/services/T0123/secret-path"
    assert "wrong-key" not in f"{asked.body!r}{asked.headers}"


def test_without_a_key_it_is_not_signed(settings, trigger) -> None:
    with http_service(lambda _: Reply()) as service:
        Webhook("open", settings(kind="webhook", url=service.url)).send(trigger, timeout_s=30)

    assert "webhook-signature" not in service.asked[0].headers

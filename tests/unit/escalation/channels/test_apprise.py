"""apprise: what it took, what it did not, and what it does not know."""

from __future__ import annotations

import json
import logging
import sys

import pytest

from pytest_ddd.escalation.channels.apprise import AppriseChannel
from pytest_ddd.messages import DeliveryError, NotNowError
from tests.support.http_servers import dripping, serving
from tests.support.http_service import Reply, http_service


def chat(settings, monkeypatch, url: str) -> AppriseChannel:
    monkeypatch.setenv("CHAT_URL", url)
    return AppriseChannel("chat", settings(kind="apprise", url={"env": "CHAT_URL"}))


def test_a_service_gets_title_and_text(settings, trigger, monkeypatch) -> None:
    with http_service(lambda _: Reply()) as service:
        chat(settings, monkeypatch, service.url.replace("http", "json")).send(trigger, timeout_s=60)

    said = json.loads(service.asked[0].body)
    assert said["title"] == "[CRITICAL] prod: disk:/var 93 % >= crit 90 % on db1"
    assert f"message: {trigger.message_id}" in said["message"]
    assert said["type"] == "failure"


def test_a_resolve_is_a_success(settings, resolve, monkeypatch) -> None:
    with http_service(lambda _: Reply()) as service:
        chat(settings, monkeypatch, service.url.replace("http", "json")).send(resolve, timeout_s=60)

    assert json.loads(service.asked[0].body)["type"] == "success"


def test_a_refusal_is_tried_again_and_tells_no_secret(
    settings, trigger, monkeypatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with http_service(lambda _: Reply(status=500)) as service:
        url = service.url.replace("http", "json") + "/secret-token-of-chat"
        with pytest.raises(NotNowError, match="could not deliver") as caught:
            chat(settings, monkeypatch, url).send(trigger, timeout_s=60)

    assert "secret-token" not in f"{caught.value}"
    assert not [each for each in caplog.records if each.name == "apprise"]


@pytest.mark.parametrize("url", ["nosuch://x", "slack://", "json://a,json://b"])
def test_a_mistyped_url_is_never_silent(settings, trigger, monkeypatch, url: str) -> None:
    with pytest.raises(DeliveryError, match="does not know this kind of URL") as caught:
        chat(settings, monkeypatch, url).send(trigger, timeout_s=60)

    assert not isinstance(caught.value, NotNowError)


def test_a_dripping_service_holds_nobody(settings, trigger, monkeypatch) -> None:
    with serving(dripping(b"HTTP/1.1 200 OK\r\n" + b"x" * 1000, interval_s=0.1)) as server:
        url = server.url.replace("http", "json")
        with pytest.raises(NotNowError, match="may have arrived"):
            chat(settings, monkeypatch, url).send(trigger, timeout_s=2)


def test_without_the_library_the_extra_is_named(settings, trigger, monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "apprise", None)

    with pytest.raises(DeliveryError, match=r"pip install 'pytest-ddd\[apprise\]'"):
        chat(settings, monkeypatch, "json://x").send(trigger, timeout_s=60)

"""Asking an HTTP service: which failures are worth another try, and what they tell."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from pytest_ddd import clock
from pytest_ddd.escalation.post import Request, ask
from pytest_ddd.messages import DeliveryError, NotNowError
from tests.lab.net import free_port
from tests.lab.svc.tls import Authority
from tests.support.http_servers import (
    answer,
    closing,
    dripping,
    endless,
    greeting,
    replying,
    server_context,
    serving,
    silent,
)
from tests.support.http_service import Reply, http_service

SECRET = "T0ken-in-the-path"


def request(url: str) -> Request:
    return Request(who="chat", url=f"{url}/{SECRET}", body=b"{}")


def refused(url: str, timeout_s: float = 30.0) -> DeliveryError:
    with pytest.raises(DeliveryError) as caught:
        ask(request(url), timeout_s=timeout_s)
    assert SECRET not in f"{caught.value}{caught.value.__cause__}"
    return caught.value


def test_an_answer_of_2xx_is_returned() -> None:
    with http_service(lambda _: Reply(status=204)) as service:
        assert ask(request(service.url), timeout_s=30) == b""


@pytest.mark.parametrize(
    "behaviour", [closing, greeting(b"SSH-2.0-x\r\n")], ids=["hangs up", "speaks ssh"]
)
def test_no_http_is_tried_again(behaviour) -> None:
    with serving(behaviour) as server:
        assert isinstance(refused(server.url), NotNowError)


def test_nobody_there_is_tried_again() -> None:
    error = refused(f"http://127.0.0.1:{free_port()}")

    assert isinstance(error, NotNowError)
    assert error.message == "chat: cannot be reached, or hung up"


def test_a_silent_server_holds_nobody_beyond_the_time() -> None:
    with serving(silent) as server:
        error = refused(server.url, timeout_s=0.5)

    assert isinstance(error, NotNowError)
    assert "may have arrived" in error.message


def test_an_endless_answer_is_cut() -> None:
    with serving(endless(b"HTTP/1.1 200 OK\r\n\r\n", b"x" * 4096)) as server:
        assert len(ask(request(server.url), timeout_s=30)) <= 1024 * 1024


def test_a_dripping_server_holds_nobody_beyond_the_time() -> None:
    with serving(dripping(answer(b"x" * 1000), interval_s=0.1)) as server:
        error = refused(server.url, timeout_s=0.5)

    assert "may have arrived" in error.message


@pytest.mark.needs("openssl")
def test_a_certificate_that_nobody_vouches_for_is_refused(authority: Authority) -> None:
    pair = authority.issue("localhost")
    with serving(replying(answer()), tls=server_context(pair.cert, pair.key)) as server:
        error = refused(server.url)

    assert isinstance(error, NotNowError)
    assert "TLS failed" in error.message


def test_a_redirect_is_not_followed() -> None:
    with http_service(lambda _: Reply(status=200)) as other:
        moved = Reply(status=307, headers={"Location": f"{other.url}/elsewhere"})
        with http_service(lambda _: moved) as service:
            error = refused(service.url)

        assert other.asked == []
    assert not isinstance(error, NotNowError)
    assert "sends us on to 127.0.0.1" in error.message


def test_no_password_is_taken_from_netrc(tmp_path, monkeypatch) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login ops password from-netrc\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    with http_service(lambda _: Reply()) as service:
        ask(request(service.url), timeout_s=30)

    assert "authorization" not in service.asked[0].headers


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("120", 120),
        ("Mon, 23 Nov 2026 07:31:30 GMT", 90),
        ("Mon, 23 Nov 2026 07:00:00 GMT", 0),
        ("99999999999", 24 * 3600),
        ("soon", None),
        ("", None),
    ],
)
def test_retry_after_is_a_number_or_a_date(header: str, expected, monkeypatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: datetime(2026, 11, 23, 7, 30, tzinfo=UTC))
    with http_service(lambda _: Reply(status=503, headers={"Retry-After": header})) as service:
        error = refused(service.url)

    assert isinstance(error, NotNowError)
    assert error.retry_after_s == expected


@pytest.mark.parametrize("url", ["nothing", "ftp://x", "http://[::1", "http://"])
def test_what_is_no_url_is_never_tried_again(url: str) -> None:
    assert not isinstance(refused(url), NotNowError)


def test_a_name_that_does_not_exist_is_tried_again() -> None:
    assert isinstance(refused("http://no-such-name.invalid"), NotNowError)

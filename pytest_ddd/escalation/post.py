"""Ask an HTTP service, and say of every failure whether it is worth trying again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from pytest_ddd import clock, redaction
from pytest_ddd.escalation.bounded import within
from pytest_ddd.messages import DeliveryError, NotNowError

if TYPE_CHECKING:
    import requests

CONNECT_S = 3.05
"""A little more than the three seconds after which TCP sends its first packet again."""

_LARGEST_ANSWER_BYTES = 1024 * 1024
_LONGEST_EXCERPT = 300
_LATER = (408, 425, 429)
"""Statuses below 500 that ask for another try."""

_LONGEST_RETRY_AFTER_S = 24 * 3600.0
"""A service that asks for more is asked again after a day: a message may not wait for ever."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What is asked. `who` stands for the service in messages: its URL may hold a secret."""

    who: str
    url: str
    method: str = "POST"
    body: bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


def ask(request: Request, *, timeout_s: float) -> bytes:
    """Return the body of an answer of 2xx.

    Raises:
        NotNowError: no answer, or one that asks for another try.
        DeliveryError: every other answer. Redirects are not followed: they would carry the
            message, and what authorises it, to somebody else.
    """
    return within(timeout_s, lambda: _exchange(request, timeout_s), request.who)


def _exchange(request: Request, timeout_s: float) -> bytes:
    import requests

    try:
        with requests.Session() as session:
            session.auth = _no_auth  # or requests takes a password from .netrc
            with session.request(
                request.method,
                request.url,
                data=request.body,
                headers={"User-Agent": "pytest-ddd", **request.headers},
                timeout=(min(CONNECT_S, timeout_s), timeout_s),
                allow_redirects=False,
                stream=True,
            ) as answer:
                body = answer.raw.read(_LARGEST_ANSWER_BYTES, decode_content=True)
                _refuse(request.who, answer, body)
                return bytes(body)
    except requests.exceptions.RequestException as failure:
        raise _unsent(request.who, failure) from None  # its text holds the URL
    except OSError as failure:
        raise NotNowError(f"{request.who}: {type(failure).__name__}") from None


def _no_auth(prepared: requests.PreparedRequest) -> requests.PreparedRequest:
    return prepared


def _refuse(who: str, answer: requests.Response, body: bytes) -> None:
    """Raise unless the answer says that all is well."""
    status = answer.status_code
    if 200 <= status < 300:
        return
    if 300 <= status < 400:
        where = urlsplit(answer.headers.get("Location", "")).hostname or "another place"
        raise DeliveryError(
            f"{who} answered {status}: it sends us on to {where}, and we do not follow",
            hint="write the final address as the channel's url",
        )
    said = redaction.DEFAULT.clean(body.decode(errors="replace")).strip()[:_LONGEST_EXCERPT]
    text = f"{who} answered {status}{': ' if said else ''}{said}"
    if status in _LATER or status >= 500:
        raise NotNowError(text, retry_after_s=_retry_after_s(answer.headers.get("Retry-After")))
    raise DeliveryError(text)


def _retry_after_s(header: str | None) -> float | None:
    """Return the seconds of a Retry-After header (RFC 9110, 10.2.3): a number or a date."""
    if header is None:
        return None
    text = header.strip()
    if text.isascii() and text.isdigit():
        return min(float(text), _LONGEST_RETRY_AFTER_S)
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return min(max(0.0, (aware - clock.now()).total_seconds()), _LONGEST_RETRY_AFTER_S)


def _unsent(who: str, failure: requests.exceptions.RequestException) -> DeliveryError:
    """Return the error for an exchange that did not take place."""
    from requests import exceptions

    if isinstance(failure, exceptions.InvalidURL | exceptions.InvalidSchema | ValueError):
        return DeliveryError(f"{who}: not a URL", hint="look at the channel's url")
    words = (
        (exceptions.SSLError, "TLS failed: its certificate is not accepted, or it speaks no TLS"),
        (exceptions.ProxyError, "the proxy cannot be reached"),
        (exceptions.ConnectTimeout, "no connection in time"),
        (exceptions.Timeout, "no answer in time; the message may have arrived"),
        (exceptions.ConnectionError, "cannot be reached, or hung up"),
    )
    for kind, text in words:
        if isinstance(failure, kind):
            return NotNowError(f"{who}: {text}")
    return NotNowError(f"{who}: {type(failure).__name__}")

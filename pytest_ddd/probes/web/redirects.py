"""Follow redirects: counted, never in a circle, never from https to http, never with secrets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from urllib.parse import quote, urldefrag, urljoin

from pytest_ddd.probes.web.attempt import Deadline, NoAnswerError, Seen
from pytest_ddd.probes.web.http import DEFAULT_PORTS, Request, Response, exchange, split
from pytest_ddd.probes.web.tls import Trust

_REDIRECTS = (301, 302, 303, 307, 308)
_KEEP_METHOD = (307, 308)
_HARMLESS_HEADERS = {"accept", "accept-encoding", "accept-language", "user-agent"}
"""What may be sent to another origin; every other header of the baseline may be a credential."""
_SHOWN_LENGTH = 200


def follow(
    request: Request, *, redirects: int, trust: Trust, deadline: Deadline, seen: Seen
) -> Response:
    """Return the answer at the end of the redirects.

    Headers go along as long as scheme, host and port stay the same. Once they have changed only
    harmless ones do, even back at the first host: by then somebody else chose the path.

    Args:
        request: the first request.
        redirects: how many may be followed; with 0 the first answer is the answer.
        trust: whom to believe.
        deadline: for all requests together.
        seen: gets every URL, address and certificate on the way.

    Raises:
        NoAnswerError: no answer, too many redirects, a circle, or a way from https to http.
        CannotLookError: the resolver is dead, or a certificate authority is missing.
    """
    asked: list[Request] = []
    while True:
        asked.append(request)
        seen.hops.append(request.url)
        response = exchange(request, trust=trust, deadline=deadline, seen=seen)
        location = response.header("location")
        if redirects == 0 or response.status not in _REDIRECTS or not location:
            return response
        request = _next(request, _target(request.url, location), response.status)
        _refuse_bad_way(asked, request, redirects)


def _target(url: str, location: str) -> str:
    """Return the absolute URL, with what is not ASCII quoted: headers are read as Latin-1."""
    raw = location.encode("latin-1", errors="replace")
    ascii_only = quote(raw, safe="!#$%&'()*+,/:;=?@[]~")
    try:
        target, _fragment = urldefrag(urljoin(url, ascii_only))
    except ValueError:
        target = ascii_only
    try:
        split(target)
    except NoAnswerError:
        message = f"redirects to what cannot be asked: {location[:_SHOWN_LENGTH]!r}"
        raise NoAnswerError(message, key="redirects") from None
    return target


def _refuse_bad_way(asked: list[Request], target: Request, redirects: int) -> None:
    urls = [request.url for request in asked]
    if (target.method, target.url) in [(request.method, request.url) for request in asked]:
        circle = " -> ".join([*urls[urls.index(target.url) :], target.url])
        raise NoAnswerError(f"redirect loop: {circle}", key="redirects")
    if split(urls[-1]).scheme == "https" and split(target.url).scheme == "http":
        raise NoAnswerError(f"redirects from https to http: {target.url}", key="redirects")
    if len(asked) > redirects:
        way = " -> ".join([*urls[1:], target.url])
        raise NoAnswerError(f"more than {_count(redirects)}: {way}", key="redirects")


def _count(redirects: int) -> str:
    return f"{redirects} redirect" + ("s" if redirects != 1 else "")


def _next(request: Request, target: str, status: int) -> Request:
    method = request.method
    if status not in _KEEP_METHOD and method == "POST":
        method = "GET"  # as every browser and curl do
    headers = request.headers
    if _origin(target) != _origin(request.url):
        headers = _harmless(headers)
    return replace(request, url=target, method=method, headers=headers)


def _harmless(headers: Mapping[str, str]) -> Mapping[str, str]:
    return {name: value for name, value in headers.items() if name.lower() in _HARMLESS_HEADERS}


def _origin(url: str) -> tuple[str, str, int]:
    parts = split(url)
    return parts.scheme, parts.hostname or "", parts.port or DEFAULT_PORTS[parts.scheme]

"""Find health endpoints: ask what listens on a host over HTTP, as the checks will, from here."""

from __future__ import annotations

import json
import ssl
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import cast

from pytest_ddd.baseline.placing import Statement
from pytest_ddd.baseline.sections.endpoints import Endpoint
from pytest_ddd.errors import CannotLookError
from pytest_ddd.probes.capture.interface import LeftOut, Search, Values
from pytest_ddd.probes.capture.names import look_at
from pytest_ddd.probes.drift.sockets import Listener, listeners
from pytest_ddd.probes.endpoints import url_for_host
from pytest_ddd.probes.scope import Scope
from pytest_ddd.probes.web.attempt import Deadline, NoAnswerError, Seen
from pytest_ddd.probes.web.http import DEFAULT_PORTS, Request, Response
from pytest_ddd.probes.web.redirects import follow
from pytest_ddd.probes.web.tls import Trust

SECTION = "endpoints"

_PATHS = ("/health", "/healthz", "/readyz", "/-/healthy", "/actuator/health", "/status", "/ping")
"""Where programs tell of their health, the usual place first."""

_NOWHERE = "/pytest-ddd-asks-for-what-is-not-there"
"""A server that has this page has every page, so that no path says anything."""

_OTHER_PROTOCOLS = frozenset({
    22, 25, 53, 110, 143, 389, 465, 587, 636, 993, 995, 1433, 2049, 3306, 5432, 5672, 6379, 11211,
    27017,
})  # fmt: skip
"""Ports of the IANA registry whose servers write a complaint in their log when asked over HTTP."""

_TLS_FIRST = (443, 8443)
_WELL = ("healthy", "ok", "up", "pass", "green", "running", "alive", "ready")
"""What a field `status` says of something that is well."""

_OK = 200
_ANSWERS = range(_OK, 500)
_BAD_REQUEST = 400
"""What a server that expects TLS says to plain HTTP."""

_DEADLINE_S = 3.0
_AT_ONCE = 8
_MOST_BYTES = 256 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class _Server:
    """What may answer: one port of one host, in one of two languages."""

    scheme: str
    port: int
    host: str
    scope: Scope
    ca: Path | None

    @property
    def name(self) -> str:
        return f"{self.scheme}-{self.port}"

    def url(self, path: str) -> str:
        """Return the URL as an entry writes it."""
        port = "" if DEFAULT_PORTS[self.scheme] == self.port else f":{self.port}"
        return f"{self.scheme}://{{address}}{port}{path}"

    def ask(self, path: str) -> Response:
        """Ask once, and follow no redirect.

        Raises:
            NoAnswerError: no HTTP is spoken there.
            CannotLookError: our own resolver is dead, or a file of authorities is missing.
        """
        url = url_for_host(self.url(path), self.scope.connections.spec(self.host))
        request = Request(
            method="GET",
            url=url,
            headers={"User-Agent": "pytest-ddd", "Accept": "*/*", "Accept-Encoding": "identity"},
            max_body_bytes=_MOST_BYTES,
        )
        deadline = Deadline(_DEADLINE_S)
        return follow(request, redirects=0, trust=Trust(self.ca), deadline=deadline, seen=Seen())


def find(search: Search) -> Iterator[Statement | LeftOut]:
    """Yield an endpoint for each port that answers HTTP from where the checks run."""
    scope, host = search.scope, search.host
    found, _ = listeners(look_at(scope.connections, host))
    is_here = scope.connections.spec(host).kind == "local"
    ports = {
        one.port
        for one in found
        if _may_answer(one, is_here=is_here) and any(map(search.wants, _names(one.port)))
    }
    authorities = _authorities(scope, host)
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        for each in pool.map(partial(_at_port, scope, host, authorities), sorted(ports)):
            yield from each


def _names(port: int) -> list[str]:
    """Return what entries about a port are called, by scheme."""
    return [f"{scheme}-{port}" for scheme in DEFAULT_PORTS]


def _may_answer(one: Listener, *, is_here: bool) -> bool:
    if one.protocol != "tcp" or one.port in _OTHER_PROTOCOLS:
        return False
    return is_here or not (one.address.startswith("127.") or one.address == "::1")


def _authorities(scope: Scope, host: str) -> list[Path | None]:
    """Return whom to believe: the system's authorities, then those that endpoints name already."""
    declared = (scope.baseline.for_environment, scope.baseline.for_host.get(host, {}))
    models = (cast("Endpoint", one.model) for each in declared for one in each.get(SECTION, ()))
    return [None, *dict.fromkeys(model.ca for model in models if model.ca is not None)]


def _at_port(
    scope: Scope, host: str, authorities: Sequence[Path | None], port: int
) -> list[Statement | LeftOut]:
    """Return the endpoint of a port, if there is one."""
    refused: list[Statement | LeftOut] = []
    schemes = ("https", "http") if port in _TLS_FIRST else ("http", "https")
    for scheme in schemes:
        for ca in authorities if scheme == "https" else (None,):
            server = _Server(scheme=scheme, port=port, host=host, scope=scope, ca=ca)
            try:
                values = _answer(server)
            except NoAnswerError as failure:
                if isinstance(failure.__cause__, ssl.SSLCertVerificationError):
                    refused = [_distrusted(server, failure)]
            except CannotLookError as failure:
                return [_left_out(server, failure.message, failure.hint)]
            else:
                if isinstance(values, int):
                    refused = refused or [_left_out(server, f"answers with status {values}", "")]
                else:
                    return [Statement(host=host, path=(SECTION, server.name), values=values)]
    return refused


def _answer(server: _Server) -> Values | int:
    """Return the entry of a server; the status when it answers, but not well."""
    root = server.ask("/")
    ca: Values = {"ca": str(server.ca)} if server.ca else {}
    if server.ask(_NOWHERE).status != _OK:
        for path in _PATHS:
            answer = server.ask(path)
            if answer.status == _OK:
                return {"url": server.url(path), **_json(answer), **ca}
    if root.status not in _ANSWERS or root.status == _BAD_REQUEST:
        return root.status
    status: Values = {} if root.status == _OK else {"status": root.status, "redirects": 0}
    return {"url": server.url("/"), **status, **_json(root), **ca}


def _json(answer: Response) -> Values:
    """Return the condition that a JSON answer is the same word for "well"."""
    try:
        told = json.loads(answer.text)
    except ValueError:
        return {}
    status = told.get("status") if isinstance(told, dict) else None
    is_well = isinstance(status, str) and status.lower() in _WELL
    return {"json": {"status": status}} if is_well else {}


def _distrusted(server: _Server, failure: NoAnswerError) -> LeftOut:
    entry = f'{server.name}: {{url: "{server.url("/")}", ca: /path/of/authorities.pem}}'
    return _left_out(server, failure.message, f"name its authority in endpoints.yaml: {entry}")


def _left_out(server: _Server, why: str, hint: str) -> LeftOut:
    return LeftOut(host=server.host, name=f"{SECTION}:{server.name}", why=why, hint=hint)

"""Redis: lists, streams, and what a group of a stream has not acknowledged yet."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from typing import Any, Protocol, cast

from pytest_ddd import clock
from pytest_ddd.baseline.secrets import text_of
from pytest_ddd.baseline.sections.queues import Redis as Model
from pytest_ddd.errors import CannotLookError
from pytest_ddd.probes.queue_sources.interface import Found

REFUSAL_HOLDS_S = 5.0
"""So long nobody asks a server again that did not answer, or refused the password."""

_CONNECTIONS = 8
_YEAR_2001_MS = 10**12
"""Ids of a stream are milliseconds since 1970, unless a producer counts otherwise."""


class _Client(Protocol):
    """What is used of a client of redis-py, whose own types leave it open; all of it reads."""

    def type(self, name: str) -> str: ...
    def llen(self, name: str) -> int: ...
    def xlen(self, name: str) -> int: ...
    def xrange(
        self, name: str, start: str, end: str, *, count: int
    ) -> Sequence[tuple[str, object]]: ...
    def xinfo_groups(self, name: str) -> Sequence[Mapping[str, object]]: ...
    def xpending(self, name: str, groupname: str) -> Mapping[str, object]: ...
    def time(self) -> tuple[int, int]: ...


class Servers:
    """The Redis servers of one run; entries share their connections."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._clients: dict[str, _Client] = {}
        self._refusals: dict[str, tuple[float, CannotLookError]] = {}

    def find(self, model: Model, url: str) -> Found:
        """Return how much waits in a list or stream.

        Raises:
            CannotLookError: the server does not answer, refuses, or holds something else there.
        """
        from redis import exceptions

        client = self._client(model, url)
        self._refuse_again(url)
        try:
            return _list(client, model, url) if model.list else _stream(client, model, url)
        except (exceptions.ConnectionError, exceptions.TimeoutError) as failure:
            # Passwords too: a wrong one is a ConnectionError of redis-py.
            explained = _explained(url, failure)
            with self._lock:
                self._refusals[url] = (clock.monotonic(), explained)
            raise explained from failure
        except exceptions.RedisError as failure:
            raise _explained(url, failure) from failure

    def _refuse_again(self, url: str) -> None:
        with self._lock:
            at_s, refusal = self._refusals.get(url, (0.0, None))
        if refusal is not None and clock.monotonic() < at_s + REFUSAL_HOLDS_S:
            raise refusal

    def _client(self, model: Model, url: str) -> _Client:
        with self._lock:
            key = f"{url} {model.model_dump_json(include={'password', 'ca', 'timeout'})}"
            if key not in self._clients:
                self._clients[key] = _open(model, url)
            return self._clients[key]


def _open(model: Model, url: str) -> _Client:
    try:
        from redis import BlockingConnectionPool, Redis
        from redis.backoff import NoBackoff
        from redis.retry import Retry
    except ModuleNotFoundError as missing:
        raise CannotLookError(
            f"the driver {missing.name} is not installed", hint="pip install 'pytest-ddd[redis]'"
        ) from None
    options: dict[str, Any] = {
        "password": text_of(model.password) if model.password is not None else None,
        "socket_connect_timeout": model.timeout,
        "socket_timeout": model.timeout,
        "timeout": model.timeout,  # for one of the connections to be free
        "max_connections": _CONNECTIONS,
        "retry": Retry(NoBackoff(), 0),
        "protocol": 2,
        "decode_responses": True,
        "encoding_errors": "replace",
    }
    if model.ca is not None:
        options["ssl_ca_certs"] = str(model.ca.expanduser())
    pool = BlockingConnectionPool.from_url(url, **options)
    return cast("_Client", Redis(connection_pool=pool))


def _list(client: _Client, model: Model, url: str) -> Found:
    source = f"{url}: LLEN {model.list}"
    kind = client.type(model.list)
    if kind == "none":
        note = "there is no such key, which is how Redis keeps an empty list"
        return Found(depth=0, source=source, note=note)
    depth = client.llen(model.list)
    return Found(depth=depth, source=source, note="Redis keeps no time with entries of a list")


def _stream(client: _Client, model: Model, url: str) -> Found:
    if client.type(model.stream) == "none":
        text = f"there is no stream {model.stream}"
        return Found(depth=None, source=f"{url}: XLEN {model.stream}", problems=(text,))
    now_s, microseconds = client.time()
    now_ms = now_s * 1000 + microseconds // 1000
    if model.group:
        return _group(client, model, url, now_ms)
    depth = client.xlen(model.stream)
    oldest = _first_id(client, model.stream, "-")
    return Found(
        depth=depth,
        age_s=_age_s([oldest] if oldest else [], now_ms, depth),
        source=f"{url}: XLEN {model.stream}",
        note="all entries that the stream keeps; name a group to count what it has not done",
        unaged="the ids of the stream are no times",
    )


def _group(client: _Client, model: Model, url: str, now_ms: int) -> Found:
    source = f"{url}: XINFO GROUPS {model.stream}"
    groups = client.xinfo_groups(model.stream)
    group = next((one for one in groups if one.get("name") == model.group), None)
    if group is None:
        text = f"the stream {model.stream} has no group {model.group}"
        return Found(depth=None, source=source, problems=(text,))
    pending, lag = group.get("pending"), group.get("lag")
    if not isinstance(pending, int) or not isinstance(lag, int):
        raise CannotLookError(
            f"{source}: the server cannot tell how far {model.group} is behind",
            hint="Redis 7 counts it, unless entries were deleted; leave group out to count all",
        )
    ids = [_first_id(client, model.stream, f"({group['last-delivered-id']}")] if lag else []
    if pending:
        summary = client.xpending(model.stream, model.group)
        ids.append(str(summary["min"]))
    consumers = group.get("consumers")
    return Found(
        depth=pending + lag,
        age_s=_age_s([one for one in ids if one], now_ms, pending + lag),
        consumers=consumers if isinstance(consumers, int) else None,
        source=source,
        note=f"{lag} not delivered, {pending} delivered and not acknowledged",
        unaged="the ids of the stream are no times",
    )


def _first_id(client: _Client, stream: str, start: str) -> str:
    found = client.xrange(stream, start, "+", count=1)
    return found[0][0] if found else ""


def _age_s(ids: Sequence[str], now_ms: int, depth: int) -> float | None:
    """Return how old the oldest id is; None when ids are no times, or nobody told one."""
    if depth == 0:
        return 0.0
    times = [int(one.partition("-")[0]) for one in ids]
    if not times or min(times) < _YEAR_2001_MS:
        return None
    return max(0.0, (now_ms - min(times)) / 1000)


def _explained(url: str, failure: Exception) -> CannotLookError:
    said = " ".join(str(failure).split())[:300] or type(failure).__name__
    hint = next((hint for words, hint in _HINTS.items() if words in said.lower()), "")
    return CannotLookError(f"{url}: {said}", hint=hint)


_HINTS = {
    "timeout": "is the server overloaded or frozen? `timeout:` of this queue allows more",
    "wrongpass": "put the right one where `password` of this queue points",
    "invalid username-password": "put the right one where `password` of this queue points",
    "authentication required": "name it in `password:` of this queue: {env: NAME}",
    "wrongtype": "look at what it is: redis-cli TYPE KEY",
    "certificate verify failed": "name the authority in `ca:` of this queue",
    "no permissions": "the account may read nothing there: redis-cli ACL GETUSER NAME",
}
"""Words of the driver or server -> what to do next."""

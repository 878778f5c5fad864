"""An HTTP server that misbehaves on purpose: slow, silent, endless, broken, or just as a test says."""

from __future__ import annotations

import json
import socket
import ssl
import struct
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Protocol, Self

from tests.lab.net import socket_in
from tests.lab.svc.tls import Pair

ACCEPT_POLL_S = 0.05
REQUEST_LIMIT_BYTES = 65536
CHUNK_BYTES = 65536
# Switched on and 0 s: close sends a reset.
LINGER_RESET = struct.pack("ii", 1, 0)


@dataclass(frozen=True, slots=True)
class Wire:
    """One connection, as a behaviour sees it."""

    socket: socket.socket
    path: str
    stopping: threading.Event

    def pause(self, seconds: float) -> bool:
        """Wait; False when the server is being stopped."""
        return not self.stopping.wait(seconds)


class Behaviour(Protocol):
    """What a path does with a request."""

    def serve(self, wire: Wire) -> None:
        """Answer, or do not."""


def head(status: int, length: int | None, headers: Mapping[str, str]) -> bytes:
    """Status line and headers; without a length the body ends with the connection."""
    lines = [f"HTTP/1.1 {status} {HTTPStatus(status).phrase}", "Connection: close"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    lines += [] if length is None else [f"Content-Length: {length}"]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A whole answer after `delay_s`."""

    status: int = 200
    body: bytes = b"ok\n"
    headers: Mapping[str, str] = field(default_factory=dict)
    delay_s: float = 0.0

    @classmethod
    def of(cls, value: object, status: int = 200, delay_s: float = 0.0) -> Answer:
        """An answer with a JSON body."""
        headers = {"Content-Type": "application/json"}
        return cls(status=status, body=json.dumps(value).encode(), headers=headers, delay_s=delay_s)

    def serve(self, wire: Wire) -> None:
        """Wait and send."""
        if wire.pause(self.delay_s):
            wire.socket.sendall(head(self.status, len(self.body), self.headers) + self.body)


@dataclass(frozen=True, slots=True, kw_only=True)
class Drip:
    """A good answer, one byte each `interval_s`; `headers_too` drips from the first byte on."""

    body: bytes = b"x" * 1000
    interval_s: float = 0.1
    headers_too: bool = False

    def serve(self, wire: Wire) -> None:
        """Send slowly enough that no single read times out."""
        top = head(200, len(self.body), {})
        if not self.headers_too:
            wire.socket.sendall(top)
        for value in (top if self.headers_too else b"") + self.body:
            if not wire.pause(self.interval_s):
                return
            wire.socket.sendall(bytes([value]))


@dataclass(frozen=True, slots=True, kw_only=True)
class Silent:
    """Take the request and never answer."""

    def serve(self, wire: Wire) -> None:
        """Wait for the server's end."""
        wire.stopping.wait()


@dataclass(frozen=True, slots=True, kw_only=True)
class Huge:
    """A body of `size_bytes` as fast as it goes; `announce` puts its length into the headers."""

    size_bytes: int = 10**10
    announce: bool = True

    def serve(self, wire: Wire) -> None:
        """Send until all is gone or the client has had enough."""
        wire.socket.sendall(head(200, self.size_bytes if self.announce else None, {}))
        sent = 0
        while sent < self.size_bytes and not wire.stopping.is_set():
            chunk = min(CHUNK_BYTES, self.size_bytes - sent)
            wire.socket.sendall(b"x" * chunk)
            sent += chunk


@dataclass(frozen=True, slots=True, kw_only=True)
class RedirectLoop:
    """Send the client round and round: to itself, or to `target`."""

    target: str = ""
    status: int = 302

    def serve(self, wire: Wire) -> None:
        """Redirect."""
        wire.socket.sendall(head(self.status, 0, {"Location": self.target or wire.path}))


@dataclass(frozen=True, slots=True, kw_only=True)
class Reset:
    """Reset the connection after the first `after` bytes of an answer."""

    after: bytes = b""

    def serve(self, wire: Wire) -> None:
        """Send, then reset."""
        if self.after:
            wire.socket.sendall(self.after)
        wire.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_RESET)


@dataclass(frozen=True, slots=True, kw_only=True)
class Raw:
    """These bytes and the end of the connection: no answer at all, a short body, or garbage."""

    data: bytes = b""

    def serve(self, wire: Wire) -> None:
        """Send as it is."""
        wire.socket.sendall(self.data)


class Flaky:
    """One behaviour after the other, a request each; the last one stays."""

    def __init__(self, behaviours: Sequence[Behaviour]) -> None:
        """Remember the order."""
        self._left: Iterator[Behaviour] = iter(behaviours)
        self._last = behaviours[-1]
        self._lock = threading.Lock()

    def serve(self, wire: Wire) -> None:
        """Let the next one answer."""
        with self._lock:
            behaviour = next(self._left, self._last)
        behaviour.serve(wire)


class SlowServer:
    """A server in threads of the test process; `paths` may be changed while it runs."""

    def __init__(
        self,
        paths: Mapping[str, Behaviour],
        *,
        tls: Pair | None = None,
        address: str = "127.0.0.1",
        netns: str | None = None,
    ) -> None:
        """Listen on a free port of the address, if asked for inside a network namespace."""
        self.paths = dict(paths)
        self.hits: list[str] = []
        self._stopping = threading.Event()
        self._threads: list[threading.Thread] = []
        self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER) if tls else None
        if self._tls and tls:
            self._tls.load_cert_chain(tls.cert, tls.key)
        self._listener = socket_in(netns)
        self._listener.bind((address, 0))
        self._listener.listen(100)
        self._listener.settimeout(ACCEPT_POLL_S)
        self.address, self.port = address, int(self._listener.getsockname()[1])
        self._spawn(self._accept)

    def url(self, path: str = "/") -> str:
        """Address of a path."""
        return f"{'https' if self._tls else 'http'}://{self.address}:{self.port}{path}"

    def _spawn(self, target: object, *arguments: object) -> None:
        assert callable(target)
        thread = threading.Thread(target=target, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while not self._stopping.is_set():
            try:
                client, _ = self._listener.accept()
            except TimeoutError:
                continue
            self._spawn(self._serve, client)

    def _serve(self, client: socket.socket) -> None:
        client.settimeout(None)
        # A client that goes away, or will not have our certificate, is what the tests are about.
        try:
            plain = self._tls.wrap_socket(client, server_side=True) if self._tls else client
            with plain:
                plain.settimeout(1.0)
                path = self._request(plain)
                self.hits.append(path)
                fallback = Answer(status=404, body=b"no such path\n")
                self.paths.get(path.partition("?")[0], fallback).serve(
                    Wire(plain, path, self._stopping)
                )
        except OSError:
            return
        finally:
            client.close()

    @staticmethod
    def _request(client: socket.socket) -> str:
        data = b""
        while b"\r\n\r\n" not in data and len(data) < REQUEST_LIMIT_BYTES:
            chunk = client.recv(4096)
            if not chunk:
                raise ConnectionError("the client left")
            data += chunk
        return data.split(b" ", 2)[1].decode(errors="replace")

    def stop(self) -> None:
        """Stop listening and end every connection."""
        self._stopping.set()
        for thread in self._threads:
            thread.join(timeout=3.0)
        self._listener.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

"""Small servers that answer as well, or as badly, as a test asks for."""

from __future__ import annotations

import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

from tests.lab.net import socket_in

Behaviour: TypeAlias = "Callable[[socket.socket, Server], None]"

PATIENCE_S = 30.0


@dataclass
class Server:
    """A listening socket with one thread a connection; `requests` are the heads that came in."""

    behaviour: Behaviour
    tls: ssl.SSLContext | None = None
    address: str = "127.0.0.1"
    netns: str | None = None
    requests: list[str] = field(default_factory=list)
    connections: int = 0
    stopped: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self._listener = socket_in(self.netns)
        self._listener.bind((self.address, 0))
        self._listener.listen()
        self.port: int = self._listener.getsockname()[1]
        self._open: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept)]

    @property
    def url(self) -> str:
        return f"{'https' if self.tls else 'http'}://{self.address}:{self.port}"

    def start(self) -> None:
        self._threads[0].start()

    def stop(self) -> None:
        self.stopped.set()
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for connection in self._open:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(PATIENCE_S)
            assert not thread.is_alive()

    def read_head(self, connection: socket.socket) -> str:
        head = b""
        while b"\r\n\r\n" not in head:
            piece = connection.recv(4096)
            if not piece:
                break
            head += piece
        text = head.decode("latin-1")
        self.requests.append(text)
        return text

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            self._open.append(connection)
            thread = threading.Thread(target=self._serve, args=(connection,))
            self._threads.append(thread)
            thread.start()

    def _serve(self, raw: socket.socket) -> None:
        connection = raw
        with suppress(OSError):
            if self.tls:
                connection = self.tls.wrap_socket(raw, server_side=True)
                self._open.append(connection)
            self.behaviour(connection, self)
        connection.close()


@contextmanager
def serving(
    behaviour: Behaviour,
    tls: ssl.SSLContext | None = None,
    *,
    address: str = "127.0.0.1",
    netns: str | None = None,
) -> Iterator[Server]:
    """Serve until the block ends; afterwards no thread and no socket is left."""
    server = Server(behaviour, tls, address, netns)
    server.start()
    try:
        yield server
    finally:
        server.stop()


def server_context(certificate: Path, key: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context


def answer(
    body: bytes = b'{"status": "healthy"}',
    *,
    status: str = "200 OK",
    headers: tuple[str, ...] = ("Content-Type: application/json",),
    length: int | None = None,
) -> bytes:
    """Return the bytes of an HTTP answer; `length` can lie."""
    size = len(body) if length is None else length
    head = [f"HTTP/1.1 {status}", *headers, f"Content-Length: {size}", "Connection: close"]
    return "\r\n".join([*head, "", ""]).encode("latin-1") + body


def replying(*answers: bytes) -> Behaviour:
    """Answer connection after connection with the next of these, the last one for ever."""
    left = list(answers)

    def behave(connection: socket.socket, server: Server) -> None:
        server.read_head(connection)
        connection.sendall(left.pop(0) if len(left) > 1 else left[0])

    return behave


def routing(routes: dict[str, bytes]) -> Behaviour:
    """Answer by path."""

    def behave(connection: socket.socket, server: Server) -> None:
        words = server.read_head(connection).split()
        if len(words) > 1:  # a client that gave up says nothing
            connection.sendall(routes.get(words[1], answer(b"", status="404 Not Found")))

    return behave


def dripping(data: bytes, *, interval_s: float, at_once: int = 0) -> Behaviour:
    """Send the first bytes at once and the others one by one."""

    def behave(connection: socket.socket, server: Server) -> None:
        server.read_head(connection)
        connection.sendall(data[:at_once])
        for number in range(at_once, len(data)):
            if server.stopped.wait(interval_s):
                return
            connection.sendall(data[number : number + 1])

    return behave


def raw_dripping(data: bytes, *, interval_s: float) -> Behaviour:
    """Send byte by byte without waiting for a request."""

    def behave(connection: socket.socket, server: Server) -> None:
        for number in range(len(data)):
            if server.stopped.wait(interval_s):
                return
            connection.sendall(data[number : number + 1])

    return behave


def greeting(data: bytes) -> Behaviour:
    """Send this, whatever comes in, and hang up."""

    def behave(connection: socket.socket, server: Server) -> None:
        connection.recv(65536)
        connection.sendall(data)

    return behave


def relaying(port: int, *, quick_bytes: int, interval_s: float) -> Behaviour:
    """Pass on what a server sends, byte by byte once the client has sent more than `quick_bytes`."""

    def behave(connection: socket.socket, server: Server) -> None:
        with socket.create_connection(("127.0.0.1", port)) as upstream:
            upstream.settimeout(0.02)
            connection.settimeout(0.02)
            sent_bytes = 0
            while not server.stopped.is_set():
                with suppress(TimeoutError):
                    request = connection.recv(65536)
                    sent_bytes += len(request)
                    upstream.sendall(request)
                with suppress(TimeoutError):
                    reply = upstream.recv(65536)
                    if sent_bytes <= quick_bytes:
                        connection.sendall(reply)
                        continue
                    for number in range(len(reply)):
                        if server.stopped.wait(interval_s):
                            return
                        connection.sendall(reply[number : number + 1])

    return behave


def silent(connection: socket.socket, server: Server) -> None:
    """Take the request and never answer."""
    server.stopped.wait(PATIENCE_S)


def closing(connection: socket.socket, server: Server) -> None:
    """Take the request and hang up."""
    server.read_head(connection)


def resetting(connection: socket.socket, server: Server) -> None:
    """Take the request and reset the connection."""
    server.read_head(connection)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def endless(head: bytes, piece: bytes) -> Behaviour:
    """Send a head and then the same piece for ever."""

    def behave(connection: socket.socket, server: Server) -> None:
        server.read_head(connection)
        connection.sendall(head)
        while not server.stopped.is_set():
            connection.sendall(piece)

    return behave

"""One HTTP exchange with a deadline for all of it and a limit for the bytes that are kept.

This stands on http.client, not on requests: the timeout of requests counts from one byte to the
next, so a server that drips holds it for ever; it takes proxies and passwords from the
environment; and it hides the connection, on which the certificate is. A maintenance check looks
directly: no proxy, no .netrc, no cookies.
"""

from __future__ import annotations

import hashlib
import io
import socket
import ssl
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import (
    HTTPConnection,
    HTTPException,
    HTTPResponse,
    IncompleteRead,
    RemoteDisconnected,
)
from typing import Protocol, cast
from urllib.parse import SplitResult, quote, urlsplit

from pytest_ddd.errors import CannotLookError
from pytest_ddd.probes.web.attempt import Deadline, NoAnswerError, Seen
from pytest_ddd.probes.web.tcp import connect, words
from pytest_ddd.probes.web.tls import Trust, reason_of, start_tls
from pytest_ddd.units import format_duration, format_size

DEFAULT_PORTS = {"http": 80, "https": 443}
_CHUNK_BYTES = 16 * 1024
_URL_SAFE = "!#$%&'()*+,/:;=?@[]~"
"""Characters that stay as they are in a request line: the reserved ones of RFC 3986, and %."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What is asked for."""

    method: str
    url: str
    headers: Mapping[str, str]
    max_body_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """What was answered; `body` is decoded from the encoding of its transfer."""

    url: str
    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def header(self, name: str) -> str | None:
        """Return the values of a header, joined by commas; None when it is absent."""
        found = [value for known, value in self.headers if known.lower() == name.lower()]
        return ", ".join(found) if found else None

    @property
    def text(self) -> str:
        """The body in the character set that the answer names, else in UTF-8."""
        charset = _parameter(self.header("content-type") or "", "charset") or "utf-8"
        try:
            return self.body.decode(charset, errors="replace")
        except LookupError:
            return self.body.decode(errors="replace")

    @property
    def digest(self) -> str:
        """SHA-256 of the body."""
        return hashlib.sha256(self.body).hexdigest()


def exchange(request: Request, *, trust: Trust, deadline: Deadline, seen: Seen) -> Response:
    """Send one request on a connection of its own and return the whole answer.

    Raises:
        NoAnswerError: there was no answer, or not a whole one, or too long a one.
        CannotLookError: the resolver is dead, or a certificate authority is missing.
    """
    parts = split(request.url)
    host = parts.hostname or ""
    port = parts.port or DEFAULT_PORTS[parts.scheme]
    connection, address = connect(host, port, deadline, seen)
    try:
        if parts.scheme == "https":
            connection = start_tls(
                connection,
                address,
                host,
                url=request.url,
                trust=trust,
                deadline=deadline,
                seen=seen,
            )
        return _talk(request, parts, _TimedSocket(connection, deadline), seen)
    finally:
        connection.close()


def split(url: str) -> SplitResult:
    """Return the parts of an http or https URL.

    Raises:
        NoAnswerError: it is none.
    """
    try:
        parts = urlsplit(url)
        if parts.scheme in DEFAULT_PORTS and parts.hostname and parts.port != 0:
            return parts
    except ValueError:
        pass
    raise NoAnswerError(f"not a URL that can be asked: {url[:200]!r}")


def _talk(request: Request, parts: SplitResult, timed: _TimedSocket, seen: Seen) -> Response:
    total = format_duration(timed.deadline.total_s)
    try:
        response = _send(request, parts, timed)
        seen.status = response.status
        body = _read_body(response, request.max_body_bytes)
    except TimeoutError:
        if not timed.received_bytes:
            raise NoAnswerError(f"no answer within {total}", key="deadline") from None
        so_far = format_size(timed.received_bytes)
        message = f"no full answer within {total} ({so_far} so far)"
        raise NoAnswerError(message, key="deadline") from None
    except IncompleteRead as failure:
        raise NoAnswerError("answer is cut short") from failure
    except RemoteDisconnected as failure:
        raise NoAnswerError("connection closed without an answer") from failure
    except HTTPException as failure:
        what = type(failure).__name__ + (f" {failure}" if str(failure) else "")
        raise NoAnswerError(f"answer is not HTTP ({what[:200]})") from failure
    except OSError as failure:
        raise NoAnswerError(_words(failure)) from failure
    headers = tuple(response.getheaders())
    return Response(url=request.url, status=response.status, headers=headers, body=body)


def _words(failure: OSError) -> str:
    if isinstance(failure, ssl.SSLError):
        return f"TLS failed: {reason_of(failure)}"
    return words(failure)


def _send(request: Request, parts: SplitResult, timed: _TimedSocket) -> HTTPResponse:
    client = HTTPConnection(parts.hostname or "")
    client.auto_open = 0
    client.sock = cast("socket.socket", timed)
    path = quote(parts.path or "/", safe=_URL_SAFE)
    query = f"?{quote(parts.query, safe=_URL_SAFE)}" if parts.query else ""
    names = {name.lower() for name in request.headers}
    client.putrequest(request.method, path + query, skip_host=True, skip_accept_encoding=True)
    if "host" not in names:
        client.putheader("Host", _host_header(parts))
    if request.method == "POST":
        client.putheader("Content-Length", "0")
    for name, value in request.headers.items():
        _put_header(client, name, value)
    client.endheaders()
    return client.getresponse()


def _put_header(client: HTTPConnection, name: str, value: str) -> None:
    try:
        client.putheader(name, value.encode())
    except ValueError:  # the message of http.client would show the value
        raise CannotLookError(
            f"header {name!r} cannot be sent: a line break or control character is in it",
            hint="look at the end of the secret that it is taken from",
        ) from None


def _host_header(parts: SplitResult) -> str:
    host = (parts.hostname or "").encode("idna").decode()
    host = f"[{host}]" if ":" in host else host
    default = parts.port in (None, DEFAULT_PORTS[parts.scheme])
    return host if default else f"{host}:{parts.port}"


def _read_body(response: HTTPResponse, limit_bytes: int) -> bytes:
    encoding = (response.getheader("content-encoding") or "identity").strip().lower()
    decoder, body, raw_bytes = _decoder(encoding), bytearray(), 0
    while piece := response.read(_CHUNK_BYTES):
        raw_bytes += len(piece)
        body += decoder.feed(piece, limit_bytes + 1 - len(body))
        if len(body) > limit_bytes or raw_bytes > limit_bytes + _CHUNK_BYTES:
            limit = format_size(limit_bytes)
            raise NoAnswerError(f"answer is longer than {limit}", key="max_body")
    if response.length:  # http.client does not tell when the promised length does not come
        whole = raw_bytes + response.length
        raise NoAnswerError(f"answer is cut short: {raw_bytes} of {whole} bytes")
    if raw_bytes and not decoder.complete:
        raise NoAnswerError(f"answer is cut short: its {encoding} content has no end")
    return bytes(body)


class _Decoder(Protocol):
    """Turns the bytes of a transfer into those that were meant."""

    @property
    def complete(self) -> bool:
        """Whether the end has been reached."""

    def feed(self, piece: bytes, limit_bytes: int) -> bytes:
        """Return what the next piece stands for, at most so many bytes."""


class _Identity:
    """Leaves bytes as they are."""

    complete = True

    def feed(self, piece: bytes, limit_bytes: int) -> bytes:
        return piece[:limit_bytes]


class _Inflate:
    """Inflates gzip and deflate, never beyond the limit: a bomb stays small."""

    def __init__(self, encoding: str) -> None:
        self._encoding = encoding
        self._inflater = zlib.decompressobj(wbits=zlib.MAX_WBITS | 32)  # reads both headers
        self.complete = False

    def feed(self, piece: bytes, limit_bytes: int) -> bytes:
        found = b""
        try:
            while piece and len(found) < limit_bytes:
                if self._inflater.eof:  # a gzip file may be several ones in a row
                    self._inflater = zlib.decompressobj(wbits=zlib.MAX_WBITS | 32)
                found += self._inflater.decompress(piece, limit_bytes - len(found))
                piece = self._inflater.unused_data
        except zlib.error as failure:
            raise NoAnswerError(f"answer is damaged: not {self._encoding}") from failure
        self.complete = self._inflater.eof
        return found


def _decoder(encoding: str) -> _Decoder:
    if encoding == "identity":
        return _Identity()
    if encoding in ("gzip", "x-gzip", "deflate"):
        return _Inflate(encoding)
    raise NoAnswerError(f"answer has the encoding {encoding[:50]!r}, which was not asked for")


class _TimedSocket:
    """The part of a socket that http.client uses, with one deadline for every read and write."""

    def __init__(self, connection: socket.socket, deadline: Deadline) -> None:
        self._connection = connection
        self.deadline = deadline
        self.received_bytes = 0

    def sendall(self, data: bytes) -> None:
        self._connection.settimeout(self.deadline.left_s())
        self._connection.sendall(data)

    def makefile(self, mode: str) -> io.BufferedReader:
        assert mode == "rb"  # http.client asks for nothing else
        return io.BufferedReader(_TimedReader(self))

    def receive(self, buffer: bytearray | memoryview) -> int:
        self._connection.settimeout(self.deadline.left_s())
        count = self._connection.recv_into(buffer)
        self.received_bytes += count
        return count

    def close(self) -> None:
        """Do nothing: the answer is still being read; `exchange` closes."""


class _TimedReader(io.RawIOBase):
    """Reads from a timed socket."""

    def __init__(self, timed: _TimedSocket) -> None:
        super().__init__()
        self._timed = timed

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]  # RawIOBase's own type is private
        return self._timed.receive(buffer)


def _parameter(header: str, name: str) -> str | None:
    for part in header.split(";")[1:]:
        key, _, value = part.partition("=")
        if key.strip().lower() == name:
            return value.strip().strip("\"'")
    return None

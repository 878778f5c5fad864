"""Let a host ask a server for us, with its curl: for a server that listens on its loopback only."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_ddd.errors import CannotLookError
from pytest_ddd.probes.web.attempt import Deadline
from pytest_ddd.probes.web.http import Request, Response

if TYPE_CHECKING:
    from pytest_ddd.connections import Session

_COMMAND = "LC_ALL=C curl --disable --config -"
"""All else comes on stdin, so that no secret stands among the arguments of a process."""

_SPARE_S = 2.0
"""curl keeps the deadline by itself; a host that is slow to start it gets so much more."""

_SPARE_BYTES = 64
_NOT_FOUND = 127
_SAID = 300


@dataclass(frozen=True, slots=True)
class Curl:
    """The curl of one host; `ca` is a file of that host."""

    session: Session
    ca: Path | None

    def exchange(self, request: Request, deadline: Deadline) -> Response:
        """Send one request, and return the whole answer without its headers.

        Raises:
            CannotLookError: there was none in time, or the host has no curl.
            TimeoutError: no time is left.
        """
        left_s = deadline.left_s()
        done = self.session.run(
            _COMMAND,
            timeout_s=left_s + _SPARE_S,
            stdin="".join(f"{line}\n" for line in self._lines(request, left_s)).encode(),
            max_output_bytes=request.max_body_bytes + _SPARE_BYTES,
            repeatable=request.method == "GET",
        )
        where = self.session.spec.label
        if done.exit_status == _NOT_FOUND:
            raise CannotLookError(
                f"{where} has no curl", hint="apt-get install curl   # on that host"
            )
        if not done.ok:
            said = done.said.split("\n", 1)[0][:_SAID]
            raise CannotLookError(f"asked by {where}: {said}")
        body, _, status = done.stdout.rpartition(b"\n")
        if not status.isdigit():
            raise CannotLookError(f"asked by {where}: curl tells no status: {status[:_SAID]!r}")
        return Response(url=request.url, status=int(status), headers=(), body=body)

    def _lines(self, request: Request, left_s: float) -> Iterator[str]:
        """Yield the lines of a configuration of curl."""
        yield "silent"
        yield "show-error"
        yield "globoff"
        yield f"max-time = {left_s:.3f}"
        yield f"request = {_quoted(request.method)}"
        yield f"url = {_quoted(request.url)}"
        yield 'noproxy = "*"'
        yield 'proto = "=http,https"'
        yield r'write-out = "\n%{http_code}"'
        if self.ca is not None:
            yield f"cacert = {_quoted(str(self.ca))}"
        for name, value in request.headers.items():
            yield f"header = {_quoted(f'{name}: {value}')}"


def _quoted(text: str) -> str:
    """Write a text as a configuration of curl takes it.

    Raises:
        CannotLookError: a line break is in it; the message does not show it.
    """
    if "\n" in text or "\r" in text:
        raise CannotLookError(
            "a header or URL cannot be sent: a line break is in it",
            hint="look at the end of the secret that it is taken from",
        )
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'

"""Ask a server for data before a deadline: a whole answer, or the reason why there is none."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from pytest_ddd.baseline.secrets import text_of
from pytest_ddd.baseline.servers import Server
from pytest_ddd.errors import CannotLookError
from pytest_ddd.plain import Json
from pytest_ddd.probes.web.attempt import Deadline, NoAnswerError, Seen
from pytest_ddd.probes.web.conditions import parse_json
from pytest_ddd.probes.web.curl import Curl
from pytest_ddd.probes.web.http import Request, Response, exchange
from pytest_ddd.probes.web.tls import Trust
from pytest_ddd.units import format_duration

if TYPE_CHECKING:
    from pytest_ddd.connections import Session

Parameters = Sequence[tuple[str, str]]
"""Names and values of a query string, in their order."""

_SHOWN = 200
_REFUSED = (401, 403, 407)


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Asks one server, with its credentials; every method may be called by any thread.

    `url` is where the server is, placeholders filled in.
    """

    url: str
    headers: Mapping[str, str]
    trust: Trust
    deadline_s: float
    max_body_bytes: int
    curl: Curl | None = None

    @classmethod
    def of(cls, server: Server, url: str = "", session: Session | None = None) -> Caller:
        """Return the caller of a server.

        Args:
            server: where it is, as the baseline says.
            url: in place of the baseline's.
            session: the host that asks, with its curl; the controller asks without one.

        Raises:
            CannotLookError: a secret or a file of certificate authorities is missing.
        """
        trust = _trust(server.ca.expanduser() if server.ca else None)
        if session is None and (url or server.url).startswith("https:"):
            trust.context()  # read before the clock starts
        own = {name: text_of(value) for name, value in server.headers.items()}
        if server.password is not None:
            pair = f"{server.user}:{text_of(server.password)}".encode()
            own["Authorization"] = f"Basic {b64encode(pair).decode()}"
        return cls(
            url=url or server.url,
            headers={"User-Agent": _user_agent(), "Accept": "application/json", **own},
            trust=trust,
            deadline_s=server.deadline,
            max_body_bytes=server.max_body,
            curl=Curl(session, server.ca) if session is not None else None,
        )

    def deadline(self) -> Deadline:
        """Return a deadline that starts now, for one request or for several in a row."""
        return Deadline(self.deadline_s)

    def ask(
        self, path: str, parameters: Parameters, deadline: Deadline, *, method: str = "GET"
    ) -> Response:
        """Return the answer, whatever its status; redirects are not followed.

        Raises:
            CannotLookError: no whole answer in time.
        """
        url = f"{self.url.rstrip('/')}{path}" if path else self.url
        request = Request(
            method=method,
            url=f"{url}?{urlencode(parameters)}" if parameters else url,
            headers=self.headers,
            max_body_bytes=self.max_body_bytes,
        )
        try:
            if self.curl is not None:
                return self.curl.exchange(request, deadline)
            return exchange(request, trust=self.trust, deadline=deadline, seen=Seen())
        except NoAnswerError as failure:
            raise CannotLookError(
                f"{url}: {failure.message}", hint=f"ask it yourself: curl -i {self.url}"
            ) from failure
        except TimeoutError:  # the time was up between two steps
            limit = format_duration(deadline.total_s)
            raise CannotLookError(f"{url}: no answer within {limit}") from None
        except CannotLookError as blind:
            raise CannotLookError(f"{url}: {blind.message}", hint=blind.hint) from blind

    def answer(self, path: str, parameters: Parameters, deadline: Deadline) -> Response:
        """Return the answer to a question that needs no more rights than to read.

        Raises:
            CannotLookError: no whole answer in time, or the credentials are refused.
        """
        response = self.ask(path, parameters, deadline)
        if response.status in _REFUSED:
            raise CannotLookError(
                f"{self.url}{path}: refuses the credentials (status {response.status})",
                hint="look at user, password and headers of this server in the baseline",
            )
        return response

    def json(self, path: str, parameters: Parameters, deadline: Deadline) -> Json:
        """Return the JSON of an answer with status 200.

        Raises:
            CannotLookError: there is none.
        """
        response = self.answer(path, parameters, deadline)
        if response.status != 200:
            raise CannotLookError(
                f"{self.url}{path}: status {response.status}: {response.text[:_SHOWN]!r}"
            )
        return read_json(response)


def read_json(response: Response) -> Json:
    """Return what an answer holds.

    Raises:
        CannotLookError: it is no JSON.
    """
    try:
        return parse_json(response.body)
    except ValueError as mistake:
        where, begins = response.url.partition("?")[0], response.text[:_SHOWN]
        raise CannotLookError(f"{where}: not JSON: {mistake}; it begins {begins!r}") from None


@cache
def _trust(ca: Path | None) -> Trust:
    """Return whom to believe: read from disk once, however many entries ask."""
    return Trust(ca)


@cache
def _user_agent() -> str:
    try:
        return f"pytest-ddd/{version('pytest-ddd')}"
    except PackageNotFoundError:  # run from a checkout that is not installed
        return "pytest-ddd"

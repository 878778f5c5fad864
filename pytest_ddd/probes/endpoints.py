"""Health endpoints: ask them as the baseline says, as often as it says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, cast
from urllib.parse import urlsplit

from pytest_ddd import clock
from pytest_ddd.baseline.model import Declaration
from pytest_ddd.baseline.secrets import text_of
from pytest_ddd.baseline.sections import endpoints as section
from pytest_ddd.connections.specs import ConnectionSpec
from pytest_ddd.errors import CannotLookError
from pytest_ddd.probes.attempts import until_good
from pytest_ddd.probes.entry import Entry
from pytest_ddd.probes.web.attempt import Deadline, NoAnswerError, Seen
from pytest_ddd.probes.web.endpoint_answers import Attempt, EndpointAnswer, Writer
from pytest_ddd.probes.web.http import Request, Response
from pytest_ddd.probes.web.redirects import follow
from pytest_ddd.probes.web.tcp import connect
from pytest_ddd.probes.web.tls import Trust
from pytest_ddd.results import Limit, Reading, Threshold
from pytest_ddd.units import format_duration

if TYPE_CHECKING:  # an endpoint is asked without any way to a host
    from pytest_ddd.probes.scope import Scope

__all__ = ["Endpoint", "EndpointAnswer", "entries"]

_SECONDS_PER_DAY = 86400


class Endpoint(Entry[EndpointAnswer]):
    """One endpoint, asked from the controller until it is good or its attempts are used up.

    It is asked directly: no proxy, no .netrc and no cookies, whatever the environment says. The
    attempt that counts is the first good one, else the last one that could look at all.

    Attributes:
        url: what is asked, placeholders filled in.
        latency: the threshold of the answer's latency.
        certificate: the threshold of the days that the certificate is still valid.
    """

    def __init__(
        self, declaration: Declaration[section.Endpoint], *, target: str, url: str
    ) -> None:
        # No host: the read goes to the URL, and works while the connection to the host does not.
        super().__init__(section="endpoints", key=declaration.key, target=target)
        self.url = url
        self.latency = declaration.threshold("latency", unit="s")
        self.certificate = _in_days(declaration.threshold("certificate", unit="days", bad="below"))
        self._declaration = declaration

    def look(self) -> EndpointAnswer:
        """Ask until an answer is good or the attempts are used up.

        Raises:
            CannotLookError: no attempt could look: the resolver is dead, or a secret or a file
                of certificate authorities is missing.
        """
        try:
            asking = self._asking()
        except CannotLookError as failure:
            raise self._blind(failure) from failure
        last, before = until_good(
            self._declaration.model.attempts, asking.attempt, lambda attempt: attempt.good
        )
        return self._sum_up([*(one for one in before if isinstance(one, Attempt)), last])

    def _asking(self) -> _Asking:
        model = self._declaration.model
        trust = Trust(model.ca.expanduser() if model.ca else None)
        if model.ca or self.url.startswith("https:"):
            trust.context()  # read before the clock starts
        own = {name: text_of(value) for name, value in model.headers.items()}
        usual = {"User-Agent": _user_agent(), "Accept": "*/*", "Accept-Encoding": "identity"}
        taken = {name.lower() for name in own}
        headers = {name: value for name, value in usual.items() if name.lower() not in taken}
        return _Asking(
            declaration=self._declaration, url=self.url, headers={**headers, **own}, trust=trust
        )

    def _sum_up(self, attempts: list[Attempt]) -> EndpointAnswer:
        sighted = [attempt for attempt in attempts if attempt.blind is None]
        if not sighted:
            blind = cast("CannotLookError", attempts[-1].blind)
            raise self._blind(blind) from blind
        readings = [reading for attempt in attempts for reading in attempt.answer.readings]
        if len(attempts) > 1:
            readings.append(self._attempts_reading(attempts))
        return replace(sighted[-1].answer, readings=tuple(readings))

    def _attempts_reading(self, attempts: list[Attempt]) -> Reading:
        outcome = "passed on" if attempts[-1].good else "not passed by"
        told = [f"{number}: {attempt.summary}" for number, attempt in enumerate(attempts, start=1)]
        return Reading(
            name=f"{self.key} attempts",
            value=len(attempts),
            source=self.url,
            at=clock.now(),
            attempt=len(attempts),
            expected=f"at most {self._declaration.model.attempts.count}",
            detail="\n".join([f"{outcome} attempt {len(attempts)}", *told]),
            origin=self._declaration.origin("attempts"),
        )

    def _blind(self, failure: CannotLookError) -> CannotLookError:
        origin = self._declaration.origin("url")
        where = f" ({origin})" if origin else ""
        return CannotLookError(f"{self.url}: {failure.message}{where}", hint=failure.hint)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asking:
    """All that is needed to ask one endpoint."""

    declaration: Declaration[section.Endpoint]
    url: str
    headers: Mapping[str, str]
    trust: Trust

    def attempt(self, number: int) -> Attempt:
        """Ask once; whatever the endpoint does is written down, not raised."""
        model = self.declaration.model
        blank = Reading(name="", value=None, source=self._source, at=clock.now(), attempt=number)
        writer = Writer(declaration=self.declaration, url=self.url, blank=blank)
        deadline, seen = Deadline(model.deadline), Seen()
        try:
            response = self._ask(deadline, seen)
            return writer.answered(seen, deadline.took_s, response)
        except NoAnswerError as failure:
            return writer.unanswered(seen, deadline.took_s, failure)
        except TimeoutError:  # the time was up between two steps
            late = f"no answer within {format_duration(deadline.total_s)}"
            return writer.unanswered(seen, deadline.took_s, NoAnswerError(late, key="deadline"))
        except CannotLookError as blind:
            return writer.blind(seen, deadline.took_s, blind)

    @property
    def _is_tcp(self) -> bool:
        return self.url.startswith("tcp:")

    @property
    def _source(self) -> str:
        return self.url if self._is_tcp else f"{self.declaration.model.method} {self.url}"

    def _connect(self, deadline: Deadline, seen: Seen) -> None:
        seen.hops.append(self.url)
        try:
            parts = urlsplit(self.url)
            host, port = parts.hostname or "", parts.port or 0
        except ValueError:
            raise NoAnswerError("not a URL that can be asked") from None
        connection, _address = connect(host, port, deadline, seen)
        connection.close()

    def _ask(self, deadline: Deadline, seen: Seen) -> Response | None:
        if self._is_tcp:
            self._connect(deadline, seen)
            return None
        model = self.declaration.model
        request = Request(
            method=model.method,
            url=self.url,
            headers=self.headers,
            max_body_bytes=model.max_body,
        )
        return follow(
            request, redirects=model.redirects, trust=self.trust, deadline=deadline, seen=seen
        )


def entries(scope: Scope) -> list[Endpoint]:
    """Return the endpoints of the environment, then those of each selected host."""
    found = []
    for declaration in scope.in_environment("endpoints"):
        ours = cast("Declaration[section.Endpoint]", declaration)
        target = f"endpoint:{ours.key}"
        found.append(Endpoint(ours, target=target, url=ours.model.url))
    for host, declaration in scope.on_hosts("endpoints"):
        ours = cast("Declaration[section.Endpoint]", declaration)
        url = url_for_host(ours.model.url, scope.connections.spec(host))
        found.append(Endpoint(ours, target=host, url=url))
    return found


def url_for_host(url: str, spec: ConnectionSpec) -> str:
    """Return the URL with `{host}` and `{address}` filled in.

    The address is what the hostspec of an ssh connection names; this machine is `localhost`, and
    a container or anything else is asked by its inventory name.
    """
    address = {"ssh": spec.address, "local": "localhost"}.get(spec.kind, spec.name)
    address = f"[{address}]" if ":" in address else address
    return url.replace("{host}", spec.name).replace("{address}", address)


def _in_days(threshold: Threshold) -> Threshold:
    def converted(limit: Limit | None) -> Limit | None:
        return limit and replace(limit, value=limit.value / _SECONDS_PER_DAY)

    return replace(threshold, warn=converted(threshold.warn), crit=converted(threshold.crit))


def _user_agent() -> str:
    """Say who asks, so that whoever reads the access log knows."""
    try:
        return f"pytest-ddd/{version('pytest-ddd')}"
    except PackageNotFoundError:  # run from a checkout that is not installed
        return "pytest-ddd"

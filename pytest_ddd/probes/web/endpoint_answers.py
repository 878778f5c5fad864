"""Write down what one attempt at an endpoint saw: readings, and problems with their origin."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace

from pytest_ddd.baseline.model import Declaration
from pytest_ddd.baseline.sections import endpoints as section
from pytest_ddd.errors import CannotLookError
from pytest_ddd.probes.web.attempt import NoAnswerError, Seen, SeenCertificate
from pytest_ddd.probes.web.expectations import Finding, excerpt, findings
from pytest_ddd.probes.web.http import Response
from pytest_ddd.results import Problem, Reading


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointAnswer:
    """What an endpoint answered.

    Attributes:
        latency: seconds from name look-up to the last byte, of the attempt that counts; without
            a value when there was no full answer, so that it can never be judged green.
        certificate: days left of the certificate that ends first on the way; None without TLS.
        status: the HTTP status, if there was one.
        readings: everything that was seen, of all attempts.
        problems: what is not as the baseline says, in the attempt that counts.
    """

    latency: Reading
    certificate: Reading | None
    status: int | None
    readings: tuple[Reading, ...]
    problems: tuple[Problem, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One attempt; `blind` says why it could not look."""

    answer: EndpointAnswer
    blind: CannotLookError | None = None

    @property
    def good(self) -> bool:
        """Whether it looked and found nothing wrong."""
        return self.blind is None and not self.answer.problems

    @property
    def summary(self) -> str:
        """How it ended, in one line."""
        if self.blind is not None:
            return self.blind.message
        return "; ".join(problem.text for problem in self.answer.problems) or "passed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Writer:
    """Writes down one attempt; `blank` holds what its readings have in common."""

    declaration: Declaration[section.Endpoint]
    url: str
    blank: Reading

    def answered(self, seen: Seen, took_s: float, response: Response | None) -> Attempt:
        """Return an attempt that was answered in full; `response` is None for tcp.

        Raises:
            CannotLookError: a condition of the baseline makes no sense.
        """
        latency = self._latency(seen, took_s, value=took_s)
        if response is None:
            return self._attempt(seen, latency)
        found = list(findings(self.declaration.model, response, len(seen.hops) - 1))
        status, *others = [self._reading(finding, took_s) for finding in found]
        status = replace(status, detail=excerpt(response), digest=response.digest)
        problems = [
            self._problem(finding.difference, finding.path)
            for finding in found
            if finding.difference
        ]
        return self._attempt(seen, latency, [status, *others], problems)

    def unanswered(self, seen: Seen, took_s: float, failure: NoAnswerError) -> Attempt:
        """Return an attempt that ended without a full answer."""
        words = failure.message
        if len(seen.hops) > 1 and failure.key != "redirects":
            words = f"redirected to {seen.hops[-1]}: {words}"
        latency = self._latency(seen, took_s, error=words)
        return self._attempt(seen, latency, problems=[self._problem(words, (failure.key,))])

    def blind(self, seen: Seen, took_s: float, failure: CannotLookError) -> Attempt:
        """Return an attempt that could not look."""
        latency = self._latency(seen, took_s, error=failure.message)
        return replace(self._attempt(seen, latency), blind=failure)

    def _attempt(
        self,
        seen: Seen,
        latency: Reading,
        readings: Iterable[Reading] = (),
        problems: Iterable[Problem] = (),
    ) -> Attempt:
        certificates = [self._of_certificate(one, latency.took_s) for one in seen.certificates]
        answer = EndpointAnswer(
            latency=latency,
            certificate=min(certificates, key=_days, default=None),
            status=seen.status,
            readings=(latency, *certificates, *readings),
            problems=tuple(problems),
        )
        return Attempt(answer=answer)

    def _problem(self, words: str, path: tuple[str, ...]) -> Problem:
        return Problem(text=f"{self.url}: {words}", origin=self.declaration.origin(*path))

    def _name(self, what: str) -> str:
        return f"{self.declaration.key} {what}"

    def _latency(
        self, seen: Seen, took_s: float, *, value: float | None = None, error: str = ""
    ) -> Reading:
        way = [f"asked {' then '.join(seen.addresses)}"] if seen.addresses else []
        if len(seen.hops) > 1:
            way.append(f"redirected {' -> '.join(seen.hops)}")
        if value is None and seen.status is not None:
            way.append(f"status {seen.status}")
        return replace(
            self.blank,
            name=self._name("latency"),
            value=value,
            unit="s",
            took_s=took_s,
            detail="\n".join(way),
            error=error,
            origin=self.declaration.origin("latency"),
        )

    def _reading(self, finding: Finding, took_s: float) -> Reading:
        return replace(
            self.blank,
            name=self._name(finding.name),
            value=finding.value,
            took_s=took_s,
            expected=finding.expected,
            error=finding.difference if finding.value is None else "",
            origin=self.declaration.origin(*finding.path),
        )

    def _of_certificate(self, seen: SeenCertificate, took_s: float) -> Reading:
        reading = replace(
            self.blank,
            name=self._name("certificate"),
            unit="days",
            source=seen.url,
            took_s=took_s,
            error="the certificate cannot be read",
            origin=self.declaration.origin("certificate"),
        )
        certificate = seen.certificate
        if certificate is None:
            return reading
        detail = (
            f"{', '.join(certificate.names) or certificate.subject}, signed by"
            f" {certificate.issuer!r}, valid {certificate.not_before:%Y-%m-%d} to"
            f" {certificate.not_after:%Y-%m-%d}"
        )
        days = certificate.days_left(self.blank.at)
        return replace(reading, value=days, detail=detail, error="")


def _days(reading: Reading) -> float:
    """Sort what could not be read before what ends first."""
    return reading.value if isinstance(reading.value, float) else -math.inf

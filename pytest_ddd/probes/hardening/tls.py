"""TLS as a server really speaks it: chain, key, negotiated version, and what it should refuse."""

from __future__ import annotations

from pytest_ddd import clock
from pytest_ddd.baseline.model import Declaration
from pytest_ddd.baseline.sections.security import Safeguard
from pytest_ddd.errors import CannotLookError
from pytest_ddd.probes.drift.comparison import Drift
from pytest_ddd.probes.web.attempt import Deadline, NoAnswerError, Seen
from pytest_ddd.probes.web.certificates import Certificate
from pytest_ddd.probes.web.tcp import connect
from pytest_ddd.probes.web.tls import Trust, start_tls
from pytest_ddd.probes.web.tls_offers import USUAL, VERSIONS, WEAK, offer
from pytest_ddd.results import Problem, Reading, Value

_EC_BITS = 224
"""Weaker curves are disallowed by NIST SP 800-131A."""

_BROKEN_DIGESTS = ("md2", "md5", "sha1")


def look(declaration: Declaration[Safeguard], address: str) -> Drift:
    """Look at one server from the controller; nothing but handshakes is sent.

    Args:
        declaration: what the server must and must not speak.
        address: `name:port`.

    Raises:
        CannotLookError: something could not be seen, and nothing else is wrong.
    """
    looking = _Looking(declaration, address)
    looking.handshake()
    if looking.answers:
        looking.old_versions()
        looking.weak_ciphers()
    return looking.finish()


class _Looking:
    """One look at one server: what was seen so far."""

    def __init__(self, declaration: Declaration[Safeguard], address: str) -> None:
        self._declaration = declaration
        self._model = declaration.model
        self._address = address
        host, _, port = address.rpartition(":")
        self._host, self._port = host.strip("[]"), int(port)
        self._name = self._model.server_name or self._host
        self._readings: list[Reading] = []
        self._problems: list[Problem] = []
        self._blind: list[CannotLookError] = []
        self.answers = False
        """Whether the server speaks TLS at all."""

    def handshake(self) -> None:
        """Connect as a careful client does, and look at what was agreed on."""
        model = self._model
        trust = Trust(model.ca.expanduser() if model.ca else None)
        deadline, seen = Deadline(model.deadline), Seen()
        trust.context()
        version = cipher = refusal = ""
        try:
            connection, where = connect(self._host, self._port, deadline, seen)
        except NoAnswerError as failure:
            self._note("connection", str(failure), "a TLS handshake", problem=str(failure))
            return
        with connection:
            try:
                with start_tls(
                    connection, where, self._name,
                    url=self._address, trust=trust, deadline=deadline, seen=seen,
                ) as secured:  # fmt: skip
                    version = secured.version() or ""
                    cipher = (secured.cipher() or ("",))[0]
            except NoAnswerError as failure:
                refusal = str(failure)
        certificate = seen.certificates[-1].certificate if seen.certificates else None
        self.answers = bool(version) or certificate is not None
        self._note("certificate", refusal or "trusted", "trusted", problem=refusal, path="ca")
        if version:
            self._note("negotiated", f"{version} {cipher}", f"at least {model.minimum}")
        if certificate is not None:
            self._key(certificate)

    def _key(self, certificate: Certificate) -> None:
        kind, _, size = certificate.key.partition(" ")
        least = {"RSA": self._model.rsa_bits, "EC": _EC_BITS}.get(kind)
        weak = least is not None and int(size) < least
        problem = f"its key is {certificate.key}, at least {least} bits are needed" if weak else ""
        expected = f"at least {least} bits" if least else "a known kind"
        self._note("key", certificate.key, expected, problem=problem, path="rsa_bits")
        digest = certificate.signature
        broken = digest in _BROKEN_DIGESTS and not certificate.self_signed
        problem = f"its certificate is signed with {digest}" if broken else ""
        self._note("signature", digest or "of a newer kind", "no md5, no sha1", problem=problem)

    def old_versions(self) -> None:
        """Offer each version that is too old."""
        names = list(VERSIONS)
        too_old = (
            names[: names.index(self._model.minimum)] if self._model.minimum in names else names
        )
        for version in too_old:
            taken = self._taken(version, USUAL)
            if taken is not None:
                chosen, _ = taken
                problem = f"it speaks {chosen}" if chosen else ""
                self._note(version, chosen or "refused", "refused", problem=problem, path="minimum")

    def weak_ciphers(self) -> None:
        """Offer nothing but weak ciphers, again and again without the one that was taken."""
        left, found = dict(WEAK), []
        while left:
            taken = self._taken("TLSv1.2", tuple(left))
            if taken is None:
                return
            version, cipher = taken
            if not version or cipher not in left:
                break
            found.append(left.pop(cipher))
        problem = f"it takes weak ciphers: {', '.join(found)}" if found else ""
        self._note("weak ciphers", ", ".join(found) or "refused", "refused", problem=problem)

    def _taken(self, version: str, ciphers: tuple[int, ...]) -> tuple[str, int] | None:
        deadline = Deadline(self._model.deadline)
        try:
            connection, _ = connect(self._host, self._port, deadline, Seen())
            with connection:
                connection.settimeout(deadline.left_s())
                answer = offer(connection, version=version, ciphers=ciphers, name=self._name)
        except NoAnswerError as failure:
            self._blind.append(CannotLookError(f"an offer of {version}: {failure}"))
            return None
        except CannotLookError as failure:
            self._blind.append(failure)
            return None
        return answer.version, answer.cipher

    def _note(
        self, name: str, value: Value, expected: str, *, problem: str = "", path: str = "address"
    ) -> None:
        origin = self._declaration.origin(path)
        self._readings.append(
            Reading(
                name=f"tls {self._declaration.key} {name}",
                value=value,
                source=self._address,
                at=clock.now(),
                expected=expected,
                origin=origin,
            )
        )
        if problem:
            self._problems.append(Problem(text=f"{self._address}: {problem}", origin=origin))

    def finish(self) -> Drift:
        """Return what was seen; a known fault is not hidden by a blind spot."""
        if self._blind and not self._problems:
            raise self._blind[0]
        unseen = (Problem(text=f"could not look: {one.message}", blind=True) for one in self._blind)
        return Drift(readings=tuple(self._readings), problems=(*self._problems, *unseen))

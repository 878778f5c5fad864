"""TLS before a deadline: verify always, and say in plain words what is wrong with a certificate."""

from __future__ import annotations

import socket
import ssl
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from pytest_ddd import clock
from pytest_ddd.errors import CannotLookError
from pytest_ddd.probes.web.attempt import Deadline, NoAnswerError, Seen, SeenCertificate
from pytest_ddd.probes.web.certificates import Certificate, read_certificate
from pytest_ddd.probes.web.names import Address
from pytest_ddd.probes.web.tcp import open_connection, words
from pytest_ddd.units import format_duration

# Verification results of OpenSSL, from its header x509_vfy.h.
_VALIDITY = (9, 10)  # not yet valid, expired
_SELF_SIGNED, _UNTRUSTED_ROOT = 18, 19
_UNTRUSTED_ISSUER = (2, 20, 21)  # issuer not found, and a lone certificate that proves nothing
_WRONG_NAME = (62, 64)  # of a host, of an IP address

_NAMES_SHOWN = 5


class Trust:
    """The certificate authorities that are believed: those of a file, or the system's."""

    def __init__(self, ca: Path | None) -> None:
        self._ca = ca
        self._context: ssl.SSLContext | None = None

    def context(self) -> ssl.SSLContext:
        """Return the context that verifies chain and host name; read from disk once.

        Raises:
            CannotLookError: there are no authorities to verify with.
        """
        if self._context is None:
            context = _plain_context()
            _load_system(context) if self._ca is None else _load_file(context, self._ca)
            self._context = context
        return self._context


def _plain_context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    # Python 3.13 turned this on by default, curl and browsers have it off: one verdict everywhere.
    context.verify_flags &= ~ssl.VerifyFlags.VERIFY_X509_STRICT
    context.set_alpn_protocols(["http/1.1"])
    return context


def _load_file(context: ssl.SSLContext, ca: Path) -> None:
    try:
        context.load_verify_locations(cafile=ca)
    except ssl.SSLError as failure:
        raise CannotLookError(
            f"{ca}: holds no certificate authority that can be read",
            hint=f"look at it: openssl x509 -noout -subject -in {ca}",
        ) from failure
    except OSError as failure:
        raise CannotLookError(
            f"{ca}: {failure.strerror}: the certificate authorities of this endpoint",
            hint=f"put the file there or correct `ca:`; ls -l {ca}",
        ) from failure


def _load_system(context: ssl.SSLContext) -> None:
    context.load_default_certs()
    folder = ssl.get_default_verify_paths().capath or ""  # typed as always there, but it is not
    # What is in the folder is read only when it is needed, so it is not in the store yet.
    in_folder = bool(folder) and any(Path(folder).glob("*.[0-9]"))
    if not in_folder and not context.cert_store_stats()["x509_ca"]:
        raise CannotLookError(
            "this machine has no certificate authorities to verify with",
            hint="apt-get install ca-certificates, or name a file with `ca:`",
        )


def start_tls(  # noqa: PLR0913 - what a handshake needs
    connection: socket.socket,
    address: Address,
    host: str,
    *,
    url: str,
    trust: Trust,
    deadline: Deadline,
    seen: Seen,
) -> ssl.SSLSocket:
    """Return the connection, encrypted and verified; its certificate is added to `seen`.

    A certificate that is refused is asked for once more, without verification, only to describe
    what is wrong with it: nothing is sent on that second connection.

    Raises:
        NoAnswerError: no handshake, or a certificate that is not to be trusted.
        CannotLookError: there are no authorities to verify with.
    """
    context, name = trust.context(), host.rstrip(".")
    try:
        connection.settimeout(deadline.left_s())
        secured = context.wrap_socket(connection, server_hostname=name)
    except ssl.SSLCertVerificationError as refusal:
        certificate = _describe(address, name, deadline)
        if certificate is not None:
            seen.certificates.append(SeenCertificate(url=url, certificate=certificate))
        raise NoAnswerError(_refusal_in_words(refusal, certificate, name)) from refusal
    except OSError as failure:
        raise _handshake_failure(failure, deadline) from failure
    seen.certificates.append(SeenCertificate(url=url, certificate=_certificate_of(secured)))
    return secured


def reason_of(failure: ssl.SSLError) -> str:
    """Return what OpenSSL says went wrong, in lower case: `sslv3 alert handshake failure`."""
    return (failure.reason or str(failure)).lower().replace("_", " ")


def _handshake_failure(failure: OSError, deadline: Deadline) -> NoAnswerError:
    if isinstance(failure, TimeoutError):
        total = format_duration(deadline.total_s)
        return NoAnswerError(f"no TLS handshake within {total}", key="deadline")
    if isinstance(failure, ssl.SSLEOFError | ssl.SSLZeroReturnError):
        return NoAnswerError("connection closed during the TLS handshake")
    if isinstance(failure, ssl.SSLError):
        if failure.reason in ("WRONG_VERSION_NUMBER", "HTTP_REQUEST", "PACKET_LENGTH_TOO_LONG"):
            return NoAnswerError("the server does not speak TLS")
        return NoAnswerError(f"TLS handshake failed: {reason_of(failure)}")
    return NoAnswerError(f"{words(failure)} during the TLS handshake")


def _certificate_of(connection: ssl.SSLSocket) -> Certificate | None:
    der = connection.getpeercert(binary_form=True)
    with suppress(ValueError):
        return read_certificate(der) if der else None
    return None


def _describe(address: Address, name: str, deadline: Deadline) -> Certificate | None:
    """Fetch a refused certificate; the connection that trusts nobody ends here."""
    context = _plain_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    try:
        with open_connection(address, deadline.left_s()) as connection:
            connection.settimeout(deadline.left_s())
            with context.wrap_socket(connection, server_hostname=name) as unverified:
                return _certificate_of(unverified)
    except (OSError, CannotLookError):
        return None


def _refusal_in_words(
    refusal: ssl.SSLCertVerificationError, certificate: Certificate | None, name: str
) -> str:
    code, reason = refusal.verify_code, refusal.verify_message.rstrip(".")
    words = f"certificate refused: {reason}"
    if certificate is None:
        return words
    if code in _VALIDITY:
        words = _validity_in_words(certificate, clock.now())
    elif code in _WRONG_NAME:
        words = f"certificate is for {_names(certificate)}, not for {name}"
    elif code == _SELF_SIGNED:
        words = f"certificate is signed by itself ({certificate.issuer!r})"
    elif code == _UNTRUSTED_ROOT:
        words = f"certificate of {certificate.issuer!r} ends at an authority that is not trusted"
    elif code in _UNTRUSTED_ISSUER:
        words = (
            f"certificate is signed by {certificate.issuer!r}, which is not trusted, or the server"
            " does not send the certificates in between"
        )
    return words


def _validity_in_words(certificate: Certificate, at: datetime) -> str:
    days = certificate.days_left(at)
    if days <= 0:
        return f"certificate expired on {certificate.not_after:%Y-%m-%d} ({_days(-days)} ago)"
    if certificate.not_before > at:
        ahead = (certificate.not_before - at).total_seconds() / 86400
        day = f"{certificate.not_before:%Y-%m-%d}"
        return f"certificate is not valid before {day} (in {_days(ahead)})"
    return (
        "a certificate above the server's is out of its validity (the server's own is valid until"
        f" {certificate.not_after:%Y-%m-%d})"
    )


def _days(days: float) -> str:
    return f"{days:.0f} days" if days >= 2 else format_duration(days * 86400)


def _names(certificate: Certificate) -> str:
    names = certificate.names or (certificate.subject or "nobody",)
    more = f" and {len(names) - _NAMES_SHOWN} more" if len(names) > _NAMES_SHOWN else ""
    return ", ".join(names[:_NAMES_SHOWN]) + more

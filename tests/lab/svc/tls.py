"""A certificate authority of the tests' own: good, expired, expiring and wrong-name certificates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from itertools import count
from pathlib import Path

from tests.lab.net import run

STAMP = "%Y%m%d%H%M%SZ"
CONFIG = """\
[ca]
default_ca = lab
[lab]
dir = {base}
database = {base}/index.txt
new_certs_dir = {base}/issued
serial = {base}/serial
private_key = {base}/ca.key
certificate = {base}/ca.crt
default_md = sha256
policy = any
unique_subject = no
[any]
commonName = supplied
[req]
distinguished_name = dn
[dn]
[root]
basicConstraints = critical, CA:true
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
"""
LEAF = """\
basicConstraints = CA:false
extendedKeyUsage = serverAuth
authorityKeyIdentifier = keyid
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """A certificate (with its authority behind it) and its private key, as PEM files."""

    cert: Path
    key: Path


@dataclass(slots=True)
class Authority:
    """One root; `cert` is what a client has to trust."""

    base: Path
    _numbers: count[int] = field(default_factory=count)

    def __post_init__(self) -> None:
        """Make the root key and certificate."""
        (self.base / "issued").mkdir(parents=True)
        (self.base / "index.txt").touch()
        (self.base / "serial").write_text("1000\n")
        self._config.write_text(CONFIG.format(base=self.base))
        self._openssl(
            "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "3650",
            "-subj", "/CN=Lab test root", "-extensions", "root", "-keyout", str(self.base / "ca.key"),
            "-out", str(self.cert),
        )  # fmt: skip

    @property
    def cert(self) -> Path:
        """The root certificate, as a PEM file."""
        return self.base / "ca.crt"

    @property
    def _config(self) -> Path:
        return self.base / "openssl.cnf"

    def _openssl(self, command: str, *arguments: str) -> None:
        run("openssl", command, "-config", str(self._config), *arguments)

    def issue(
        self,
        cn: str,
        sans: Sequence[str] = (),
        *,
        not_before: datetime | None = None,
        not_after: datetime | None = None,
    ) -> Pair:
        """A certificate for the names and addresses; valid from an hour ago for 90 days unless told."""
        now = _now()
        start = not_before or min(now, not_after or now) - timedelta(hours=1)
        end = not_after or now + timedelta(days=90)
        stem = self.base / f"{next(self._numbers)}-{cn.replace('*', 'any')}"
        key, request, cert = (stem.with_name(stem.name + end) for end in (".key", ".csr", ".crt"))
        extensions = stem.with_name(stem.name + ".ext")
        names = ",".join(_san(name) for name in sans or [cn])
        extensions.write_text(f"{LEAF}subjectAltName = {names}\n")
        self._openssl(
            "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", f"/CN={cn}",
            "-keyout", str(key), "-out", str(request),
        )  # fmt: skip
        self._openssl(
            "ca", "-batch", "-notext", "-in", str(request), "-out", str(cert), "-extfile", str(extensions),
            "-startdate", start.strftime(STAMP), "-enddate", end.strftime(STAMP),
        )  # fmt: skip
        cert.write_text(cert.read_text() + self.cert.read_text())
        return Pair(cert=cert, key=key)

    def expired(self, cn: str, sans: Sequence[str] = (), *, days_ago: float = 1) -> Pair:
        """A certificate that ended some days ago."""
        end = _now() - timedelta(days=days_ago)
        return self.issue(cn, sans, not_before=end - timedelta(days=90), not_after=end)

    def expiring(self, cn: str, sans: Sequence[str] = (), *, days: float = 5) -> Pair:
        """A certificate that ends in some days."""
        return self.issue(cn, sans, not_after=_now() + timedelta(days=days))


def _now() -> datetime:
    # The real time: openssl and the servers know no other.
    return datetime.now(UTC)  # noqa: TID251


def _san(name: str) -> str:
    try:
        return f"IP:{ip_address(name)}"
    except ValueError:
        return f"DNS:{name}"

"""A certificate authority of the tests' own, and the certificates that it issues, good and bad."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from itertools import count
from pathlib import Path

from tests.lab.net import run

LOOPBACK = ("localhost", "127.0.0.1")
VALID_DAYS = 60
STAMP = "%Y%m%d%H%M%SZ"
NEW_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-utf8")
CONFIG = """\
[ca]
default_ca = lab
[lab]
database = {base}/index.txt
new_certs_dir = {base}/issued
rand_serial = yes
default_md = sha256
policy = any
unique_subject = no
[any]
commonName = supplied
[req]
distinguished_name = dn
[dn]
[authority]
basicConstraints = critical, CA:true
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
[leaf]
basicConstraints = CA:false
extendedKeyUsage = serverAuth
authorityKeyIdentifier = keyid
subjectAltName = ${{ENV::SANS}}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """A certificate, with what a server sends along behind it, and its private key, as PEM files."""

    cert: Path
    key: Path

    def with_chain(self, *above: Pair) -> Pair:
        """Return the same pair, sending the certificates above it along."""
        chained = self.cert.with_suffix(".chain.crt")
        chained.write_text("".join(one.cert.read_text() for one in (self, *above)))
        return Pair(cert=chained, key=self.key)


class Authority:
    """One root; `cert` is what a client has to trust."""

    def __init__(self, base: Path, name: str = "Lab test root") -> None:
        """Make the root key and certificate in a directory that is not there yet."""
        self.base = base
        self._numbers = count()
        (base / "issued").mkdir(parents=True)
        (base / "index.txt").touch()
        self._config.write_text(CONFIG.format(base=base))
        self.pair = self._self_signed(name, "-extensions", "authority", "-days", "3650")

    @property
    def cert(self) -> Path:
        """The root certificate, as a PEM file."""
        return self.pair.cert

    @property
    def _config(self) -> Path:
        return self.base / "openssl.cnf"

    def issue(
        self,
        cn: str,
        sans: Sequence[str] = LOOPBACK,
        *,
        not_before: datetime | None = None,
        not_after: datetime | None = None,
        signer: Pair | None = None,
        is_authority: bool = False,
    ) -> Pair:
        """A certificate for names and addresses; signed by the root and valid for 60 days unless told."""
        now = _now()
        start = not_before or min(now, not_after or now) - timedelta(hours=1)
        end = not_after or now + timedelta(days=VALID_DAYS)
        pair, signer = self._paths(), signer or self.pair
        request = pair.key.with_suffix(".csr")
        self._openssl(
            "req", "-new", *NEW_KEY, "-subj", f"/CN={cn}", "-keyout", pair.key, "-out", request,
        )  # fmt: skip
        self._openssl(
            "ca", "-batch", "-notext", "-in", request, "-out", pair.cert,
            "-cert", signer.cert, "-keyfile", signer.key,
            "-startdate", start.strftime(STAMP), "-enddate", end.strftime(STAMP),
            "-extensions", "authority" if is_authority else "leaf", sans=sans,
        )  # fmt: skip
        return pair

    def expired(self, cn: str, sans: Sequence[str] = LOOPBACK, *, days_ago: float = 1) -> Pair:
        """A certificate that ended some days ago."""
        end = _now() - timedelta(days=days_ago)
        return self.issue(cn, sans, not_before=end - timedelta(days=VALID_DAYS), not_after=end)

    def self_signed(self, cn: str, sans: Sequence[str] = LOOPBACK) -> Pair:
        """A certificate that nobody but itself vouches for."""
        names = ("-addext", f"subjectAltName={_sans(sans)}")
        return self._self_signed(cn, *names, "-days", str(VALID_DAYS))

    def _self_signed(self, cn: str, *options: str) -> Pair:
        pair = self._paths()
        subject = ("-subj", f"/CN={cn}")
        self._openssl(
            "req", "-x509", *NEW_KEY, *subject, *options, "-keyout", pair.key, "-out", pair.cert
        )
        return pair

    def _paths(self) -> Pair:
        stem = self.base / str(next(self._numbers))
        return Pair(cert=stem.with_suffix(".crt"), key=stem.with_suffix(".key"))

    def _openssl(self, command: str, *words: str | Path, sans: Sequence[str] = LOOPBACK) -> None:
        # The configuration names the variable, so every command needs one.
        names = f"SANS={_sans(sans)}"
        run("env", names, "openssl", command, "-config", str(self._config), *map(str, words))


def _now() -> datetime:
    # The real time: openssl and the servers know no other.
    return datetime.now(UTC)  # noqa: TID251


def _sans(names: Sequence[str]) -> str:
    return ",".join(_san(name) for name in names)


def _san(name: str) -> str:
    if "://" in name:
        return f"URI:{name}"
    try:
        return f"IP:{ip_address(name)}"
    except ValueError:
        return f"DNS:{name}"

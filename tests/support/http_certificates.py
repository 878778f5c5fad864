"""Certificates of our own, good and bad, made by openssl."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from pytest_ddd import clock

_CONFIG = """
[ca]
default_ca = default
[default]
database = {folder}/index.txt
new_certs_dir = {folder}
rand_serial = yes
default_md = sha256
policy = any
unique_subject = no
copy_extensions = copy
[any]
commonName = supplied
[req]
distinguished_name = name
[name]
[authority]
basicConstraints = critical, CA:true
subjectKeyIdentifier = hash
"""

GOOD_NAMES = "DNS:localhost,IP:127.0.0.1"


@dataclass(frozen=True)
class Pair:
    """A certificate file (with what is sent along) and its key."""

    certificate: Path
    key: Path


class Authority:
    """A certificate authority in a folder of its own."""

    def __init__(self, folder: Path, name: str) -> None:
        folder.mkdir()
        self._folder = folder
        (folder / "index.txt").touch()
        self._config = folder / "openssl.cnf"
        self._config.write_text(_CONFIG.format(folder=folder))
        self.pair = Pair(folder / "ca.pem", folder / "ca.key")
        self._new_key(self.pair.key)
        _openssl(
            *("req", "-x509", "-config", self._config, "-extensions", "authority", "-days", "90"),
            *(
                "-utf8",
                "-subj",
                f"/CN={name}",
                "-key",
                self.pair.key,
                "-out",
                self.pair.certificate,
            ),
        )

    @property
    def file(self) -> Path:
        return self.pair.certificate

    def issue(
        self,
        name: str,
        *,
        names: str = GOOD_NAMES,
        start: datetime | None = None,
        end: datetime | None = None,
        signer: Pair | None = None,
        is_authority: bool = False,
    ) -> Pair:
        """Return a certificate signed by this authority, or by one that it has signed."""
        pair, request = self._paths(name), self._folder / f"{name}.csr"
        signer = signer or self.pair
        self._new_key(pair.key)
        extension = f"subjectAltName={names}"
        if is_authority:
            extension = "basicConstraints=critical,CA:true"
        _openssl(
            *(
                "req",
                "-new",
                "-config",
                self._config,
                "-utf8",
                "-subj",
                f"/CN={name}",
                "-key",
                pair.key,
            ),
            *("-addext", extension, "-out", request),
        )
        at = clock.now()
        _openssl(
            *("ca", "-batch", "-notext", "-config", self._config, "-in", request),
            *("-cert", signer.certificate, "-keyfile", signer.key, "-out", pair.certificate),
            *("-startdate", _stamp(start or at - timedelta(days=100))),
            *("-enddate", _stamp(end or at + timedelta(days=60))),
        )
        return pair

    def self_signed(self, name: str) -> Pair:
        pair = self._paths(name)
        self._new_key(pair.key)
        _openssl(
            *(
                "req",
                "-x509",
                "-config",
                self._config,
                "-utf8",
                "-subj",
                f"/CN={name}",
                "-key",
                pair.key,
            ),
            *("-addext", f"subjectAltName={GOOD_NAMES}", "-days", "60", "-out", pair.certificate),
        )
        return pair

    def _paths(self, name: str) -> Pair:
        return Pair(self._folder / f"{name}.pem", self._folder / f"{name}.key")

    def _new_key(self, path: Path) -> None:
        _openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", path)


def with_chain(pair: Pair, *above: Pair) -> Pair:
    """Return the same pair, sending the certificates above it along."""
    chained = pair.certificate.with_suffix(".chain.pem")
    chained.write_text("".join(one.certificate.read_text() for one in (pair, *above)))
    return Pair(chained, pair.key)


def _stamp(moment: datetime) -> str:
    return f"{moment:%Y%m%d%H%M%SZ}"


def _openssl(*words: str | Path) -> None:
    command: Sequence[str] = ["openssl", *(str(word) for word in words)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr

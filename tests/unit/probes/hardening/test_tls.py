"""TLS of a real nginx: each thing that it should refuse, taken and then refused again."""

from __future__ import annotations

import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from pytest_ddd.baseline.model import Declaration
from pytest_ddd.baseline.model import Path as Keys
from pytest_ddd.baseline.sections.security import Safeguard
from pytest_ddd.errors import CannotLookError
from pytest_ddd.probes.hardening import tls
from pytest_ddd.probes.web.tls_offers import USUAL, offer
from pytest_ddd.results import Origin
from tests.lab.net import free_port
from tests.lab.reap import Ledger
from tests.lab.svc.nginx import Nginx, Reply
from tests.lab.svc.nginx import Site as Server
from tests.lab.svc.tls import Authority, Pair

needs_nginx = pytest.mark.needs("nginx", "openssl")
MODERN = "ssl_protocols TLSv1.2 TLSv1.3;"
OLD = "ssl_protocols {}; ssl_ciphers ALL:@SECLEVEL=0;"


def problems(address: str, ca: Path, **says: object) -> list[str]:
    model = Safeguard.model_validate({"kind": "tls", "address": address, "ca": ca, **says})
    origins: dict[Keys, Origin] = {(): Origin(file="baselines/prod/security.yaml", line=2)}
    found = tls.look(
        Declaration(section="security", key="shop", model=model, origins=origins), address
    )
    return [one.text.removeprefix(f"{address}: ") for one in found.problems]


class Site:
    """One nginx whose TLS directives a test changes."""

    def __init__(self, nginx: Nginx, good: Pair) -> None:
        self.nginx, self.good = nginx, good
        self.address = f"localhost:{nginx.https_port}"

    def serve(self, directives: str = MODERN, pair: Pair | None = None) -> None:
        # A location is nginx text, so a brace closes it and the directives stand beside it.
        text = f"return 204; }} {directives} location /x {{ return 204;"
        self.nginx.reload([Server(locations={"/": text}, tls=pair or self.good)])


@pytest.fixture(scope="module")
def site(ledger: Ledger, authority: Authority) -> Iterator[Site]:
    good = authority.issue("localhost")
    with Nginx(ledger, [Server(locations={"/": Reply()}, tls=good)]) as nginx:
        yield Site(nginx, good)


@needs_nginx
@pytest.mark.parametrize(
    ("directives", "told"),
    [
        (OLD.format("TLSv1 TLSv1.2"), "it speaks TLSv1"),
        (OLD.format("TLSv1.1 TLSv1.2"), "it speaks TLSv1.1"),
        (MODERN + "ssl_ciphers ALL:COMPLEMENTOFALL:eNULL:@SECLEVEL=0;", "it takes weak ciphers: "),
    ],
)
def test_what_a_server_should_refuse_is_told_and_gone_when_healed(
    site: Site, authority: Authority, directives: str, told: str
) -> None:
    site.serve()
    assert problems(site.address, authority.cert) == []
    site.serve(directives)
    try:
        found = problems(site.address, authority.cert)
    finally:
        site.serve()
    assert any(one.startswith(told) for one in found), found
    assert problems(site.address, authority.cert) == []


@needs_nginx
def test_only_what_is_older_than_the_minimum_is_too_old(site: Site, authority: Authority) -> None:
    site.serve()

    assert problems(site.address, authority.cert, minimum="TLSv1.3") == ["it speaks TLSv1.2"]


def _rsa(authority: Authority, bits: int, digest: str = "sha256") -> Pair:
    """Let the authority sign an RSA key; its own `issue` makes elliptic ones."""
    stem = authority.base / f"rsa-{bits}-{digest}"
    key, request, cert = (stem.with_suffix(end) for end in (".key", ".csr", ".crt"))
    names = stem.with_suffix(".ext")
    names.write_text("subjectAltName=DNS:localhost,IP:127.0.0.1\n")
    for words in (
        ["req", "-newkey", f"rsa:{bits}", "-nodes", "-subj", "/CN=localhost", "-keyout", str(key), "-out", str(request)],
        ["x509", "-req", "-in", str(request), "-CA", str(authority.cert), "-CAkey", str(authority.pair.key),
         f"-{digest}", "-days", "30", "-extfile", str(names), "-out", str(cert)],
    ):  # fmt: skip
        subprocess.run(["openssl", *words], check=True, capture_output=True)
    return Pair(cert=cert, key=key)


@needs_nginx
@pytest.mark.parametrize(
    ("kind", "told"),
    [
        ("weak key", "its key is RSA 1024, at least 2048 bits are needed"),
        ("sha1", "its certificate is signed with sha1"),
        ("expired", "certificate expired on"),
        ("other name", "certificate is for other.example, not for localhost"),
        ("own", "certificate is signed by itself"),
        ("wrong chain", "which is not trusted"),
    ],
)
def test_certificate_that_is_not_good_is_told_and_gone_when_healed(
    site: Site, authority: Authority, tmp_path: Path, kind: str, told: str
) -> None:
    loose = MODERN + "ssl_ciphers DEFAULT:@SECLEVEL=0;"
    pairs = {
        "weak key": lambda: _rsa(authority, 1024),
        "sha1": lambda: _rsa(authority, 2048, "sha1"),
        "expired": lambda: authority.expired("localhost"),
        "other name": lambda: authority.issue("other.example", ["other.example"]),
        "own": lambda: authority.self_signed("localhost"),
        "wrong chain": lambda: Authority(tmp_path / "other", "Other root").issue("localhost"),
    }
    site.serve(loose, pairs[kind]())
    try:
        found = problems(site.address, authority.cert)
    finally:
        site.serve()
    assert any(told in one for one in found), found
    assert problems(site.address, authority.cert) == []


@needs_nginx
def test_strong_rsa_key_is_fine(site: Site, authority: Authority) -> None:
    site.serve(MODERN, _rsa(authority, 2048))
    found = problems(site.address, authority.cert)
    wanted_more = problems(site.address, authority.cert, rsa_bits=3072)
    site.serve()

    assert found == []
    assert wanted_more == ["its key is RSA 2048, at least 3072 bits are needed"]


@needs_nginx
def test_nobody_there_is_red(authority: Authority) -> None:
    assert problems(f"127.0.0.1:{free_port()}", authority.cert) == ["connection refused"]


@needs_nginx
def test_server_that_does_not_speak_tls_is_red(site: Site, authority: Authority) -> None:
    found = problems(f"localhost:{site.nginx.http_port}", authority.cert)

    assert found == ["the server does not speak TLS"]


@needs_nginx
def test_missing_authorities_are_unknown(site: Site, tmp_path: Path) -> None:
    with pytest.raises(CannotLookError, match="No such file"):
        problems(site.address, tmp_path / "nowhere.pem")


@needs_nginx
def test_server_that_swallows_old_offers_is_unknown(site: Site, authority: Authority) -> None:
    """A box in between passes modern handshakes and says nothing to others."""
    site.serve()
    with _filter(site.nginx.https_port) as port, pytest.raises(CannotLookError, match="no answer"):
        problems(f"localhost:{port}", authority.cert, deadline="3s")


class _filter:  # noqa: N801 - used as a context manager only
    """Forwards a connection whose hello offers TLS 1.3, and lets every other one wait."""

    def __init__(self, to: int) -> None:
        self._to = to

    def __enter__(self) -> int:
        self._server = socket.create_server(("127.0.0.1", 0))
        self._held: list[socket.socket] = []
        threading.Thread(target=self._serve, daemon=True).start()
        return int(self._server.getsockname()[1])

    def __exit__(self, *_: object) -> None:
        self._server.close()
        for one in self._held:
            one.close()

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self._server.accept()
            except OSError:
                return
            self._held.append(client)
            hello = client.recv(4096)
            if b"\x03\x04" in hello[43:]:  # supported_versions names TLS 1.3
                upstream = socket.create_connection(("127.0.0.1", self._to))
                self._held.append(upstream)
                upstream.sendall(hello)
                for here, there in ((client, upstream), (upstream, client)):
                    threading.Thread(target=_pump, args=(here, there), daemon=True).start()


def _pump(here: socket.socket, there: socket.socket) -> None:
    try:
        shutil.copyfileobj(here.makefile("rb", buffering=0), there.makefile("wb", buffering=0))
    except OSError:
        return


@pytest.mark.parametrize(
    ("answer", "version"),
    [
        (b"\x16\x03\x00\x00\x2a\x02\x00\x00\x26\x03\x00" + b"\x07" * 32 + b"\x00\x00\x2f\x00", "SSLv3"),
        (b"\x15\x03\x00\x00\x02\x02\x28", ""),
        (b"", ""),
    ],
    ids=["taken", "alert", "hangs up"],
)  # fmt: skip
def test_ssl_3_is_offered_byte_by_byte(answer: bytes, version: str) -> None:
    """No server of today speaks SSL 3.0, so a strict stand-in reads the hello and answers."""
    here, there = socket.socketpair()
    with here, there:
        here.settimeout(5)
        there.settimeout(5)
        there.sendall(answer)
        if not answer:
            there.shutdown(socket.SHUT_WR)

        found = offer(here, version="SSLv3", ciphers=USUAL, name="shop.example")

        hello = there.recv(4096)
    assert found.version == version
    assert hello[:3] == b"\x16\x03\x00"
    assert int.from_bytes(hello[3:5], "big") == len(hello) - 5
    assert hello[9:11] == b"\x03\x00"
    assert hello[-2:] == b"\x01\x00", "SSL 3.0 knows no extensions: null compression ends it"

"""The services are real ones and show each fault as a client sees it."""

from __future__ import annotations

import socket
import ssl
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.lab.host import LabHost
from tests.lab.net import answers
from tests.lab.reap import Ledger
from tests.lab.svc.borg import Borg
from tests.lab.svc.dns import NO_ERROR, NX_DOMAIN, Dns
from tests.lab.svc.nginx import Nginx, Reply, Site
from tests.lab.svc.restic import Restic
from tests.lab.svc.tls import Authority, Pair

LONG_AGO = datetime(2026, 1, 1, 3, 30, tzinfo=UTC)


def handshake(nginx: Nginx, name: str, authority: Authority) -> str:
    context = ssl.create_default_context(cafile=str(authority.cert))
    try:
        with (
            socket.create_connection(("127.0.0.1", nginx.https_port), 5) as plain,
            context.wrap_socket(plain, server_hostname=name),
        ):
            return "ok"
    except ssl.SSLCertVerificationError as error:
        return error.verify_message


@pytest.fixture
def tls_nginx(ledger: Ledger, authority: Authority) -> Iterator[Nginx]:
    pairs: dict[str, Pair] = {
        "good.test": authority.issue("good.test", ["good.test"]),
        "expired.test": authority.expired("expired.test", ["expired.test"]),
        "wrong.test": authority.issue("other.test", ["other.test"]),
    }
    sites = [
        Site(names=[name], tls=pair, locations={"/": Reply.of({"site": name})})
        for name, pair in pairs.items()
    ]  # fmt: skip
    with Nginx(ledger, sites) as nginx:
        yield nginx


@pytest.mark.needs("nginx", "openssl")
@pytest.mark.parametrize(
    ("name", "verdict"),
    [
        ("good.test", "ok"),
        ("expired.test", "certificate has expired"),
        ("wrong.test", "Hostname mismatch"),
    ],
)
def test_nginx_serves_each_certificate(
    tls_nginx: Nginx, authority: Authority, name: str, verdict: str
) -> None:
    assert handshake(tls_nginx, name, authority).startswith(verdict)


@pytest.mark.needs("nginx")
def test_nginx_reloads_and_stops(ledger: Ledger) -> None:
    with Nginx(ledger, [Site(locations={"/health": Reply.of({"status": "it's fine"})})]) as nginx:
        assert b"it's fine" in urllib.request.urlopen(nginx.url("/health"), timeout=5).read()
        nginx.reload([Site(locations={"/health": Reply(status=503, body="down")})])
        with pytest.raises(urllib.error.HTTPError, match="503") as failure:
            urllib.request.urlopen(nginx.url("/health"), timeout=5)
        failure.value.close()
        nginx.stop()
        assert not answers("127.0.0.1", nginx.http_port)


@pytest.mark.needs("dnsmasq")
def test_dns_answers_denies_and_hangs(ledger: Ledger) -> None:
    with Dns(ledger, {"web.test": "127.0.0.1"}) as dns:
        assert dns.ask("web.test") == NO_ERROR
        assert dns.ask("nobody.test") == NX_DOMAIN
        assert dns.ask("nobody.example") == NX_DOMAIN
        with dns.frozen():
            assert dns.ask("web.test", timeout_s=0.2) is None
        assert dns.ask("web.test") == NO_ERROR


@pytest.fixture
def data(tmp_path: Path) -> Path:
    path = tmp_path / "data"
    path.mkdir()
    for number in range(5):
        (path / f"file{number}").write_bytes(bytes(range(256)) * 400 + bytes([number]))
    return path


@pytest.mark.needs("restic")
def test_restic_old_locked_and_damaged(ledger: Ledger, tmp_path: Path, data: Path) -> None:
    repo = Restic(ledger, tmp_path / "repo")
    repo.backup(data, at=LONG_AGO)
    repo.backup(data)
    assert '"time":"2026-01-01T' in repo.restic("snapshots", "--json").stdout
    with repo.locked():
        assert "already locked" in repo.restic("check").stderr
    with repo.locked(exclusive=True):
        assert "already locked exclusively" in repo.restic("snapshots").stderr
    repo.damage_pack()
    assert repo.restic("check").returncode == 0
    assert repo.restic("check", "--read-data").returncode == 1
    assert repo.restic("-p", str(repo.wrong_password_file), "snapshots").returncode == 1


@pytest.mark.needs("borg")
def test_borg_old_locked_and_damaged(ledger: Ledger, tmp_path: Path, data: Path) -> None:
    repo = Borg(ledger, tmp_path / "repo")
    repo.backup("old", data, at=LONG_AGO)
    repo.backup("new", data)
    listing = repo.borg("list", "--json", "::").stdout + repo.borg("info", "--json", "::old").stdout
    assert "2026-01-01T" in listing
    with repo.locked():
        assert "Failed to create/acquire the lock" in repo.borg("list", "--lock-wait", "0").stderr
    repo.damage_segment()
    assert repo.borg("check").returncode == 1


@pytest.mark.needs("lab")
def test_repositories_inside_a_host(ledger: Ledger, fresh_host: Callable[[], LabHost]) -> None:
    host = fresh_host()
    restic = Restic(ledger, Path("/srv/backup/restic"), host=host)
    borg = Borg(ledger, Path("/srv/backup/borg"), host=host)
    host.run("head -c 300000 /dev/urandom >/srv/www/noise", check=True)
    restic.backup(Path("/srv/www"), at=LONG_AGO)
    borg.backup("old", Path("/srv/www"), at=LONG_AGO)
    assert '"time":"2026-01-01T' in restic.restic("snapshots", "--json").stdout
    assert restic.damage_pack().is_relative_to(host.root)
    assert restic.restic("check", "--read-data").returncode == 1
    with borg.locked():
        assert "lock" in borg.borg("list", "--lock-wait", "0").stderr

"""The services are real ones and show each fault as a client sees it."""

from __future__ import annotations

import socket
import ssl
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.lab.host import LabHost
from tests.lab.net import answers
from tests.lab.reap import Ledger
from tests.lab.svc import slowhttp
from tests.lab.svc.borg import Borg
from tests.lab.svc.dns import NO_ERROR, NX_DOMAIN, Dns
from tests.lab.svc.nginx import Nginx, Reply, Site
from tests.lab.svc.restic import Restic
from tests.lab.svc.sshd import Blackhole, Sshd
from tests.lab.svc.tls import Authority, Pair

LONG_AGO = datetime(2026, 1, 1, 3, 30, tzinfo=UTC)


@pytest.mark.needs("sshd", "ssh")
def test_sshd_counts_handshakes_and_survives_a_restart(ledger: Ledger) -> None:
    with Sshd(ledger) as sshd:
        assert sshd.ssh("echo one", "alpha").stdout == "one\n"
        assert sshd.ssh("exit 3", "beta").returncode == 3
        assert sshd.accepted == 2
        sshd.stop()
        assert not answers("127.0.0.1", sshd.port)
        sshd.start()
        assert sshd.ssh("echo two").stdout == "two\n"


@pytest.mark.needs("sshd", "ssh")
def test_sshd_with_another_host_key_is_refused(ledger: Ledger) -> None:
    with Sshd(ledger, wrong_host_key=True) as sshd:
        done = sshd.ssh("true")
        assert (done.returncode, "Host key verification failed" in done.stderr) == (255, True)


@pytest.mark.needs("sshd", "ssh")
def test_dropped_connection_ends_the_client(ledger: Ledger) -> None:
    with Sshd(ledger) as sshd:
        argv = ["ssh", "-F", str(sshd.ssh_config), "alpha", "echo start; sleep 60"]
        with subprocess.Popen(
            argv, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        ) as client:
            assert client.stdout is not None
            assert client.stdout.readline() == "start\n"
            assert sshd.commands()
            assert sshd.drop_connections() == 1
            assert client.wait(timeout=5) == 255
        assert sshd.commands(), "what the client started outlives its connection"
    assert not sshd.commands()


@pytest.mark.needs("ssh")
def test_blackhole_never_greets(tmp_path: Path) -> None:
    with Blackhole() as hole:
        argv = ["ssh", "-F", str(hole.ssh_config(tmp_path, connect_timeout_s=1)), "hole", "true"]
        done = subprocess.run(argv, capture_output=True, text=True, timeout=10, check=False)
    assert "timed out during banner exchange" in done.stderr


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
        "good.test": authority.issue("good.test"),
        "expired.test": authority.expired("expired.test"),
        "expiring.test": authority.expiring("expiring.test"),
        "wrong.test": authority.issue("other.test"),
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
        ("expiring.test", "ok"),
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


def fetch(url: str, timeout_s: float = 0.5) -> bytes:
    with urllib.request.urlopen(url, timeout=timeout_s) as answer:
        return bytes(answer.read(1000))


def test_slow_server_answers_and_fails_as_told() -> None:
    paths: dict[str, slowhttp.Behaviour] = {
        "/wrong": slowhttp.Answer.of({"status": "sick"}),
        "/late": slowhttp.Answer(delay_s=0.2),
        "/silent": slowhttp.Silent(),
        "/reset": slowhttp.Reset(),
        "/close": slowhttp.Raw(),
        "/loop": slowhttp.RedirectLoop(),
        "/huge": slowhttp.Huge(),
        "/flaky": slowhttp.Flaky([slowhttp.Reset(), slowhttp.Answer(body=b"up")]),
    }
    with slowhttp.SlowServer(paths) as server:
        assert b"sick" in fetch(server.url("/wrong"))
        assert fetch(server.url("/late")) == b"ok\n"
        assert len(fetch(server.url("/huge"))) == 1000
        for path in ("/silent", "/reset", "/close", "/loop", "/flaky"):
            with pytest.raises(OSError, match=r".") as failure:
                fetch(server.url(path))
            getattr(failure.value, "close", lambda: None)()
        assert fetch(server.url("/flaky")) == b"up"


def test_drip_outlasts_a_timeout_for_each_read() -> None:
    drip = slowhttp.Drip(body=b"x" * 12, interval_s=0.1)
    with slowhttp.SlowServer({"/drip": drip}) as server:
        start = time.monotonic()
        assert fetch(server.url("/drip"), timeout_s=0.5) == b"x" * 12
        assert time.monotonic() - start > 0.5


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

"""`pytest-ddd capture endpoints:…`: real servers, good and bad, become endpoints or are told."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from pytest_ddd.cli.main import main
from tests.lab.svc.tls import Authority
from tests.support.http_servers import (
    Behaviour,
    Server,
    answer,
    replying,
    routing,
    server_context,
    serving,
    silent,
)

WELL = answer(b'{"status": "UP", "uptime": 5}')
PAGE = answer(b"a page")


@pytest.fixture(autouse=True)
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "baselines/prod").mkdir(parents=True)
    (tmp_path / "baselines/prod/hosts.yaml").write_text("hosts: {here: {connection: local://}}\n")
    return tmp_path


def capture(server: Server, *, scheme: str = "http") -> dict[str, object]:
    """Return the entry of one server: no other port of this machine is asked."""
    name = f"{scheme}-{server.port}"
    assert main(["capture", "--host=prod", f"endpoints:{name}", "--write"]) == 0
    path = Path("baselines/prod/endpoints.yaml")
    written = yaml.safe_load(path.read_text())["endpoints"] if path.exists() else {}
    entry = written.get(name, {})
    return {
        key: value.replace(f":{server.port}", "") if isinstance(value, str) else value
        for key, value in entry.items()
    }


@pytest.mark.parametrize(
    ("behaviour", "entry"),
    [
        pytest.param(
            routing({"/health": WELL, "/": PAGE}),
            {"url": "http://{address}/health", "json": {"status": "UP"}},
            id="health",
        ),
        pytest.param(
            routing({"/-/healthy": PAGE}),
            {"url": "http://{address}/-/healthy"},
            id="another usual place",
        ),
        pytest.param(replying(PAGE), {"url": "http://{address}/"}, id="every path is a page"),
        pytest.param(
            replying(answer(b"", status="401 Unauthorized")),
            {"url": "http://{address}/", "status": 401, "redirects": 0},
            id="for members only",
        ),
        pytest.param(
            replying(answer(b"", status="302 Found", headers=("Location: /login",))),
            {"url": "http://{address}/", "status": 302, "redirects": 0},
            id="to somewhere else",
        ),
    ],
)
def test_what_answers_becomes_an_endpoint(behaviour: Behaviour, entry: dict[str, object]) -> None:
    with serving(behaviour) as server:
        found = capture(server)

    assert found == {**entry, "applies_to": ["all"]}


def test_what_is_not_well_is_told_and_not_written(capsys: pytest.CaptureFixture[str]) -> None:
    with serving(replying(answer(b"", status="503 Busy"))) as server:
        assert capture(server) == {}

    assert f"endpoints:http-{server.port} left out: answers with status 503" in (
        capsys.readouterr().err
    )


def test_what_speaks_no_http_is_no_endpoint(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pytest_ddd.probes.capture.health._DEADLINE_S", 0.3)
    with serving(silent) as server:
        assert capture(server) == {}

    assert "nothing of that name was found" in capsys.readouterr().err


def test_a_server_that_the_baseline_names_already_is_left_alone(
    site: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with serving(replying(PAGE)) as server:
        mine = f"endpoints: {{shop: {{url: 'http://localhost:{server.port}/shop'}}}}\n"
        (site / "baselines/prod/endpoints.yaml").write_text(mine)
        assert capture(server) == {}

    assert "1 thing as the baseline says already" in capsys.readouterr().err


def test_a_name_that_is_taken_stays_the_users(site: Path) -> None:
    with serving(replying(PAGE)) as server:
        mine = f"endpoints: {{http-{server.port}: {{url: 'http://elsewhere.example/'}}}}\n"
        (site / "baselines/prod/endpoints.yaml").write_text(mine)
        found = capture(server)

    text = (site / "baselines/prod/endpoints.yaml").read_text()
    assert found == {"url": "http://elsewhere.example/"}
    assert f"http-{server.port}-2: {{url: " in text


@pytest.mark.needs("openssl")
def test_tls_is_believed_by_the_authorities_that_the_baseline_names(
    site: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """First nobody vouches for it, and the way to say so is told; then another endpoint does."""
    authority = Authority(site / "ca")
    pair = authority.issue("localhost", sans=["localhost", "127.0.0.1"])
    with serving(replying(PAGE), tls=server_context(pair.cert, pair.key)) as server:
        assert capture(server, scheme="https") == {}
        said = capsys.readouterr().err
        (site / "baselines/prod/endpoints.yaml").write_text(
            f"endpoints: {{other: {{url: 'https://localhost:1/', ca: {authority.cert}}}}}\n"
        )
        found = capture(server, scheme="https")

    assert f"endpoints:https-{server.port} left out: certificate " in said
    assert "hint: name its authority in endpoints.yaml: https-" in said
    assert found == {
        "url": "https://{address}/",
        "ca": str(authority.cert),
        "applies_to": ["all"],
    }

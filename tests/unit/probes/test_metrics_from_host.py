"""A host asks its own Prometheus, with its curl."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pytest_ddd.baseline.loader import load_baseline
from pytest_ddd.baseline.model import Declaration
from pytest_ddd.baseline.sections.metrics import Metric as Model
from pytest_ddd.connections import Connections, ConnectionSpec
from pytest_ddd.errors import BaselineError
from pytest_ddd.probes.metrics import Metric
from tests.lab.reap import Ledger
from tests.lab.svc.prometheus import PASSWORD, Prometheus
from tests.lab.svc.tls import Authority
from tests.unit.probes.metric_site import GREEN, UNKNOWN, From, Verdict, check

pytestmark = pytest.mark.needs("prometheus", "openssl", "curl")

ENGINE = """#!/bin/sh
# A stand-in for podman that enters this machine, with another PATH if the test asks for one.
shift 3
[ -e "$(dirname "$0")/path" ] && export PATH="$(cat "$(dirname "$0")/path")"
exec "$@"
"""


@pytest.fixture
def bin_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the way to the host is."""
    (tmp_path / "podman").write_text(ENGINE)
    (tmp_path / "podman").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    return tmp_path


@pytest.fixture
def web1(bin_dir: Path) -> Iterator[Connections]:
    spec = ConnectionSpec(name="web1", kind="podman", hostspec="podman://web1", address="web1")
    made = Connections({"web1": spec})
    yield made
    made.close()


@pytest.fixture(scope="module")
def server(ledger: Ledger, authority: Authority) -> Iterator[Prometheus]:
    with Prometheus(ledger, tls=authority.issue("localhost"), login=True) as running:
        yield running


def look(connections: Connections, url: str, **keys: object) -> Verdict:
    asked = {"url": url, "query": "vector(0.25)", "from": "host", "deadline": "20s", **keys}
    model = Model.model_validate({"prometheus": asked, "baseline": {"value": 0.25}})
    declaration = Declaration(section="metrics", key="checkout", model=model, origins={})
    spec = connections.spec("web1")
    one = Metric(declaration, target="web1", scope=From(connections), spec=spec)
    assert one.host == "web1"
    return check(one)


def test_each_way_it_can_end(web1, server, authority, bin_dir, monkeypatch):
    monkeypatch.setenv("RIGHT", PASSWORD)
    monkeypatch.setenv("WRONG", 'other"\\')
    monkeypatch.setenv("BROKEN", "two\nlines")
    login = {"user": "ops", "password": {"env": "RIGHT"}, "ca": str(authority.cert)}

    def asked(**keys: object) -> Verdict:
        return look(web1, server.url, **{**login, **keys})

    assert asked().outcome is GREEN
    unknown = {
        "refuses the credentials (status 401)": asked(password={"env": "WRONG"}),
        "a line break is in it": asked(headers={"X-Key": {"env": "BROKEN"}}),
        "asked by web1 (podman://web1): curl: (60) SSL certificate problem": asked(ca=None),
        "more than": asked(max_body="10B", query="vector(0.25) or label_replace(vector(1), 'a', 'b', '', '')"),
        "curl: (7)": look(web1, "http://127.0.0.1:1"),
    }  # fmt: skip
    with server.frozen():
        unknown["curl: (28)"] = asked(deadline="300ms")
    (bin_dir / "path").write_text("/nonexistent")
    for words, verdict in unknown.items():
        assert (verdict.outcome, words in verdict.reason) == (UNKNOWN, True), verdict.reason
    assert asked().outcome is GREEN


def test_a_host_without_curl(web1, server, bin_dir):
    commands = bin_dir / "commands"
    commands.mkdir()
    for name in Path("/usr/bin").iterdir():
        if name.name != "curl":
            (commands / name.name).symlink_to(name)
    (bin_dir / "path").write_text(str(commands))

    verdict = look(web1, server.url)

    assert verdict.outcome is UNKNOWN
    assert "web1 (podman://web1) has no curl" in verdict.reason


@pytest.mark.parametrize(
    "way",
    [
        "prometheus: {from: host, url: 'http://a', query: up}",
        "json: {from: host, url: 'http://a', at: b}",
    ],
)
def test_which_host_asks_must_be_said(tmp_path, way):
    text = f"hosts: {{web1: {{connection: 'local://'}}}}\nmetrics: {{m: {{baseline: {{value: 1.0}}, {way}}}}}\n"
    (tmp_path / "prod.yaml").write_text(text)

    with pytest.raises(BaselineError, match=r"needs applies_to: which hosts\?"):
        load_baseline(tmp_path, "prod")

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_ddd import clock
from pytest_ddd.baseline.loader import load_baseline
from pytest_ddd.connections import Connections
from pytest_ddd.connections.specs import parse_hostspec
from pytest_ddd.outcomes import Outcome
from pytest_ddd.probes.endpoints import Endpoint, entries, url_for_host
from pytest_ddd.probes.scope import Scope
from pytest_ddd.results import Limit, Origin
from tests.lab.net import free_port
from tests.support.http_servers import answer, replying, serving
from tests.support.http_verdict import check

HOSTS = """\
hosts:
  web1: {connection: "ssh://ops@127.0.0.7:2222", groups: [web]}
  web2: {connection: "ssh://ops@[::1]", groups: [web]}
  here: {connection: "local://"}
"""


def endpoints_of(root: Path, text: str, hosts: tuple[str, ...], *, whole: bool) -> list[Endpoint]:
    folder = root / "prod"
    folder.mkdir()
    (folder / "hosts.yaml").write_text(HOSTS)
    (folder / "endpoints.yaml").write_text(text)
    baseline = load_baseline(root, "prod")
    specs = {
        name: parse_hostspec(host.model.connection, name=name)
        for name, host in baseline.hosts.items()
    }
    connections = Connections(specs)
    try:
        return entries(
            Scope(
                baseline=baseline,
                hosts=hosts,
                whole=whole,
                connections=connections,
                profile="day",
                since=clock.now(),
                started_at=clock.now(),
            )
        )
    finally:
        connections.close()


BOTH = """\
endpoints:
  shop: {url: "https://shop.example/health"}
  agent:
    url: "http://{address}:9100/{host}"
    applies_to: [web]
    certificate: {warn: 30d, crit: 10d}
"""


def test_the_environment_comes_first_and_each_host_gets_its_own(tmp_path):
    found = endpoints_of(tmp_path, BOTH, ("web1", "web2", "here"), whole=True)

    assert [(entry.target, entry.key, entry.url, entry.host) for entry in found] == [
        ("endpoint:shop", "shop", "https://shop.example/health", ""),
        ("web1", "agent", "http://127.0.0.7:9100/web1", ""),
        ("web2", "agent", "http://[::1]:9100/web2", ""),
    ]


def test_without_the_environment_only_hosts_are_asked(tmp_path):
    found = endpoints_of(tmp_path, BOTH, ("web2",), whole=False)

    assert [entry.target for entry in found] == ["web2"]


def test_certificate_limits_are_days_with_their_lines(tmp_path):
    (entry,) = endpoints_of(tmp_path, BOTH, ("web1",), whole=False)

    threshold = entry.certificate
    file = str(tmp_path / "prod" / "endpoints.yaml")
    assert threshold.warn == Limit(value=30, origin=Origin(file=file, line=6))
    assert threshold.crit == Limit(value=10, origin=Origin(file=file, line=6))
    assert (threshold.unit, threshold.bad) == ("days", "below")


def test_a_problem_names_the_line_of_the_file(tmp_path):
    url = f"http://127.0.0.1:{free_port()}/health"
    text = f'endpoints:\n  shop:\n    attempts: {{count: 1}}\n    url: "{url}"\n'
    (entry,) = endpoints_of(tmp_path, text, (), whole=True)
    verdict = check(entry)

    assert verdict.outcome is Outcome.RED
    assert verdict.problems == (f"{url}: connection refused ({tmp_path}/prod/endpoints.yaml:4)",)


def test_a_json_condition_names_its_own_line(tmp_path):
    with serving(replying(answer(b'{"a": {"b": 1}, "up": 0}'))) as server:
        text = (
            f'endpoints:\n  shop:\n    attempts: {{count: 1}}\n    url: "{server.url}"\n'
            '    json:\n      a.b: 1\n      up: ">0"\n'
        )
        (entry,) = endpoints_of(tmp_path, text, (), whole=True)
        verdict = check(entry)

    file = f"{tmp_path}/prod/endpoints.yaml"
    assert verdict.outcome is Outcome.RED
    assert verdict.problems == (f"{server.url}: json up is 0, expected >0 ({file}:7)",)


@pytest.mark.parametrize(
    ("hostspec", "url"),
    [
        ("ssh://ops@10.0.0.1:22", "tcp://10.0.0.1:80/w"),
        ("local://", "tcp://localhost:80/w"),
        ("docker://box", "tcp://w:80/w"),
        ("winrm://10.0.0.9", "tcp://w:80/w"),
    ],
)
def test_the_address_is_where_the_host_listens(hostspec, url):
    assert url_for_host("tcp://{address}:80/{host}", parse_hostspec(hostspec, name="w")) == url

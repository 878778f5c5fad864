"""`pytest-ddd inventory`: who is there, which checks each gets, and what could not be looked at."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_ddd.cli.main import main

HOSTS = """\
version: 1
hosts:
  here: {connection: local://, groups: [web]}
  dead: {connection: "ssh://ops@127.0.0.1:1", groups: [web], sudo: true}
  idle: {connection: local://, sudo: true, sudo_user: backup}
groups: {web: {}, empty: {}}
"""
CHECK = """
import pytest

pytestmark = [pytest.mark.daily]

def test_own(host):
    assert host.run("true").rc == 0

def test_drift(drift_item):
    assert drift_item.read().problems == ()

def test_endpoint(endpoint):
    assert endpoint.read().problems == ()
"""


@pytest.fixture(autouse=True)
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("DDD_HOST", "DDD_BASELINES", "PYTEST_ADDOPTS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    prod = tmp_path / "baselines/prod"
    prod.mkdir(parents=True)
    (prod / "hosts.yaml").write_text(HOSTS)
    (prod / "configuration.yaml").write_text(
        "configuration: {users: {root: {applies_to: [web]}}}\n"
    )
    (prod / "endpoints.yaml").write_text('endpoints: {shop: {url: "tcp://127.0.0.1:9"}}\n')
    (tmp_path / "checks").mkdir()
    (tmp_path / "checks/test_mine.py").write_text(CHECK)
    (tmp_path / "pyproject.toml").write_text("[tool.pytest]\ntestpaths = ['checks']\n")
    return tmp_path


def lines(text: str) -> list[str]:
    return [" ".join(line.split()) for line in text.splitlines() if line]


def test_hosts_groups_connections_and_checks(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["inventory", "prod"]) == 0

    assert lines(capsys.readouterr().out) == [
        "prod: 3 hosts of 3",
        "group all: here, dead, idle",
        "group web: here, dead",
        "group empty: no hosts",
        "here local://, in web",
        "2 checks: mine 2",
        "dead ssh://ops@127.0.0.1:1 as root by sudo, in web",
        "2 checks: mine 2",
        "idle local:// as backup by sudo",
        "1 check: mine 1",
        "without a host: 1 check: mine 1",
    ]


def test_a_host_that_gets_nothing_is_told(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (site / "checks/test_mine.py").write_text(CHECK.replace("def test_own(host)", "def own(host)"))

    assert main(["inventory", "idle"]) == 0

    assert lines(capsys.readouterr().out)[-1] == (
        "no checks: nothing in the baseline applies to it"
    )


def test_try_says_what_could_not_be_looked_at(
    site: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with (site / "baselines/prod/hosts.yaml").open("a") as hosts:
        hosts.write("environment: {timezone: UTC}\n")
    (site / "baselines/prod/logs.yaml").write_text(
        "logs: {gone: {path: /no/such.log, error: [x], applies_to: [here]}}\n"
    )

    assert main(["inventory", "here", "dead", "--try"]) == 1

    said = capsys.readouterr().out
    assert "✗ here: as " in said
    assert "logs gone: " in said
    assert "✗ dead: cannot be looked at" in said
    assert "    connection: " in said


def test_try_of_what_can_be_looked_at(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["inventory", "here", "--try"]) == 0

    assert "1 look at what is declared" in capsys.readouterr().out


def test_try_of_an_environment_looks_at_what_has_no_host(
    site: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A refused connection is red, and no obstacle; a missing secret is one."""
    monkeypatch.delenv("SHOP_TOKEN", raising=False)
    hosts = "hosts: {here: {connection: local://}}\ngroups: {web: {}}\n"
    (site / "baselines/prod/hosts.yaml").write_text(hosts)
    (site / "baselines/prod/endpoints.yaml").write_text(
        "endpoints:\n"
        '  shop: {url: "tcp://127.0.0.1:9"}\n'
        '  api: {url: "http://127.0.0.1:9/", headers: {X-Token: {env: SHOP_TOKEN}}}\n'
    )

    assert main(["inventory", "prod", "--try"]) == 1

    told = lines(capsys.readouterr().out.partition("✗ ")[2])
    assert told[0] == "prod, without a host: 2 looks at what is declared"
    assert told[1].startswith("endpoints api: ")
    assert "SHOP_TOKEN" in told[1]
    assert len([line for line in told if line.startswith("endpoints")]) == 1


def test_what_is_only_red_is_no_obstacle(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (site / "baselines/prod/configuration.yaml").write_text(
        "configuration: {users: {root: {uid: 7}}}\n"
    )

    assert main(["inventory", "here", "--try"]) == 0

    assert "✓ here: as " in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["web9"], "no host, group or environment 'web9'"),
        (["prod", "--baselines=nowhere"], "no directory of baselines: nowhere"),
    ],
)
def test_mistakes_are_told(words: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["inventory", *words]) == 4

    assert said in capsys.readouterr().err


def test_checks_that_cannot_be_collected_are_told(
    site: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (site / "checks/test_mine.py").write_text("import nothing_of_that_name\n")

    assert main(["inventory", "prod"]) == 4

    said = capsys.readouterr().err
    assert "pytest cannot collect the checks" in said
    assert "nothing_of_that_name" in said

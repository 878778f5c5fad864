"""What is said of hosts stands in the right file, once, and says nothing of others."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from pytest_ddd.baseline.loader import load_baseline
from pytest_ddd.baseline.placing import Asked, Placing, Statement, Tree
from pytest_ddd.baseline.tree import Plain
from tests.unit.baseline.sites import ROOT, write

HOSTS = """
hosts:
  web1: {connection: local://, groups: [web]}
  web2: {connection: local://, groups: [web]}
  db1: {connection: local://}
"""
EVERYWHERE = ("web1", "web2", "db1")
NGINX = ("configuration", "services", "nginx")
LOAD = ("thresholds", "load")
SHOP = ("endpoints", "shop")


def said(path: tuple[str, ...], hosts: Sequence[str], **values: Plain) -> list[Statement]:
    return [Statement(host=host, path=path, values=values) for host in hosts]


def placed(
    *statements: Statement, files: dict[str, str], asked: Sequence[str] = ("prod",)
) -> dict[str, Tree]:
    write({"prod/hosts.yaml": HOSTS, **files})
    hosts = tuple(dict.fromkeys(one.host for one in statements))
    baseline = load_baseline(ROOT, "prod")
    placing = Placing(
        ROOT, baseline, Asked(hosts=hosts, names=asked, whole=tuple(asked) == ("prod",))
    )
    placing.add(statements)
    return {str(path.relative_to(ROOT)): tree for path, tree in placing.files.items()}


def test_what_holds_everywhere_names_nobody() -> None:
    assert placed(*said(LOAD, EVERYWHERE, warn=2), files={}) == {
        "prod/thresholds.yaml": {"thresholds": {"load": {"warn": 2}}}
    }


def test_an_endpoint_of_all_hosts_says_so_or_it_would_be_asked_once() -> None:
    assert placed(*said(SHOP, EVERYWHERE, url="tcp://{host}:1"), files={}) == {
        "prod/endpoints.yaml": {
            "endpoints": {"shop": {"url": "tcp://{host}:1", "applies_to": ["all"]}}
        }
    }


@pytest.mark.parametrize(
    ("hosts", "asked", "names"),
    [
        (("web1",), ("web1",), ["web1"]),
        (("web1", "web2"), ("web",), ["web"]),
        (("web1", "web2"), ("web1", "web2"), ["web"]),
        (("web1", "db1"), ("web1", "db1"), ["web1", "db1"]),
        (EVERYWHERE, ("web", "db1"), ["all"]),
    ],
)
def test_who_is_meant(hosts: Sequence[str], asked: Sequence[str], names: list[str]) -> None:
    found = placed(*said(LOAD, hosts, warn=2), files={}, asked=asked)

    assert found["prod/thresholds.yaml"] == {
        "thresholds": {"load": {"warn": 2, "applies_to": names}}
    }


def test_one_that_differs_says_so_by_itself() -> None:
    statements = [
        *said(NGINX, ("web1", "web2"), running=True),
        *said(NGINX, ("db1",), running=False),
    ]

    found = placed(*statements, files={})

    entry: Tree = {"running": True, "applies_to": ["web"]}
    own: Tree = {"running": False, "applies_to": ["db1"]}
    assert found == {
        "prod/configuration.yaml": {"configuration": {"services": {"nginx": entry}}},
        "prod/hosts.yaml": {
            "hosts": {"db1": {"set": {"configuration": {"services": {"nginx": own}}}}}
        },
    }


def test_endpoints_that_differ_have_names_of_their_own() -> None:
    statements = [
        *said(SHOP, ("web1", "web2"), url="tcp://a:1"),
        *said(SHOP, ("db1",), url="tcp://b:1"),
    ]

    assert placed(*statements, files={}) == {
        "prod/endpoints.yaml": {
            "endpoints": {
                "shop": {"url": "tcp://a:1", "applies_to": ["web"]},
                "shop-db1": {"url": "tcp://b:1", "applies_to": ["db1"]},
            }
        }
    }


def test_what_others_are_expected_to_be_stays() -> None:
    """web1 is another now; web2, which nobody asked, is meant by the file too."""
    files = {"prod/configuration.yaml": "configuration: {services: {nginx: {running: true}}}\n"}

    found = placed(*said(NGINX, ("web1",), running=False), files=files, asked=["web1"])

    own: Tree = {"running": False}
    assert found == {
        "prod/hosts.yaml": {
            "hosts": {"web1": {"set": {"configuration": {"services": {"nginx": own}}}}}
        }
    }


def test_what_all_are_now_is_changed_where_it_stands() -> None:
    files = {"prod/configuration.yaml": "configuration: {services: {nginx: {running: true}}}\n"}

    found = placed(*said(NGINX, EVERYWHERE, running=False, enabled=True), files=files)

    assert found == {
        "prod/configuration.yaml": {"configuration": {"services": {"nginx": {"running": False}}}}
    }


def test_what_a_host_says_by_itself_is_changed_there() -> None:
    own = HOSTS.replace(
        "db1: {connection: local://}",
        "db1: {connection: local://, set: {thresholds: {load: {warn: 9}}}}",
    )
    files = {"prod/hosts.yaml": own, "prod/thresholds.yaml": "thresholds: {load: {warn: 2}}\n"}

    found = placed(*said(LOAD, ("db1",), warn=5), files=files, asked=["db1"])

    assert found == {
        "prod/hosts.yaml": {"hosts": {"db1": {"set": {"thresholds": {"load": {"warn": 5}}}}}}
    }


def test_a_host_joins_those_that_are_the_same() -> None:
    text = "configuration: {services: {nginx: {running: true, applies_to: [web1]}}}\n"

    found = placed(
        *said(NGINX, ("web2",), running=True),
        files={"prod/configuration.yaml": text},
        asked=["web2"],
    )

    assert found == {
        "prod/configuration.yaml": {
            "configuration": {"services": {"nginx": {"applies_to": ["web"]}}}
        }
    }


def test_what_is_so_already_is_not_said_again() -> None:
    files = {"prod/thresholds.yaml": "thresholds: {cpu: {warn: 80%}}\n"}

    assert placed(*said(("thresholds", "cpu"), EVERYWHERE, warn="80%"), files=files) == {}


def test_an_environment_of_one_file_stays_one_file() -> None:
    write({"one.yaml": HOSTS})
    placing = Placing(
        ROOT, load_baseline(ROOT, "one"), Asked(hosts=["db1"], names=["db1"], whole=False)
    )

    placing.add(said(LOAD, ("db1",), warn=2))

    assert list(placing.files) == [Path("baselines/one.yaml")]


def test_what_is_special_about_a_host_of_an_inventory_stands_beside_it() -> None:
    Path("hosts.ini").write_text("[web]\nweb1\nweb2\n")
    write({"prod/hosts.yaml": "from_ansible: hosts.ini\n"})
    placing = Placing(
        ROOT, load_baseline(ROOT, "prod"), Asked(hosts=["web1"], names=["web1"], whole=False)
    )

    placing.add([*said(LOAD, ("web2",), warn=2), *said(LOAD, ("web1",), warn=9)])

    own: Tree = {"warn": 9, "applies_to": ["web1"]}
    assert placing.files[Path("baselines/prod/hosts.yaml")] == {
        "hosts": {"web1": {"set": {"thresholds": {"load": own}}}}
    }

"""Loading: layers, groups, hosts, and the line that every value came from."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from pytest_ddd.baseline.loader import load_baseline
from pytest_ddd.baseline.sections.thresholds import Resource
from pytest_ddd.errors import BaselineError, UnknownTargetError
from tests.unit.baseline.sites import ROOT, entry, keys, write

COMMON = """\
version: 1
thresholds:
  cpu: {warn: 80%, crit: 90%}
  swap: {warn: 50%}
  disk:/var:
    warn: 80%
    crit: 90%
    exclude: null
"""
HOSTS = """\
extends: [common]
hosts:
  web1:
    connection: ssh://ops@10.0.0.1
    groups: [web]
  db1:
    connection: ssh://ops@10.0.0.2
    groups: [db]
    set:
      thresholds:
        cpu: {crit: 99%}
groups:
  web: {}
  db:
    set:
      thresholds:
        cpu: {crit: 95%, warn: 85%}
        swap: null
"""
THRESHOLDS = """\
thresholds:
  disk:/var:
    crit: 95%
"""


@pytest.fixture
def layered() -> Path:
    return write(
        {
            "common.yaml": COMMON.replace("    exclude: null\n", ""),
            "prod/hosts.yaml": HOSTS,
            "prod/thresholds.yaml": THRESHOLDS,
        }
    )


def where(host: str, key: str, *path: str) -> str:
    return str(entry(load_baseline(ROOT, "prod"), host, "thresholds", key).origin(*path))


def test_a_value_of_the_base_keeps_its_line(layered: Path) -> None:
    assert where("web1", "disk:/var", "warn") == "baselines/common.yaml:6"


def test_a_value_of_the_environment_wins_over_the_base(layered: Path) -> None:
    assert where("web1", "disk:/var", "crit") == "baselines/prod/thresholds.yaml:3"


def test_an_entry_has_the_line_of_the_layer_that_touched_it_last(layered: Path) -> None:
    assert where("web1", "disk:/var") == "baselines/prod/thresholds.yaml:2"


def test_a_default_has_the_line_of_its_entry(layered: Path) -> None:
    assert where("web1", "disk:/var", "sample") == "baselines/prod/thresholds.yaml:2"


def test_a_group_wins_over_the_environment(layered: Path) -> None:
    assert where("db1", "cpu", "warn") == "baselines/prod/hosts.yaml:17"


def test_a_host_wins_over_its_group(layered: Path) -> None:
    assert where("db1", "cpu", "crit") == "baselines/prod/hosts.yaml:11"


def test_values_merge_from_every_layer(layered: Path) -> None:
    model = entry(load_baseline(ROOT, "prod"), "db1", "thresholds", "cpu").model

    assert isinstance(model, Resource)
    assert (model.warn, model.crit) == (85, 99)


def test_other_hosts_keep_what_a_group_changes(layered: Path) -> None:
    model = entry(load_baseline(ROOT, "prod"), "web1", "thresholds", "cpu").model

    assert isinstance(model, Resource)
    assert (model.warn, model.crit) == (80, 90)


def test_null_removes_an_entry_for_the_hosts_of_a_group(layered: Path) -> None:
    baseline = load_baseline(ROOT, "prod")

    assert keys(baseline, "web1", "thresholds") == ["cpu", "swap", "disk:/var"]
    assert keys(baseline, "db1", "thresholds") == ["cpu", "disk:/var"]


def test_a_threshold_says_where_both_limits_came_from(layered: Path) -> None:
    threshold = entry(load_baseline(ROOT, "prod"), "db1", "thresholds", "cpu").threshold(unit="%")

    assert threshold.warn is not None
    assert threshold.crit is not None
    assert [str(threshold.warn.origin), str(threshold.crit.origin)] == [
        "baselines/prod/hosts.yaml:17",
        "baselines/prod/hosts.yaml:11",
    ]


def test_a_host_has_the_line_of_its_connection(layered: Path) -> None:
    host = load_baseline(ROOT, "prod").hosts["db1"]

    assert str(host.origin("connection")) == "baselines/prod/hosts.yaml:7"


def test_files_are_listed_with_their_digest(layered: Path) -> None:
    files = {file.path: file.sha256 for file in load_baseline(ROOT, "prod").files}

    assert files == {
        path: hashlib.sha256(Path(path).read_bytes()).hexdigest()
        for path in (
            "baselines/common.yaml",
            "baselines/prod/hosts.yaml",
            "baselines/prod/thresholds.yaml",
        )
    }


def test_a_list_replaces_a_list() -> None:
    write(
        {
            "common.yaml": "logs:\n  app: {path: /x, error: [one, two]}\n",
            "prod.yaml": "extends: [common]\nhosts: {a: {connection: local://}}\n"
            "logs:\n  app:\n    error: [three]\n",
        }
    )

    found = entry(load_baseline(ROOT, "prod"), "a", "logs", "app")

    assert found.model.model_dump()["error"] == ["three"]
    assert str(found.origin("error", 0)) == "baselines/prod.yaml:5"


def test_one_base_of_two_bases_stands_below_both() -> None:
    write(
        {
            "lowest.yaml": "thresholds: {cpu: {warn: 10%}}\n",
            "left.yaml": "extends: [lowest]\nthresholds: {cpu: {warn: 20%}}\n",
            "right.yaml": "extends: [lowest]\nthresholds: {swap: {warn: 30%}}\n",
            "prod.yaml": "extends: [left, right]\nhosts: {a: {connection: local://}}\n",
        }
    )

    baseline = load_baseline(ROOT, "prod")

    assert entry(baseline, "a", "thresholds", "cpu").model.model_dump()["warn"] == 20
    assert [file.path for file in baseline.files] == [
        f"baselines/{name}.yaml" for name in ("lowest", "left", "right", "prod")
    ]


def test_the_later_base_wins() -> None:
    write(
        {
            "left.yaml": "thresholds: {cpu: {warn: 20%}}\n",
            "right.yaml": "thresholds: {cpu: {warn: 30%}}\n",
            "prod.yaml": "extends: [left, right]\nhosts: {a: {connection: local://}}\n",
        }
    )

    assert where("a", "cpu", "warn") == "baselines/right.yaml:1"


def test_an_alias_has_the_line_where_it_is_used() -> None:
    write(
        {
            "prod.yaml": "hosts: {a: {connection: local://}}\nthresholds:\n"
            "  cpu: &limits {warn: 80%}\n  swap: *limits\n"
        }
    )

    assert where("a", "swap") == "baselines/prod.yaml:4"


def test_a_value_has_the_line_of_its_key() -> None:
    write(
        {
            "prod.yaml": "hosts: {a: {connection: local://}}\nconfiguration:\n  files:\n"
            "    /etc/motd:\n      content: |\n        hello\n        world\n"
        }
    )

    found = entry(load_baseline(ROOT, "prod"), "a", "configuration", "file:/etc/motd")

    assert str(found.origin("content")) == "baselines/prod.yaml:5"


def test_groups_that_agree_are_no_conflict() -> None:
    same = "{set: {thresholds: {cpu: {crit: 90%}}}}"
    write(
        {
            "prod.yaml": "thresholds: {cpu: {warn: 50%}}\n"
            "hosts: {a: {connection: local://, groups: [x, y]}}\n"
            f"groups:\n  x: {same}\n  y: {same}\n"
        }
    )

    assert where("a", "cpu", "crit") == "baselines/prod.yaml:4"


def test_a_host_settles_what_its_groups_disagree_about() -> None:
    write(
        {
            "prod.yaml": "thresholds: {cpu: {warn: 50%}}\nhosts:\n"
            "  a:\n    connection: local://\n    groups: [x, y]\n"
            "    set: {thresholds: {cpu: {crit: 92%}}}\n"
            "groups:\n  x: {set: {thresholds: {cpu: {crit: 90%}}}}\n"
            "  y: {set: {thresholds: {cpu: {crit: 95%}}}}\n"
        }
    )

    assert where("a", "cpu", "crit") == "baselines/prod.yaml:6"


def test_the_set_of_all_holds_for_every_host() -> None:
    write(
        {
            "prod.yaml": "hosts: {a: {connection: local://}, b: {connection: local://}}\n"
            "groups:\n  all: {set: {thresholds: {cpu: {crit: 90%}}}}\n"
        }
    )

    baseline = load_baseline(ROOT, "prod")

    assert [keys(baseline, host, "thresholds") for host in "ab"] == [["cpu"], ["cpu"]]


ENDPOINTS = """\
hosts:
  web1: {connection: local://, groups: [web]}
  db1: {connection: local://}
groups: {web: {}, later: {}}
endpoints:
  shop: {url: https://shop.example}
  node: {url: "http://{address}/", applies_to: [web]}
  new: {url: "http://{address}/", applies_to: [later]}
backups:
  data: {kind: files, files: /b/*}
  each: {kind: files, files: /b/*, applies_to: [all], from: controller}
"""


def test_entries_without_applies_to_live_in_the_environment() -> None:
    write({"prod.yaml": ENDPOINTS})

    found = load_baseline(ROOT, "prod").for_environment

    assert {name: [each.key for each in entries] for name, entries in found.items()} == {
        "endpoints": ["shop"],
        "backups": ["data"],
    }


def test_entries_with_applies_to_live_on_those_hosts() -> None:
    write({"prod.yaml": ENDPOINTS})

    baseline = load_baseline(ROOT, "prod")

    assert keys(baseline, "web1", "endpoints") == ["node"]
    assert keys(baseline, "db1", "endpoints") == []
    assert keys(baseline, "db1", "backups") == ["each"]


def test_what_applies_to_no_host_is_named() -> None:
    write({"prod.yaml": ENDPOINTS})

    assert [each.key for each in load_baseline(ROOT, "prod").unused] == ["new"]


def test_null_is_a_value_in_the_expected_json() -> None:
    write(
        {
            "prod.yaml": "hosts: {a: {connection: local://}}\n"
            "endpoints: {x: {url: http://x, json: {error: null}}}\n"
        }
    )

    (found,) = load_baseline(ROOT, "prod").for_environment["endpoints"]

    assert found.model.model_dump()["json_"] == {"error": None}


def test_what_an_endpoint_must_answer_is_no_secret() -> None:
    write(
        {
            "prod.yaml": "hosts: {a: {connection: local://}}\nendpoints:\n  x:\n    url: http://x\n"
            "    json: {token: valid}\n    response_headers: {Set-Cookie: session=}\n"
        }
    )

    assert load_baseline(ROOT, "prod").for_environment["endpoints"]


def test_a_stranger_is_not_an_environment() -> None:
    write({"prod.yaml": ENDPOINTS})

    with pytest.raises(UnknownTargetError, match="did you mean 'prod'"):
        load_baseline(ROOT, "prdo")


def test_names_are_not_doubted_while_a_file_is_unreadable() -> None:
    write(
        {
            "prod/hosts.yaml": "hosts: [\n",
            "prod/thresholds.yaml": "thresholds: {cpu: {warn: 80%, applies_to: [web]}}\n",
        }
    )

    with pytest.raises(BaselineError) as caught:
        load_baseline(ROOT, "prod")

    assert len(caught.value.mistakes) == 1


def test_our_own_baselines_load() -> None:
    repository = Path(__file__).parents[3]

    assert load_baseline(repository / "baselines", "local").hosts


def test_a_thousand_hosts_have_what_is_said_of_each() -> None:
    hosts = "".join(
        f"  h{n}:\n    connection: ssh://ops@10.0.{n // 250}.{n % 250}\n    groups: [g{n % 2}]\n"
        f"    set: {{thresholds: {{cpu: {{crit: {90 + n % 10}%}}}}}}\n"
        for n in range(1000)
    )
    disks = "".join(f"  disk:/m{n}: {{warn: 80%, applies_to: [g{n % 2}]}}\n" for n in range(100))
    write(
        {
            "prod/hosts.yaml": f"hosts:\n{hosts}",
            "prod/thresholds.yaml": f"thresholds:\n  cpu: {{warn: 80%}}\n{disks}",
        }
    )

    baseline = load_baseline(ROOT, "prod")

    assert sum(len(each["thresholds"]) for each in baseline.for_host.values()) == 51_000

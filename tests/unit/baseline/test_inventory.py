"""Selection: what `--host` means, and what it refuses."""

from __future__ import annotations

import pytest

from pytest_ddd.baseline.inventory import Selection, find_environments, select
from pytest_ddd.errors import BaselineError, DddError, UnknownTargetError, UsageError
from tests.unit.baseline.sites import ROOT, keys, write

PROD = """\
extends: [common]
hosts:
  web1: {connection: ssh://ops@10.0.0.1, groups: [web]}
  web2: {connection: ssh://ops@10.0.0.2, groups: [web]}
  db1: {connection: ssh://ops@10.0.0.3, groups: [db]}
"""
STAGING = """\
hosts:
  web1: {connection: ssh://ops@10.1.0.1, groups: [app]}
  old1: {connection: ssh://ops@10.1.0.9}
"""


@pytest.fixture(autouse=True)
def environments() -> None:
    write(
        {
            "common.yaml": "groups: {web: {}, db: {}, spare: {}}\nthresholds: {cpu: {warn: 80%}}\n",
            "prod/hosts.yaml": PROD,
            "staging.yaml": STAGING,
            "local/hosts.yaml": "hosts: {localhost: {connection: local://}}\n",
            "local/thresholds.yaml": "thresholds:\n  cpu: {warn: 80%}\n"
            "  swap: {warn: 5%, applies_to: [localhost]}\n",
        }
    )


def chosen(*names: str) -> tuple[str, tuple[str, ...], bool]:
    found: Selection = select(ROOT, names)
    return found.environment, found.hosts, found.whole


def refused(*names: str) -> DddError:
    with pytest.raises(UsageError) as caught:
        select(ROOT, names)
    return caught.value


def test_all_environments_are_found() -> None:
    assert find_environments(ROOT) == ["common", "local", "prod", "staging"]


@pytest.mark.parametrize(
    ("names", "environment", "hosts", "whole"),
    [
        ((), "local", ("localhost",), True),
        (("prod",), "prod", ("web1", "web2", "db1"), True),
        (("web",), "prod", ("web1", "web2"), False),
        (("db1",), "prod", ("db1",), False),
        (("web2,db1",), "prod", ("web2", "db1"), False),
        (("db1", "web2"), "prod", ("web2", "db1"), False),
        (("db1, web2",), "prod", ("web2", "db1"), False),
        (("web1@prod",), "prod", ("web1",), False),
        (("web1@staging",), "staging", ("web1",), False),
        (("web*@prod",), "prod", ("web1", "web2"), False),
        (("all@prod",), "prod", ("web1", "web2", "db1"), False),
        (("?b1",), "prod", ("db1",), False),
        (("prod,!web",), "prod", ("db1",), True),
        (("prod", "!web1"), "prod", ("web2", "db1"), True),
        (("!web1", "prod"), "prod", ("web2", "db1"), True),
        (("web,!web1@prod",), "prod", ("web2",), False),
        (("prod,!*1",), "prod", ("web2",), True),
        (("prod,db1",), "prod", ("web1", "web2", "db1"), True),
        (("ssh://ops@10.0.0.3",), "prod", ("db1",), False),
        (("local://",), "local", ("localhost",), False),
        (("old*",), "staging", ("old1",), False),
    ],
)
def test_names_select(
    names: tuple[str, ...], environment: str, hosts: tuple[str, ...], whole: bool
) -> None:
    assert chosen(*names) == (environment, hosts, whole)


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (("web1",), ("several environments", "web1@prod, web1@staging")),
        (("web?",), ("several environments", "web?@prod, web?@staging")),
        (("all",), ("all@local, all@prod, all@staging",)),
        (("wbe2",), ("no host, group or environment 'wbe2'", "'web2'")),
        (("zzz",), ("no host, group or environment 'zzz'", "there is:", "db1")),
        (("web9*",), ("'web9*'",)),
        (("web1@prdo",), ("no environment 'prdo'", "'prod'")),
        (("nope@prod",), ("'nope@prod'",)),
        (("web,!web1,!web2",), ("empty set", "web1, web2, db1")),
        (("spare",), ("empty set",)),
        (("!web1",), ("what to leave out", "prod,!web1")),
        (("prod,!wbe1",), ("'wbe1'", "'web1'")),
        (("prod,!old1",), ("'old1'",)),
        (("prod,!web1@staging",), ("web1@staging",)),
        (("prod,staging",), ("one environment", "prod is in prod", "staging is in staging")),
        (("db1,old1",), ("one environment",)),
        (("common",), ("common has no hosts", "extends")),
        (("",), ("empty name",)),
        (("prod,",), ("empty name",)),
        (("prod,!",), ("empty name",)),
        (("prod,ssh://ops@10.9.9.9",), ("in no baseline",)),
        (("../prod",), ("no host, group or environment",)),
    ],
)
def test_what_cannot_be_is_refused(names: tuple[str, ...], words: tuple[str, ...]) -> None:
    said = str(refused(*names))

    assert [word for word in words if word not in said] == [], said


def test_a_hostspec_of_no_baseline_gets_what_local_says_of_every_host() -> None:
    found = select(ROOT, ["ssh://ops@10.9.9.9:2222"])

    assert (found.environment, found.hosts, found.whole) == ("local", ("10.9.9.9-2222",), False)
    assert keys(found.baseline, "10.9.9.9-2222", "thresholds") == ["cpu"]
    assert list(found.baseline.hosts) == ["10.9.9.9-2222"]


def test_two_hostspecs_of_one_address_get_two_names() -> None:
    found = select(ROOT, ["docker://app,podman://app"])

    assert found.hosts == ("app", "app-2")


def test_an_impossible_hostspec_is_refused() -> None:
    assert "unknown kind of connection" in str(refused("shh://ops@10.9.9.9"))


def test_the_environment_is_loaded_without_reading_the_others() -> None:
    write({"staging.yaml": "hosts: [\n"})

    assert chosen("prod")[0] == "prod"
    assert chosen("web1@prod")[1] == ("web1",)


def test_a_name_is_not_guessed_while_an_environment_cannot_be_read() -> None:
    write({"staging.yaml": "hosts: [\n"})

    mistake = refused("web1")

    assert isinstance(mistake, BaselineError)
    assert "cannot say whether 'web1' is in staging" in str(mistake)
    assert "baselines/staging.yaml:1" in str(mistake)


def test_no_directory_of_baselines() -> None:
    with pytest.raises(UnknownTargetError, match="pytest-ddd init"):
        select(ROOT / "nowhere", ["prod"])


def test_no_local_and_no_host() -> None:
    (ROOT / "local" / "hosts.yaml").unlink()
    (ROOT / "local" / "thresholds.yaml").unlink()

    assert "no --host is given" in str(refused())

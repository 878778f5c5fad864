"""Accounts and groups changed with useradd and its family, in the sandbox's own /etc."""

from __future__ import annotations

import pytest

from pytest_ddd.errors import CannotLookError
from tests.unit.probes.drift.sandbox import BASELINE, Sandbox, beside, declared, item, problems

pytestmark = pytest.mark.needs("unshare")


@pytest.fixture
def deploy(sandbox: Sandbox) -> Sandbox:
    """A sandbox with an account `deploy` and two groups."""
    sandbox.do("groupadd", "-g", "4001", "release")
    sandbox.do("groupadd", "-g", "4002", "docker")
    sandbox.do("groupadd", "-g", "4003", "deploy")
    sandbox.do(
        "useradd",
        "-u",
        "4000",
        "-g",
        "4003",
        "-G",
        "release",
        "-s",
        "/bin/bash",
        "-d",
        "/srv/d",
        "deploy",
    )
    return sandbox


def test_healthy_account(deploy: Sandbox) -> None:
    values = {"uid": 4000, "gid": 4003, "shell": "/bin/bash", "home": "/srv/d"}
    assert problems(deploy.way, "user:deploy", groups=["release"], **values) == []


def test_missing_account(sandbox: Sandbox) -> None:
    assert problems(sandbox.way, "user:deploy") == [f"no such account, expected one ({BASELINE}:1)"]


def test_account_that_should_not_be_there(deploy: Sandbox) -> None:
    assert problems(deploy.way, "user:deploy", exists=False) == [
        f"there is such an account (uid 4000), expected none ({BASELINE}:2)"
    ]


def test_account_that_is_rightly_not_there(sandbox: Sandbox) -> None:
    assert problems(sandbox.way, "user:deploy", exists=False) == []


def test_changed_shell_home_and_uid(deploy: Sandbox) -> None:
    deploy.do("usermod", "-s", "/bin/sh", "-d", "/tmp", "-u", "4010", "deploy")
    values = {"uid": 4000, "shell": "/bin/bash", "home": "/srv/d"}
    assert problems(deploy.way, "user:deploy", **values) == [
        f"uid is 4010, expected 4000 ({BASELINE}:2)",
        f"shell is /bin/sh, expected /bin/bash ({BASELINE}:3)",
        f"home is /tmp, expected /srv/d ({BASELINE}:4)",
    ]


def test_groups_name_what_is_missing_and_what_is_too_many(deploy: Sandbox) -> None:
    deploy.do("usermod", "-G", "docker", "deploy")
    assert problems(deploy.way, "user:deploy", groups=["release"]) == [
        f"groups differ: release is missing, docker is too many ({BASELINE}:2)"
    ]


def test_healthy_group(deploy: Sandbox) -> None:
    assert problems(deploy.way, "group:release", gid=4001, members=["deploy"]) == []


def test_group_with_a_member_too_many(deploy: Sandbox) -> None:
    deploy.do("usermod", "-aG", "docker", "deploy")
    assert problems(deploy.way, "group:docker", members=[]) == [
        f"members differ: deploy is too many ({BASELINE}:2)"
    ]


def test_member_by_primary_group_is_seen(deploy: Sandbox) -> None:
    deploy.do("usermod", "-g", "docker", "deploy")
    assert problems(deploy.way, "group:docker", members=[]) == [
        f"members differ: deploy is too many (by primary group) ({BASELINE}:2)"
    ]


def test_owner_of_a_private_group_need_not_be_listed(deploy: Sandbox) -> None:
    assert problems(deploy.way, "group:deploy", members=[]) == []


def test_missing_group(sandbox: Sandbox) -> None:
    assert problems(sandbox.way, "group:release", gid=4001) == [
        f"no such group, expected one ({BASELINE}:1)"
    ]


def test_changed_gid(deploy: Sandbox) -> None:
    deploy.do("groupmod", "-g", "4100", "release")
    assert problems(deploy.way, "group:release", gid=4001) == [
        f"gid is 4100, expected 4001 ({BASELINE}:2)"
    ]


def test_unreadable_passwd_is_unknown(sandbox: Sandbox) -> None:
    sandbox.do("chmod", "0600", "/etc/passwd")
    with pytest.raises(CannotLookError):
        item(sandbox.as_nobody, "user:deploy", exists=False).read()


def test_unlisted_person_is_counted_and_named(deploy: Sandbox) -> None:
    drift = item(deploy.way, "unlisted:users", users="red").read()
    assert drift.extra is not None
    assert drift.extra.shown == "unlisted users 1"
    assert drift.extra.detail == "deploy (uid 4000, /bin/bash)"


def test_listed_person_is_not_counted(deploy: Sandbox) -> None:
    listed = [declared("user:deploy")]
    drift = beside(listed, deploy.way, "unlisted:users", users="red").read()
    assert drift.extra is not None
    assert drift.extra.value == 0


def test_second_root_is_always_reported(sandbox: Sandbox) -> None:
    sandbox.do("useradd", "-o", "-u", "0", "-s", "/usr/sbin/nologin", "toor")
    drift = item(sandbox.way, "unlisted:users", users="red").read()
    assert drift.extra is not None
    assert drift.extra.detail == "toor (uid 0, /usr/sbin/nologin)"


def test_system_accounts_are_not_reported(sandbox: Sandbox) -> None:
    sandbox.do("useradd", "-r", "-s", "/bin/bash", "robot")
    drift = item(sandbox.way, "unlisted:users", users="red").read()
    assert drift.extra is not None
    assert drift.extra.value == 0

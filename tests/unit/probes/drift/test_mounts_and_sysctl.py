"""Mounts and kernel settings, changed in namespaces of the test's own."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_ddd.errors import CannotLookError
from tests.unit.probes.drift.sandbox import BASELINE, Sandbox, Way, item, problems

pytestmark = pytest.mark.needs("unshare")


@pytest.fixture
def data(sandbox: Sandbox, tmp_path: Path) -> Path:
    """A mounted file system whose name has a blank."""
    path = tmp_path / "da ta"
    path.mkdir()
    sandbox.do("mount", "-t", "tmpfs", "-o", "noexec,nosuid,size=1m", "scratch", str(path))
    return path


def test_healthy_mount(sandbox: Sandbox, data: Path) -> None:
    values = {"device": "scratch", "filesystem": "tmpfs", "options": ["rw", "noexec"]}
    assert problems(sandbox.way, f"mount:{data}", **values) == []


def test_missing_mount(sandbox: Sandbox, data: Path) -> None:
    sandbox.do("umount", str(data))
    assert problems(sandbox.way, f"mount:{data}", options=["noexec"]) == [
        f"nothing is mounted there ({BASELINE}:1)"
    ]


def test_option_that_was_remounted_away(sandbox: Sandbox, data: Path) -> None:
    sandbox.do("mount", "-o", "remount,exec,ro", str(data))
    found = problems(sandbox.way, f"mount:{data}", options=["rw", "noexec"])
    assert [text.partition(" (")[0] for text in found] == [
        "option rw is missing",
        "option noexec is missing",
    ]
    assert "(mounted with ro,nosuid," in found[0]


def test_other_device_and_file_system(sandbox: Sandbox, data: Path) -> None:
    assert problems(sandbox.way, f"mount:{data}", device="/dev/sdb1", filesystem="ext4") == [
        f"device is scratch, expected /dev/sdb1 ({BASELINE}:2)",
        f"filesystem is tmpfs, expected ext4 ({BASELINE}:3)",
    ]


def test_mount_on_top_of_a_mount_is_what_counts(sandbox: Sandbox, data: Path) -> None:
    sandbox.do("mount", "-t", "tmpfs", "cover", str(data))
    assert problems(sandbox.way, f"mount:{data}", device="scratch") == [
        f"device is cover, expected scratch ({BASELINE}:2)"
    ]


def test_hidden_mount_table_is_unknown(sandbox: Sandbox) -> None:
    way = Way(*sandbox.enter, "unshare", "-m", "sh", "-c", 'mount -t tmpfs p /proc; exec "$@"', "-")
    with pytest.raises(CannotLookError, match="/proc/mounts"):
        item(way, "mount:/data").read()


def test_setting_of_the_kernel(sandbox: Sandbox) -> None:
    assert problems(sandbox.way, "sysctl:net.ipv4.ip_forward", value=0) == []


def test_setting_changed_by_hand(sandbox: Sandbox) -> None:
    sandbox.do("sysctl", "-w", "net.ipv4.ip_forward=1")
    assert problems(sandbox.way, "sysctl:net.ipv4.ip_forward", value=0) == [
        f"value is 1, expected 0 ({BASELINE}:2)"
    ]


def test_blanks_in_a_setting_are_normalised(sandbox: Sandbox) -> None:
    sandbox.do("sysctl", "-w", "net.ipv4.ping_group_range=5 9")
    assert problems(sandbox.way, "sysctl:net.ipv4.ping_group_range", value="5   9") == []


def test_interface_with_a_dot_is_written_with_slashes(sandbox: Sandbox) -> None:
    sandbox.do("ip", "link", "add", "lan.7", "type", "veth")
    assert problems(sandbox.way, "sysctl:net/ipv4/conf/lan.7/forwarding", value=0) == []


def test_unknown_setting_is_a_fault(sandbox: Sandbox) -> None:
    assert problems(sandbox.way, "sysctl:net.ipv4.ip_forwrad", value=1) == [
        "the kernel does not know this setting (/proc/sys/net/ipv4/ip_forwrad), expected 1 "
        f"({BASELINE}:2)"
    ]


def test_setting_without_a_sysctl_command(sandbox: Sandbox, tmp_path: Path) -> None:
    for tool in ("cat", "uname", "sh", "ls"):
        (tmp_path / tool).symlink_to(f"/bin/{tool}")
    script = 'mount -t tmpfs t /usr/sbin && exec env "PATH=$0" "$@"'
    way = Way(*sandbox.enter, "unshare", "-m", "sh", "-c", script, str(tmp_path))
    assert problems(way, "sysctl:net.ipv4.ip_forward", value=1) == [
        f"value is 0, expected 1 ({BASELINE}:2)"
    ]


def test_kernel_settings_that_are_hidden_are_unknown(sandbox: Sandbox) -> None:
    way = Way(*sandbox.enter, "unshare", "-m", "sh", "-c", 'mount -t tmpfs p /proc; exec "$@"', "-")
    with pytest.raises(CannotLookError, match="/proc/sys is not there"):
        item(way, "sysctl:net.ipv4.ip_forward", value=1).read()


def test_setting_that_may_not_be_read_is_unknown(as_nobody: Way) -> None:
    with pytest.raises(CannotLookError, match="ermission denied"):
        item(as_nobody, "sysctl:kernel.cad_pid", value=1).read()

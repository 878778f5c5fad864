"""What is asked together is what each command says by itself: on Debian, on BusyBox and with rpm."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from pytest_ddd.connections import Completed, Connections
from pytest_ddd.connections.together import held, holding, let_go
from pytest_ddd.probes.usage.file_system_usage import asking
from tests.support.sshd import needs
from tests.unit.connections.alone import Root, same

FILES = [
    f"{shape} {path}".replace(" @", "")
    for path in ("/etc/passwd", "/etc", "/etc/mtab", "/no/such")
    for shape in (
        *(f"stat -Lc %{letter}" for letter in "UGugas"),
        *(f"test -{letter}" for letter in "eLfdr"),
        "LC_ALL=C ls -d --",
        "LC_ALL=C test -r",
    )
] + [f"sha256sum {path} | cut -d ' ' -f 1" for path in ("/etc/passwd", "/etc", "/no/such")]
KERNEL = [
    f"{tool} -n {key}"
    for tool in ("/usr/sbin/sysctl", "/bin/sysctl")
    for key in (
        *("kernel.ostype", "net.ipv4.tcp_rmem", "kernel.printk", "kernel.core_pattern"),
        *("no.such", "kernel", "net.ipv4.route.flush"),
    )
]
SYSTEM = [
    *("uname -s", "uname -m", "cat /proc/sys/kernel/ostype", "command -v sh", "command -v nope"),
    asking("/proc"),
]
MARK = "echo '-- ddd --'"
TEXTS = [
    "cat /etc/passwd",
    "cat /proc/version",
    f"cat /proc/filesystems && {MARK} && cat /proc/sys/kernel/ostype",
    f"cat /proc/version && {MARK} && {{ cat /etc/gone 2>/dev/null || true; }}",
    f"cat /etc/passwd && {{ cat /etc/passwd 2>/dev/null || true; }} && {MARK}",
]
DPKG = [
    f"{head} -W {name}"
    for name in ("bash", "coreutils", "no-such-package")
    for head in (
        "dpkg-query -f '${Status}'",
        "dpkg-query -f '${Status} ${Version}'",
        r"LC_ALL=C dpkg-query -f '${db:Status-Abbrev}|${Architecture}|${Version}\n'",
    )
]
RPM = [
    f"{head} {name}{tail}"
    for name in ("sample", "twice", "no-such-package")
    for head, tail in (
        ("rpm -q --quiet", " 2>&1"),
        ('rpm -q --queryformat="%{VERSION}"', ""),
        ('rpm -q --queryformat="%{RELEASE}"', ""),
    )
]
SPEC = """\
Name: {name}
Version: {version}
Release: 3
Summary: a package
License: MIT
BuildArch: noarch
%description
A package.
%files
"""


@pytest.fixture
def rpm_host(tmp_path: Path) -> Root:
    """This machine with a database of rpm's own, and without dpkg."""
    (tmp_path / "bin").mkdir()
    for name in ("sh", "rpm", "cut", "cat", "uname", "stat", "ls", "sha256sum"):
        (tmp_path / "bin" / name).symlink_to(shutil.which(name) or "")
    (tmp_path / ".rpmmacros").write_text(f"%_dbpath {tmp_path}/db\n%_topdir {tmp_path}/build\n")
    env = {**os.environ, "HOME": str(tmp_path)}
    for name, version in (("sample", "1.2"), ("twice", "1"), ("twice", "2")):
        spec = tmp_path / f"{name}-{version}.spec"
        spec.write_text(SPEC.format(name=name, version=version))
        subprocess.run(["rpmbuild", "--quiet", "-bb", str(spec)], check=True, env=env)
        made = f"{tmp_path}/build/RPMS/noarch/{name}-{version}-3.noarch.rpm"
        force = ["--nodeps", "--force", "--justdb"]
        subprocess.run(["rpm", "-i", *force, made], check=True, env=env)
    return Root(env={"PATH": str(tmp_path / "bin"), "HOME": str(tmp_path)})


def test_debian() -> None:
    """Files, checksums, packages and kernel settings of this machine."""
    commands = [*FILES, *SYSTEM, *TEXTS, *DPKG, *(one for one in KERNEL if "/usr" in one)]

    answered = same(Root(), commands)

    failing = {one for one in commands if "no-such" in one or "no.such" in one}
    failing |= {
        one
        for one in commands
        if "/no/such" in one and not one.startswith(("test", "LC_ALL=C test"))
    }
    failing |= {"sha256sum /etc | cut -d ' ' -f 1"}
    failing |= {f"/usr/sbin/sysctl -n {key}" for key in ("kernel", "net.ipv4.route.flush")}
    assert set(commands) - answered == failing


@needs("busybox", "unshare")
def test_busybox(busybox: Root) -> None:
    """A root that has no package manager and BusyBox's own stat, ls and sysctl."""
    settings = [one for one in KERNEL if "/bin" in one]
    answered = same(busybox, [*FILES, *SYSTEM, *TEXTS, *DPKG, *settings])

    assert {*TEXTS, *settings[:3]} <= answered
    assert {"stat -Lc %a /etc/passwd", "sha256sum /etc/passwd | cut -d ' ' -f 1"} <= answered
    assert not any(one.startswith("dpkg-query") for one in answered)


@needs("rpmbuild")
def test_rpm(rpm_host: Root) -> None:
    """A package, one that is there twice, and one that is not there."""
    answered = same(rpm_host, [*RPM, *SYSTEM])

    assert {one for one in RPM if "no-such" not in one} <= answered
    assert not any("no-such" in one for one in answered)


def test_names_that_a_shell_would_read_go_alone() -> None:
    """A blank, a quote or a dollar in a name keeps its command out of the families."""
    commands = [
        "stat -Lc %U '/etc/a b'",
        "test -f '/etc/$(id)'",
        "sha256sum '/a' | cut -d ' ' -f 1",
    ]

    assert same(Root(), commands) == set(commands)


def test_output_without_a_line_end_is_exact() -> None:
    """What a command prints is not changed by what stands before and after it."""
    commands = ["printf 'no end'", "printf '\\n\\n'", "printf 'a' >&2; exit 7", "cat /dev/stdin"]

    assert same(Root(), commands) == set(commands)


def test_a_command_that_leaves_is_alone_in_leaving() -> None:
    """`exit` and `cd` of one command change nothing for the next."""
    assert same(Root(), ["exit 3", "cd / && pwd", "pwd"]) == {"exit 3", "cd / && pwd", "pwd"}


def _answer(text: bytes) -> Completed:
    return Completed(command="echo", exit_status=0, stdout=text, stderr=b"", took_s=0.0)


@pytest.mark.parametrize(
    ("repeatable", "before", "expected"),
    [
        (True, lambda: None, b"held\n"),
        (False, lambda: None, b"live\n"),
        (True, let_go, b"live\n"),
    ],
    ids=["reads", "may change", "let go"],
)
def test_only_a_read_takes_what_is_held(
    here: Connections, repeatable: bool, before: Callable[[], None], expected: bytes
) -> None:
    """A command of a user's check always runs."""
    session = here.session("here")

    with holding(session, {"echo live": _answer(b"held\n")}):
        before()
        done = session.run("echo live", repeatable=repeatable)

    assert done.stdout == expected


def test_a_held_answer_is_taken_once(here: Connections) -> None:
    """A look that asks twice means to see whether something changed."""
    session = here.session("here")

    with holding(session, {"echo live": _answer(b"held\n")}):
        answers = [session.run("echo live", repeatable=True).stdout for _ in range(2)]

    assert answers == [b"held\n", b"live\n"]


def test_answers_of_one_host_are_not_anothers() -> None:
    """What is held for one session says nothing of another one."""
    with holding("web1", {"uname -m": _answer(b"x")}):
        assert held("web2", "uname -m") is None

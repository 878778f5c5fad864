"""What is asked together is what each command says by itself: on Debian, on BusyBox and with rpm."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from pytest_ddd.connections import Completed, Connections, parse_hostspec
from pytest_ddd.connections.together import held, holding, let_go, together
from tests.support.sshd import needs

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
    for tool in ("/usr/sbin/sysctl", "/sbin/sysctl")
    for key in ("kernel.ostype", "net.ipv4.tcp_rmem", "kernel.printk", "no.such")
]
SYSTEM = ["uname -s", "uname -m", "cat /proc/sys/kernel/ostype", "command -v sh", "command -v nope"]
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


@dataclass
class Root:
    """Runs commands as a session does, on another root or with another environment."""

    prefix: tuple[str, ...] = ()
    env: dict[str, str] = field(default_factory=dict)

    def run(
        self, command: str, *, timeout_s: float, stdin: bytes = b"", repeatable: bool = True
    ) -> Completed:
        done = subprocess.run(
            [*self.prefix, "/bin/sh", "-c", command],
            input=stdin,
            capture_output=True,
            timeout=timeout_s,
            check=False,
            env={"PATH": os.environ["PATH"], "LC_ALL": "C", **self.env},
        )
        return Completed(
            command=command,
            exit_status=done.returncode,
            stdout=done.stdout,
            stderr=done.stderr,
            took_s=0.0,
        )


@pytest.fixture
def busybox(tmp_path: Path) -> Root:
    """A root with nothing but BusyBox."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc" / "passwd").write_text("root:x:0:0::/:/bin/sh\n")
    (tmp_path / "etc" / "mtab").symlink_to("../proc/self/mounts")
    (tmp_path / "proc" / "sys" / "kernel").mkdir(parents=True)
    (tmp_path / "proc" / "sys" / "kernel" / "ostype").write_text("Linux\n")
    (tmp_path / "dev").mkdir()
    (tmp_path / "dev" / "null").touch()
    shutil.copy(shutil.which("busybox") or "", tmp_path / "bin" / "busybox")
    (tmp_path / "dev" / "stdin").symlink_to("../in")
    for name in ("sh", "stat", "sha256sum", "cut", "ls", "uname", "cat", "sysctl"):
        (tmp_path / "bin" / name).symlink_to("busybox")
    prefix = ("unshare", "-m", "sh", "-c")
    enter = f'mount -t proc proc {tmp_path}/proc && mount --bind /dev {tmp_path}/dev && exec /usr/sbin/chroot {tmp_path} "$@"'
    return Root(prefix=(*prefix, enter, "sh"), env={"PATH": "/bin"})


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


def _same(root: Root, commands: list[str]) -> set[str]:
    """Hold what is asked together against what each says alone; return what was answered."""
    answers = together(root, commands)
    for command, answer in answers.items():
        alone = root.run(command, timeout_s=30.0)
        assert (answer.exit_status, answer.stdout, answer.stderr) == (
            alone.exit_status,
            alone.stdout,
            alone.stderr,
        ), command
    return set(answers)


def test_debian() -> None:
    """Files, checksums, packages and kernel settings of this machine."""
    commands = [*FILES, *SYSTEM, *DPKG, *(one for one in KERNEL if "/usr" in one)]

    answered = _same(Root(), commands)

    failing = {one for one in commands if "no-such" in one or "no.such" in one}
    failing |= {
        one
        for one in commands
        if "/no/such" in one and not one.startswith(("test", "LC_ALL=C test"))
    }
    failing |= {"sha256sum /etc | cut -d ' ' -f 1"}
    assert set(commands) - answered == failing


@needs("busybox", "unshare")
def test_busybox(busybox: Root) -> None:
    """A root that has no package manager and BusyBox's own stat, ls and sysctl."""
    answered = _same(busybox, [*FILES, *SYSTEM, *DPKG])

    assert {"stat -Lc %a /etc/passwd", "sha256sum /etc/passwd | cut -d ' ' -f 1"} <= answered
    assert not any(one.startswith("dpkg-query") for one in answered)


@needs("rpmbuild")
def test_rpm(rpm_host: Root) -> None:
    """A package, one that is there twice, and one that is not there."""
    answered = _same(rpm_host, [*RPM, *SYSTEM])

    assert {one for one in RPM if "no-such" not in one} <= answered
    assert not any("no-such" in one for one in answered)


STUB = """\
#!/bin/sh
verb=$1; shift; status=0
for name do
  case $verb in
  show) [ "$more" ] && echo; more=1
        printf 'Id=%s.service\\nNames=%s.service alias-%s.service\\nMainPID=7\\n' "$name" "$name" "$name" ;;
  is-enabled)
        case $name in
        --) ;;
        on*) echo enabled ;;
        off*) echo disabled; status=1 ;;
        *) echo "Failed to get unit file state for $name" >&2; status=1 ;;
        esac ;;
  esac
done
exit $status
"""


@pytest.mark.parametrize(
    ("names", "answered"),
    [(("on", "off"), 4), (("on", "off", "gone"), 3)],
    ids=["all known", "one unknown"],
)
def test_systemctl(tmp_path: Path, names: tuple[str, ...], answered: int) -> None:
    """Units by their place in the answer; where one is missing, nobody's place is believed."""
    (tmp_path / "systemctl").write_text(STUB)
    (tmp_path / "systemctl").chmod(0o755)
    root = Root(env={"PATH": f"{tmp_path}:{os.environ['PATH']}"})
    commands = [
        *(f"systemctl show {name}" for name in names),
        *(f"LC_ALL=C systemctl is-enabled -- {name}" for name in names),
    ]

    assert len(_same(root, commands)) == answered


def test_names_that_a_shell_would_read_go_alone() -> None:
    """A blank, a quote or a dollar in a name keeps its command out of the families."""
    commands = [
        "stat -Lc %U '/etc/a b'",
        "test -f '/etc/$(id)'",
        "sha256sum '/a' | cut -d ' ' -f 1",
    ]

    assert _same(Root(), commands) == set(commands)


def test_output_without_a_line_end_is_exact() -> None:
    """What a command prints is not changed by what stands before and after it."""
    commands = ["printf 'no end'", "printf '\\n\\n'", "printf 'a' >&2; exit 7", "cat /dev/stdin"]

    assert _same(Root(), commands) == set(commands)


def test_a_command_that_leaves_is_alone_in_leaving() -> None:
    """`exit` and `cd` of one command change nothing for the next."""
    assert _same(Root(), ["exit 3", "cd / && pwd", "pwd"]) == {"exit 3", "cd / && pwd", "pwd"}


@pytest.fixture
def here() -> Iterator[Connections]:
    connections = Connections({"here": parse_hostspec("local://", name="here")})
    yield connections
    connections.close()


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

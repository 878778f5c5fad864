"""What is asked together is what each command says by itself: on Debian, on BusyBox and with rpm."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from pytest_ddd.connections import Completed, Connections, parse_hostspec
from pytest_ddd.connections.families.systemd import main_process
from pytest_ddd.connections.together import held, holding, let_go, together
from tests.support.sshd import needs, until

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
    for name in ("sh", "stat", "sha256sum", "cut", "ls", "uname", "cat", "sysctl", "readlink"):
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
    commands = [*FILES, *SYSTEM, *TEXTS, *DPKG, *(one for one in KERNEL if "/usr" in one)]

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
    answered = _same(busybox, [*FILES, *SYSTEM, *TEXTS, *DPKG])

    assert set(TEXTS) <= answered
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
        printf 'MainPID=%s\\nId=%s.service\\n' "$(cat "$0.$name" 2>/dev/null || echo 0)" "$name"
        printf 'Names=%s.service alias-%s.service\\n' "$name" "$name" ;;
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


@pytest.mark.parametrize(
    ("text", "answered"),
    [(b"no end", True), (b"", True), (b"\n\n\xff\r\0", True), (b"- %s -", False)],
    ids=["no end", "empty", "no text", "holds what stands between two"],
)
@needs("unshare")
def test_a_text_is_told_to_the_byte(tmp_path: Path, text: bytes, answered: bool) -> None:
    """What stands between two texts is none of them; where it is, nobody's place is believed."""
    boot = Path("/proc/sys/kernel/random/boot_id").read_bytes()
    (tmp_path / "odd").write_bytes(text.replace(b"%s", boot))
    bind = f'mount --bind {tmp_path}/odd /etc/fstab && exec "$@"'
    commands = ["cat /proc/version", "cat /etc/fstab", "cat /etc/passwd"]

    told = _same(Root(prefix=("unshare", "-m", "sh", "-c", bind, "sh")), commands)

    assert told == (set(commands) if answered else set())


def test_texts_are_left_out_when_one_cannot_be_read() -> None:
    """Half a text looks like a whole one."""
    assert _same(Root(), ["cat /proc/version", "cat /proc/self/mem", "echo x"]) == {"echo x"}


def _sleeping() -> subprocess.Popen[bytes]:
    process = subprocess.Popen(["sleep", "600"])
    state = Path(f"/proc/{process.pid}/stat")
    assert until(lambda: state.read_text().split()[1:3] == ["(sleep)", "S"])
    return process


@pytest.fixture
def sleeping() -> Iterator[list[str]]:
    """The numbers of two processes that wait, so that their state stays what it is."""
    processes = [_sleeping(), _sleeping()]
    yield [str(process.pid) for process in processes]
    for process in processes:
        process.kill()
        process.wait()


def _systemd(folder: Path, pids: Mapping[str, str]) -> list[str]:
    """Write a systemctl that knows these units; return what asks for them."""
    (folder / "systemctl").write_text(STUB)
    (folder / "systemctl").chmod(0o755)
    for name, pid in pids.items():
        (folder / f"systemctl.{name}").write_text(pid)
    return [f"systemctl show {name}" for name in pids]


WEAK = ("setpriv", "--bounding-set", "-all")


@pytest.mark.parametrize("prefix", [(), WEAK], ids=["root", "weak"])
@needs("unshare")
def test_main_processes(tmp_path: Path, sleeping: list[str], prefix: tuple[str, ...]) -> None:
    """State and program of each unit's process come along; without privileges the program is not seen."""
    pids = dict(
        zip(("a", "b", "gone", "odd", "off"), [*sleeping, "4194305", "1x", "0"], strict=True)
    )
    commands = _systemd(tmp_path, {**pids, "again": sleeping[0]})
    root = Root(prefix=prefix, env={"PATH": f"{tmp_path}:{os.environ['PATH']}"})

    answered = _same(root, commands)

    assert answered == {*commands, *map(main_process, sleeping)}


@needs("busybox", "unshare")
@pytest.mark.parametrize("count", [1, 2])
def test_main_processes_on_busybox(
    tmp_path: Path, busybox: Root, sleeping: list[str], count: int
) -> None:
    """A readlink for one link at a time tells of one process, and of no other."""
    commands = _systemd(tmp_path / "bin", dict(zip("ab", sleeping[:count], strict=False)))

    answered = _same(busybox, commands)

    assert set(commands) <= answered
    assert count > 1 or main_process(sleeping[0]) in answered


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

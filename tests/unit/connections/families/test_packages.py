"""Packages: what is read in dpkg's status is what dpkg-query says, or dpkg-query says it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from pytest_ddd.connections.together import together
from tests.support.sshd import needs
from tests.unit.connections.alone import Root, same

pytestmark = needs("unshare")

FORMATS = ("${Status}", "${Status} ${Version}", r"${db:Status-Abbrev}|${Architecture}|${Version}\n")
INSTALLED = "install ok installed"


def stanza(name: str, status: str = INSTALLED, version: str = "1.0-1", arch: str = "amd64") -> str:
    """What dpkg keeps of a package; its description looks like fields and like another package."""
    multi = "" if arch == "all" else "Multi-Arch: same\n"
    return (
        f"Package: {name}\nStatus: {status}\nPriority: optional\nMaintainer: Nobody <no@example.org>\n"
        f"Architecture: {arch}\n{multi}Version: {version}\n"
        "Conffiles:\n /etc/fake 0123456789abcdef0123456789abcdef\n"
        "Description: a package\n Version: 9\n .\n Package: bash\n\n"
    )


class Dpkg(Root):
    """This machine with another /var/lib/dpkg, and a dpkg-query that notes that it was asked."""

    def __init__(self, base: Path, *stanzas: str, update: str = "", awk: bool = True) -> None:
        self.notes = base / "asked"
        admin = base / "dpkg"
        for name in ("info", "updates", "triggers"):
            (admin / name).mkdir(parents=True)
        (admin / "status").write_text("".join([*stanzas, stanza("zlib1g")]))
        (admin / "available").touch()
        if update:
            (admin / "updates" / "0000").write_text(update.removesuffix("\n"))
        programs = base / "bin"
        programs.mkdir()
        for name in ("sh", "cat", "uname", *(("awk",) if awk else ())):
            (programs / name).symlink_to(shutil.which(name) or "")
        noting = f'#!/bin/sh\necho asked >>{self.notes}\nexec {shutil.which("dpkg-query")} "$@"\n'
        (programs / "dpkg-query").write_text(noting)
        (programs / "dpkg-query").chmod(0o755)
        mount = shutil.which("mount")
        enter = f'{mount} --bind {admin} /var/lib/dpkg && PATH={programs} exec "$@"'
        super().__init__(
            prefix=("unshare", "-m", "/bin/sh", "-c", enter, "sh"), env={"PATH": os.environ["PATH"]}
        )

    @property
    def asked(self) -> int:
        """How often dpkg-query was asked."""
        return len(self.notes.read_text().splitlines()) if self.notes.exists() else 0


def asking(*names: str) -> list[str]:
    """What testinfra and we ask about packages."""
    return [f"dpkg-query -f '{form}' -W {name}" for name in names for form in FORMATS]


def test_installed_packages_are_read_without_dpkg_query(tmp_path: Path) -> None:
    """Names with signs, held ones, any version; and nothing is taken from a description."""
    root = Dpkg(
        tmp_path,
        stanza("bash", version="1:5.2~rc1-2+b8"),
        stanza("g++", "hold ok installed", "4:12.2.0-3"),
        stanza("libfoo1.2", arch="all"),
        stanza("libfoo1x2", version="7"),
    )
    commands = asking("bash", "g++", "libfoo1.2")

    answers = together(root, commands)

    assert root.asked == 0
    assert set(answers) == set(commands)
    assert same(root, commands) == set(commands)


@pytest.mark.parametrize(
    ("stanzas", "update"),
    [
        ([stanza("bash", "deinstall ok config-files")], ""),
        ([stanza("bash", "install reinstreq half-installed")], ""),
        ([stanza("bash", "install ok unpacked")], ""),
        ([stanza("bash", "purge ok installed")], ""),
        ([stanza("bash"), stanza("bash", version="2.0-1", arch="i386")], ""),
        ([stanza("bash")], stanza("bash", version="2.0-1")),
        ([stanza("bash")], stanza("bash", "deinstall ok config-files")),
    ],
    ids=["removed", "half installed", "unpacked", "to go", "twice", "updated", "just removed"],
)
def test_anything_else_is_said_by_dpkg_query(
    tmp_path: Path, stanzas: list[str], update: str
) -> None:
    """What dpkg is doing, has half done, or knows of twice."""
    root = Dpkg(tmp_path, *stanzas, stanza("other"), update=update)
    commands = asking("bash", "other")

    answers = together(root, commands)

    assert root.asked == 1
    assert set(answers) == set(commands)
    assert same(root, commands) == set(commands)


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: text.replace("Multi-Arch: same", "garbage", 1),
        lambda text: f"a line of its own\n\n{text}",
        lambda text: text.replace("Maintainer", "\x01\x02", 1),
        lambda text: text.partition("Package: zlib1g")[0].rpartition("-1\nConffiles")[0],
        lambda text: text.partition("Package: zlib1g")[0].rstrip("\n"),
    ],
    ids=["a line", "a paragraph", "bytes", "cut in a version", "cut at the end"],
)
def test_a_damaged_status_is_no_answer_of_awk(tmp_path: Path, damage: Callable[[str], str]) -> None:
    """Also for packages that stand whole in it: dpkg-query decides what is to be believed."""
    root = Dpkg(tmp_path, stanza("other"), stanza("bash"))
    file = tmp_path / "dpkg" / "status"
    file.write_text(damage(file.read_text()))

    answers = together(root, asking("bash"))

    assert root.asked == 1
    alone = root.run("dpkg-query -f '${Status}' -W bash", timeout_s=30.0)
    assert bool(answers) == (alone.exit_status == 0)


def test_a_package_that_is_not_there_is_asked_for_alone(tmp_path: Path) -> None:
    """The others are answered by the one dpkg-query that missed it."""
    root = Dpkg(tmp_path, stanza("bash"))

    assert same(root, asking("bash", "gone")) == set(asking("bash"))


def test_a_host_without_awk_has_dpkg_query(tmp_path: Path) -> None:
    """As BusyBox without that applet."""
    root = Dpkg(tmp_path, stanza("bash"), awk=False)
    commands = asking("bash")

    assert set(together(root, commands)) == set(commands)
    assert root.asked == 1


def test_another_database_is_read_by_dpkg_query(tmp_path: Path) -> None:
    """Where the environment names one, the usual file says nothing."""
    root = Dpkg(tmp_path, stanza("bash"))
    other = tmp_path / "other"
    (other / "info").mkdir(parents=True)
    (other / "updates").mkdir()
    (other / "status").write_text(stanza("bash", version="2.0-1"))
    root.env["DPKG_ADMINDIR"] = str(other)
    command = "dpkg-query -f '${Version}' -W bash"

    assert same(root, [command]) == {command}
    assert together(root, [command])[command].stdout == b"2.0-1"


def test_a_format_that_nobody_knows_is_asked_for_alone(tmp_path: Path) -> None:
    """A field that the one question does not ask for is not printed as its name."""
    root = Dpkg(tmp_path, stanza("bash"))

    assert together(root, ["dpkg-query -f '${Maintainer}' -W bash"]) == {}

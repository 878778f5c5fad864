"""Packages in every state that dpkg knows, made by dpkg itself in a database of the test's own."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from pytest_ddd.errors import CannotLookError
from tests.unit.probes.drift.sandbox import BASELINE, Way, item, problems

pytestmark = pytest.mark.needs("unshare")


class Dpkg:
    """A package database below a directory, and packages built for it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        (root / "var/lib/dpkg/info").mkdir(parents=True)
        (root / "var/lib/dpkg/updates").mkdir()
        (root / "var/lib/dpkg/status").touch()
        self.way = Way("env", f"DPKG_ADMINDIR={root}/var/lib/dpkg")

    def build(self, version: str, *, architecture: str = "all", postinst: str = "") -> Path:
        tree = self.root / f"tree-{version}-{architecture}"
        (tree / "DEBIAN").mkdir(parents=True)
        (tree / "etc").mkdir()
        (tree / f"etc/tiny-{architecture}.conf").write_text("x\n")
        (tree / "DEBIAN/conffiles").write_text(f"/etc/tiny-{architecture}.conf\n")
        (tree / "DEBIAN/control").write_text(
            f"Package: tiny\nVersion: {version}\nArchitecture: {architecture}\n"
            f"Multi-Arch: {'foreign' if architecture == 'all' else 'same'}\nMaintainer: nobody <n@example.org>\nDescription: tiny\n"
        )
        if postinst:
            (tree / "DEBIAN/postinst").write_text(f"#!/bin/sh\n{postinst}\n")
            (tree / "DEBIAN/postinst").chmod(0o755)
        deb = tree.with_name(f"{tree.name}.deb")
        subprocess.run(["dpkg-deb", "-b", tree, deb], check=True, capture_output=True)
        return deb

    def do(self, *words: str | Path) -> None:
        force = "--force-not-root,script-chrootless,architecture,bad-path"
        options = [f"--root={self.root}", force, "--log=/dev/null"]
        subprocess.run(["dpkg", *options, *words], check=False, capture_output=True)


@pytest.fixture
def dpkg(tmp_path: Path) -> Dpkg:
    return Dpkg(tmp_path)


def test_installed_package_of_the_exact_version(dpkg: Dpkg) -> None:
    dpkg.do("-i", dpkg.build("1:1.2-3"))
    assert problems(dpkg.way, "package:tiny", version="1:1.2-3") == []


@pytest.mark.parametrize("pattern", ["1.2-*", "1:1.*", "1.2-3"])
def test_version_by_glob_or_without_epoch(dpkg: Dpkg, pattern: str) -> None:
    dpkg.do("-i", dpkg.build("1:1.2-3"))
    assert problems(dpkg.way, "package:tiny", version=pattern) == []


def test_downgrade_names_both_versions(dpkg: Dpkg) -> None:
    dpkg.do("-i", dpkg.build("1.3"))
    dpkg.do("-i", dpkg.build("1.2"))
    assert problems(dpkg.way, "package:tiny", version="1.3") == [
        f"version is 1.2, expected 1.3 ({BASELINE}:2)"
    ]


def test_package_that_was_never_there(dpkg: Dpkg) -> None:
    assert problems(dpkg.way, "package:tiny") == [
        f"is not installed, expected installed ({BASELINE}:1)"
    ]


def test_removed_package_with_its_configuration_left(dpkg: Dpkg) -> None:
    dpkg.do("-i", dpkg.build("1.2"))
    dpkg.do("-r", "tiny")
    assert problems(dpkg.way, "package:tiny") == [
        f"is removed, its configuration files are still there, expected installed ({BASELINE}:1)"
    ]


def test_removed_package_is_absent(dpkg: Dpkg) -> None:
    dpkg.do("-i", dpkg.build("1.2"))
    dpkg.do("-r", "tiny")
    assert problems(dpkg.way, "package:tiny", installed=False) == []


def test_package_that_should_be_absent(dpkg: Dpkg) -> None:
    dpkg.do("-i", dpkg.build("1.2"))
    assert problems(dpkg.way, "package:tiny", installed=False) == [
        f"is installed (1.2), expected absent ({BASELINE}:2)"
    ]


def test_unpacked_package(dpkg: Dpkg) -> None:
    dpkg.do("--unpack", dpkg.build("1.2"))
    assert problems(dpkg.way, "package:tiny") == [
        f"is unpacked, never configured, expected installed ({BASELINE}:1)"
    ]


def test_half_configured_package(dpkg: Dpkg) -> None:
    dpkg.do("-i", dpkg.build("1.2", postinst="exit 1"))
    assert problems(dpkg.way, "package:tiny") == [
        f"is half-configured, expected installed ({BASELINE}:1)"
    ]


def test_held_package_is_installed(dpkg: Dpkg) -> None:
    dpkg.do("-i", dpkg.build("1.2"))
    subprocess.run(
        ["dpkg", f"--root={dpkg.root}", "--set-selections"], input=b"tiny hold\n", check=True
    )
    assert problems(dpkg.way, "package:tiny", version="1.2") == []


def test_package_of_two_architectures_is_installed(dpkg: Dpkg) -> None:
    for architecture in ("amd64", "i386"):
        subprocess.run(
            ["dpkg", f"--root={dpkg.root}", "--add-architecture", architecture], check=True
        )
        dpkg.do("-i", dpkg.build("1.2", architecture=architecture))
    assert item(dpkg.way, "package:tiny", version="1.2").read().readings[1].value == "1.2, 1.2"


def test_broken_database_is_unknown(dpkg: Dpkg) -> None:
    (dpkg.root / "var/lib/dpkg/status").write_text("Package: tiny\nStatus: nonsense\n\n")
    with pytest.raises(CannotLookError, match="dpkg-query"):
        item(dpkg.way, "package:tiny").read()


def test_host_without_a_package_manager_is_unknown(tmp_path: Path) -> None:
    way = _without_tools(tmp_path, "dpkg-query")
    with pytest.raises(CannotLookError, match="127"):
        item(way, "package:dpkg").read()


def _without_tools(directory: Path, *missing: str) -> Way:
    """A way in whose PATH some tools are not there."""
    tools = directory / "bin"
    tools.mkdir()
    for tool in Path("/usr/bin").iterdir():
        if tool.name not in missing:
            (tools / tool.name).symlink_to(tool)
    return Way("env", f"PATH={tools}")

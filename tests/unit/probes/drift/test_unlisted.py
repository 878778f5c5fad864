"""Setuid files, packages and services beyond what the baseline lists."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_ddd.errors import CannotLookError
from pytest_ddd.probes.configuration import DriftItem
from pytest_ddd.probes.drift.ways import Ways
from tests.unit.probes.drift.sandbox import Sandbox, Way, beside, declared, item

pytestmark = pytest.mark.needs("unshare")


@pytest.fixture
def tree(sandbox: Sandbox, tmp_path: Path) -> Path:
    """A directory with one setuid file that is listed."""
    tree = tmp_path / "tree"
    tree.mkdir()
    (tree / "known").touch()
    (tree / "known").chmod(0o4755)
    (tree / "plain").touch()
    return tree


def setuid(way: Ways, tree: Path, *listed: str) -> DriftItem:
    files = [str(tree / name) for name in listed]
    return item(way, "unlisted:setuid", setuid="red", setuid_paths=[str(tree)], setuid_files=files)


def test_listed_setuid_file_is_not_counted(here: Ways, tree: Path) -> None:
    extra = setuid(here, tree, "known").read().extra
    assert extra is not None
    assert extra.value == 0


@pytest.mark.parametrize("mode", [0o4755, 0o2755, 0o6711])
def test_new_setuid_or_setgid_file(here: Ways, tree: Path, mode: int) -> None:
    (tree / "new").touch()
    (tree / "new").chmod(mode)
    extra = setuid(here, tree, "known").read().extra
    assert extra is not None
    assert (extra.shown, extra.detail) == ("unlisted setuid 1", f"{tree}/new")


def test_file_declared_under_files_is_listed(here: Ways, tree: Path) -> None:
    look = beside([declared(f"file:{tree}/known", mode="4755")], here, "unlisted:setuid", setuid="red", setuid_paths=[str(tree)])  # fmt: skip
    extra = look.read().extra
    assert extra is not None
    assert extra.value == 0


def test_directory_that_is_a_link_is_entered(here: Ways, tree: Path) -> None:
    link = tree.with_name("link")
    link.symlink_to(tree)
    extra = setuid(here, link).read().extra
    assert extra is not None
    assert extra.detail == f"{tree}/known"


def test_file_listed_through_a_link_is_listed(here: Ways, tree: Path) -> None:
    link = tree.with_name("link")
    link.symlink_to(tree)
    extra = setuid(here, link, "known").read().extra
    assert extra is not None
    assert extra.value == 0


def test_directory_that_cannot_be_read_is_unknown(as_nobody: Way, here: Ways) -> None:
    with pytest.raises(CannotLookError, match="Permission denied"):
        item(as_nobody, "unlisted:setuid", setuid="red", setuid_paths=["/etc"]).read()


def test_directories_that_are_not_there_are_unknown(here: Ways, tree: Path) -> None:
    with pytest.raises(CannotLookError, match="none of"):
        setuid(here, tree / "nowhere").read()


def test_unlisted_package_is_counted(here: Ways) -> None:
    listed = [declared("package:dpkg")]
    extra = beside(listed, here, "unlisted:packages", packages="yellow").read().extra
    assert extra is not None
    names = extra.detail.split(", ")
    assert "apt" in names
    assert "dpkg" not in names


def test_unlisted_services_without_systemd_are_unknown(here: Ways) -> None:
    with pytest.raises(CannotLookError, match="systemd does not run"):
        item(here, "unlisted:services", services="red").read()

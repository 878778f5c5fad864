"""Needs are met once, for the selected tests only, or the run ends with exit code 4 and one list."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.lab import bootstrap, kernel
from tests.lab.demand import Missing, catalogue, missing

ROOT = Path(__file__).parents[2]
# A kernel that lacks something, and a machine that lacks a package, told in a conftest.
CONFTEST = """
from tests.lab import demand, kernel, bootstrap
kernel.has = lambda feature: feature not in {lacking!r}
demand.which = lambda binary: None if binary in {absent!r} else "/usr/bin/" + binary
demand.missing.__defaults__ = (demand.which,)
bootstrap.os.geteuid = lambda: 1000
"""
TESTS = """
import pytest
@pytest.mark.needs("restic")
def test_backup(): pass
@pytest.mark.needs("wire")
def test_wire(): pass
@pytest.mark.needs("wire")
def test_wire_again(): pass
def test_plain(): pass
"""


def run_pytest(
    directory: Path,
    *arguments: str,
    lacking: tuple[str, ...] = (),
    absent: tuple[str, ...] = (),
    ci: str = "",
) -> tuple[int, str]:
    (directory / "conftest.py").write_text(CONFTEST.format(lacking=lacking, absent=absent))
    (directory / "test_it.py").write_text(TESTS)
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-p",
        "tests.lab.plugin",
        "-p",
        "no:cacheprovider",
        "-Werror",
        *arguments,
        ".",
    ]
    done = subprocess.run(
        command, cwd=directory, env={**os.environ, "PYTHONPATH": str(ROOT), "CI": ci}, stdin=subprocess.DEVNULL,
        capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    return done.returncode, done.stdout + done.stderr


XDIST = pytest.mark.parametrize("workers", [[], ["-n0"], ["-n2"]], ids=["plain", "n0", "n2"])


@XDIST
def test_missing_package_ends_the_run_with_one_list(tmp_path: Path, workers: list[str]) -> None:
    code, text = run_pytest(tmp_path, *workers, absent=("restic", "nft"))
    assert code == 4
    assert text.count("apt-get install --no-install-recommends nftables restic") == 1
    assert "passed" not in text


@XDIST
def test_only_selected_tests_count(tmp_path: Path, workers: list[str]) -> None:
    code, text = run_pytest(
        tmp_path, *workers, "-k", "plain or backup", absent=("nft",), lacking=("tun",), ci="true"
    )
    assert (code, "2 passed" in text) == (0, True)


@XDIST
def test_kernel_without_a_feature_leaves_tests_out_with_one_line(
    tmp_path: Path, workers: list[str]
) -> None:
    code, text = run_pytest(tmp_path, *workers, lacking=("tun",))
    assert (code, "2 passed" in text, "skipped" in text) == (0, True, False)
    assert text.count("this kernel lacks tun: 2 tests deselected") == 1


@XDIST
def test_kernel_without_a_feature_is_an_error_under_ci(tmp_path: Path, workers: list[str]) -> None:
    code, text = run_pytest(tmp_path, *workers, lacking=("tun",), ci="true")
    assert (code, "this kernel lacks tun" in text) == (4, True)


def test_plain_user_is_told_to_use_root(tmp_path: Path) -> None:
    code, text = run_pytest(tmp_path, lacking=("root",))
    assert (code, "needs root" in text) == (4, True)


def test_unknown_need_is_a_mistake() -> None:
    with pytest.raises(KeyError, match="no-such-thing"):
        missing(["no-such-thing"])


def test_missing_names_each_package_once() -> None:
    lack = missing(
        ["lab"], find=lambda binary: None if binary in {"ssh", "ssh-keygen", "tc"} else binary
    )
    assert lack.apt_packages == ["iproute2", "openssh-client"]


def test_every_kernel_feature_has_a_probe() -> None:
    for features in catalogue().kernel.values():
        for feature in features:
            kernel.has(feature)


def test_policy_is_put_in_place_and_taken_away(tmp_path: Path) -> None:
    policy = tmp_path / "policy-rc.d"
    with bootstrap.no_daemons(policy):
        assert policy.stat().st_mode & 0o111
        assert "exit 101" in policy.read_text()
    assert not policy.exists()


def test_policy_of_the_machine_stays(tmp_path: Path) -> None:
    policy = tmp_path / "policy-rc.d"
    policy.write_text("#!/bin/sh\nexit 0\n")
    with bootstrap.no_daemons(policy):
        assert "exit 0" in policy.read_text()
    assert policy.exists()


def test_install_refuses_without_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(bootstrap.RefusedError, match="not root: run `sudo"):
        bootstrap.install(Missing(packages={"nft": "nftables"}))

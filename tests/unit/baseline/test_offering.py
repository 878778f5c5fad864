"""Names that a shell is offered after --host."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest

from pytest_ddd.baseline.offering import offered
from pytest_ddd.cli.completing import environments
from pytest_ddd.plugin.completing import HostNames


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """One environment with two hosts of a group."""
    (tmp_path / "prod.yaml").write_text(
        "hosts:\n  web1: {connection: 'local://', groups: [web]}\n"
        "  web2: {connection: 'local://', groups: [web]}\ngroups: {web: {}}\n"
    )
    return tmp_path


@pytest.mark.parametrize(
    ("typed", "names"),
    [
        ("", ["all", "prod", "web", "web1", "web2"]),
        ("web", ["web", "web1", "web2"]),
        ("web,!web2", ["web,!web2"]),
        ("db", []),
    ],
)
def test_the_last_name_is_completed(typed: str, names: list[str], root: Path) -> None:
    assert offered(root, typed) == names


def test_without_a_site_nothing_is_offered(tmp_path: Path) -> None:
    nowhere = argparse.Namespace(baselines=tmp_path / "none", ddd_baselines=str(tmp_path / "none"))

    assert HostNames.completer("", nowhere) == []
    assert environments("", nowhere) == []


def test_environments_are_offered_to_validate(root: Path) -> None:
    assert environments("pr", argparse.Namespace(baselines=root)) == ["prod"]
    assert environments("st", argparse.Namespace(baselines=root)) == []

"""Finds the history that a command is about: as pytest finds it in the same directory."""

from __future__ import annotations

import argparse
import configparser
import os
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_ddd.errors import UsageError

if TYPE_CHECKING:
    from pytest_ddd.history.store import Store

_INI = {"pytest.toml": "pytest", ".pytest.toml": "pytest", "pytest.ini": "pytest",
        ".pytest.ini": "pytest", "tox.ini": "pytest", "setup.cfg": "tool:pytest"}  # fmt: skip


def add_history(parser: argparse.ArgumentParser) -> None:
    """Add the option that says where runs are remembered."""
    parser.add_argument(
        "--history",
        default="",
        metavar="URL",
        help="where runs are remembered (default: DDD_HISTORY, ddd_history of the ini file, "
        ".pytest-ddd/history.db)",
    )


def has_history(arguments: argparse.Namespace) -> bool:
    """Whether a history was named, or is where pytest would look for it."""
    from pytest_ddd.history import places

    root = Path.cwd()
    url = history_url(arguments, root)
    return url != "off" and bool(url or (root / places.DIRECTORY / places.FILE_NAME).exists())


def open_history(arguments: argparse.Namespace) -> Store:
    """Open the history that was named, or that pytest would use in this directory.

    Raises:
        UsageError: it is off, or there is none yet.
    """
    from pytest_ddd.history import places
    from pytest_ddd.history.store import Store

    root = Path.cwd()
    url = history_url(arguments, root)
    if url == "off":
        raise UsageError("the history is off here", hint="name one: --history URL")
    if not url and not (root / places.DIRECTORY / places.FILE_NAME).exists():
        raise UsageError(
            f"no history in {places.DIRECTORY}/{places.FILE_NAME}: nothing was run here yet",
            hint="pytest -m daily, or name a history: --history URL",
        )
    return Store.open(url or places.default_url(root), root)


def history_url(arguments: argparse.Namespace, root: Path) -> str:
    """Return what was named, or what pytest would use; empty for the site's own history."""
    return arguments.history or os.environ.get("DDD_HISTORY", "") or _ini(root)


def _ini(root: Path) -> str:
    """Return `ddd_history` of the file that pytest reads its settings from; empty if none."""
    pyproject = root / "pyproject.toml"
    if pyproject.is_file():
        table = tomllib.loads(pyproject.read_text(encoding="utf-8")).get("tool", {})
        table = table.get("pytest", {})
        found = table.get("ddd_history") or table.get("ini_options", {}).get("ddd_history")
        if found:
            return str(found)
    for name, section in _INI.items():
        if (root / name).is_file() and name.endswith((".ini", ".cfg")):
            parser = configparser.ConfigParser(interpolation=None)
            parser.read(root / name, encoding="utf-8")
            if found := parser.get(section, "ddd_history", fallback=""):
                return found
    return ""

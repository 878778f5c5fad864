"""Offers the names that may follow --host to a shell that completes what is typed."""

from __future__ import annotations

from pathlib import Path

from pytest_ddd.baseline.catalogue import Catalogue
from pytest_ddd.errors import DddError


def offered(root: Path, typed: str) -> list[str]:
    """Return what `typed` may become: the last of its comma-separated names is completed.

    Nothing is said of mistakes: a shell has no place for them.
    """
    before, comma, last = typed.rpartition(",")
    sign = "!" * last.startswith("!")
    try:
        catalogue = Catalogue(root)
        names = {*catalogue.environments, *catalogue.names()}
    except DddError:
        return []
    found = sorted(name for name in names if name.startswith(last.removeprefix("!")))
    return [f"{before}{comma}{sign}{name}" for name in found]

"""Write baselines for tests."""

from __future__ import annotations

from pathlib import Path

from pytest_ddd.baseline.fields import Entry
from pytest_ddd.baseline.model import Baseline, Declaration

ROOT = Path("baselines")


def write(files: dict[str, str], root: Path = ROOT) -> Path:
    """Write files below the directory of environments."""
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


def entry(baseline: Baseline, host: str, section: str, key: str) -> Declaration[Entry]:
    """Return the one declaration of that key on a host."""
    (found,) = [each for each in baseline.for_host[host][section] if each.key == key]
    return found


def keys(baseline: Baseline, host: str, section: str) -> list[str]:
    """Return the keys of the declarations of a section on a host."""
    return [each.key for each in baseline.for_host[host].get(section, ())]

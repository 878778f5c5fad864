"""Reads the data files: frameworks, their controls, the checks that give evidence, retention."""

from __future__ import annotations

import difflib
import functools
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from importlib import resources
from typing import Any

FRAMEWORKS = ("PCI", "ISO", "SOC2", "HIPAA", "NIST", "CIS")
"""The name that stands in front of a control's identifier: `PCI 10.4.1`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Control:
    """One control: its name `PCI 10.4.1`, our words for it, and which evidence it asks for.

    `every_days` is how old the latest evidence may be; None where the framework leaves that to
    the organisation.
    """

    name: str
    words: str
    every_days: int | None = None
    checks: tuple[str, ...] = ()
    """Globs over check ids that give evidence for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Framework:
    """One framework, and where and when its identifiers were looked up."""

    name: str
    title: str
    source: str
    verified_on: str
    controls: Mapping[str, Control] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class RetentionRule:
    """How long something has to be kept, or may be kept, according to one clause."""

    name: str
    clause: str
    applies_to: str
    keep_days: int
    hot_days: int | None
    source: str
    verified_on: str
    confidence: str
    """`primary`: read in the text itself; `secondary`: on pages that cite it."""
    note: str = ""


@functools.cache
def framework(name: str) -> Framework | None:
    """Return one of the shipped frameworks."""
    if name not in FRAMEWORKS:
        return None
    data = _read(f"{name.lower()}.toml")
    controls = {
        f"{name} {identifier}": Control(
            name=f"{name} {identifier}",
            words=one["words"],
            every_days=one.get("every_days"),
            checks=tuple(one.get("checks", ())),
        )
        for identifier, one in data["controls"].items()
    }
    return Framework(
        name=name,
        title=data["title"],
        source=data["source"],
        verified_on=str(data["verified_on"]),
        controls=controls,
    )


@functools.cache
def retention_rules() -> Mapping[str, RetentionRule]:
    """Return the shipped retention rules by name."""
    return {
        name: RetentionRule(
            name=name,
            clause=one["clause"],
            applies_to=one["applies_to"],
            keep_days=one["keep_days"],
            hot_days=one.get("hot_days"),
            source=one["source"],
            verified_on=str(one["verified_on"]),
            confidence=one["confidence"],
            note=one.get("note", ""),
        )
        for name, one in _read("retention.toml").items()
    }


def mistake(name: str, own: Iterable[str] = ()) -> str:
    """Return what is wrong with a control's name, with the nearest right one; else nothing.

    Args:
        name: as a marker or a baseline writes it.
        own: names of the site's own controls.
    """
    known = {*own}
    for each in FRAMEWORKS:
        if name.partition(" ")[0].upper() == each or not name.partition(" ")[2]:
            known |= set(_controls_of(each))
    if name in known:
        return ""
    if not known:
        prefixes = ", ".join(FRAMEWORKS)
        return f"no framework of control {name!r} (there is: {prefixes}, and what `controls:` adds)"
    return f"no control {name!r}{nearest(name, known)}"


def nearest(name: str, known: Iterable[str]) -> str:
    """Return `; did you mean 'X'?`, or nothing when nothing comes near."""
    folded = {each.lower(): each for each in sorted(known)}
    close = difflib.get_close_matches(name[:100].lower(), folded, n=1, cutoff=0.5)
    return f"; did you mean {folded[close[0]]!r}?" if close else ""


def of_check(check_id: str, controls: Iterable[Control]) -> tuple[str, ...]:
    """Return the names of the controls that a check gives evidence for."""
    return tuple(
        one.name for one in controls if any(fnmatchcase(check_id, each) for each in one.checks)
    )


def _controls_of(name: str) -> Mapping[str, Control]:
    found = framework(name)
    return found.controls if found is not None else {}


def _read(name: str) -> dict[str, Any]:
    text = resources.files("pytest_ddd.controls").joinpath("data", name).read_text("utf-8")
    return tomllib.loads(text)

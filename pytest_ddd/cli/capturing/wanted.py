"""Read what a user wants captured: `services`, `services:nginx`, `files:/etc/hosts`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pytest_ddd.baseline.sections.configuration import KINDS
from pytest_ddd.baseline.tree import nearest, shown
from pytest_ddd.errors import UsageError

CONFIGURATION = (*KINDS, "unlisted")
SECTIONS = ("thresholds", "logs", "endpoints", "backups")
_AS_IN_REPORTS = {**{one: many for many, one in KINDS.items()}, "threshold": "thresholds"}
_KNOWN = ("configuration", *CONFIGURATION, *SECTIONS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Kinds to look for, and things that were named: kind and name."""

    kinds: tuple[str, ...]
    named: tuple[tuple[str, str], ...]


def read_wanted(words: Sequence[str], *, discover: bool) -> Wanted:
    """Return what the words on the command line mean.

    Args:
        words: kinds, and names as KIND:NAME.
        discover: whether to look for all of a kind; without words, of every kind.

    Raises:
        UsageError: an unknown kind, a kind without `--discover`, or nothing at all.
    """
    named = [_named(word) for word in words if ":" in word]
    kinds = [_kind(word) for word in words if ":" not in word]
    if kinds and not discover:
        raise UsageError(
            f"{kinds[0]} is a kind of thing, not a name",
            hint=f"find all of them: pytest-ddd capture --discover {kinds[0]}",
        )
    if not words and not discover:
        raise UsageError(
            "nothing to capture",
            hint="pytest-ddd capture --discover, or name things: services:nginx files:/etc/hosts",
        )
    if discover and not kinds:
        kinds = [] if named else ["configuration", *SECTIONS]
    every = (each for kind in kinds for each in _expanded(kind))
    return Wanted(kinds=tuple(dict.fromkeys(every)), named=tuple(dict.fromkeys(named)))


def _expanded(kind: str) -> Sequence[str]:
    return CONFIGURATION if kind == "configuration" else (kind,)


def _named(word: str) -> tuple[str, str]:
    kind, _, name = word.partition(":")
    if not name:
        raise UsageError(f"{word} names nothing", hint=f"{word}NAME, or --discover {kind}")
    return _kind(kind), name


def _kind(word: str) -> str:
    kind = _AS_IN_REPORTS.get(word, word)
    if kind not in _KNOWN:
        raise UsageError(f"no kind of thing {shown(word)!r}{nearest(word, _KNOWN)}")
    return kind

"""Says in words what changed since the previous run, for terminal and report alike."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from pytest_ddd.evidence.facts import Change, Changes
from pytest_ddd.outcomes import Outcome
from pytest_ddd.units import format_duration


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Changes of one kind, with what people call it."""

    word: str
    changes: tuple[Change, ...]


def heading(changes: Changes) -> str:
    """Return `Since the previous run (2026-11-22 07:30 UTC): 2 new, 1 fixed, 3 still bad`."""
    when = changes.previous_at.strftime("%Y-%m-%d %H:%M UTC")
    told = [f"{len(group.changes)} {group.word}" for group in groups(changes)]
    return f"Since the previous run ({when}): {', '.join(told) or 'no change, nothing bad'}"


def groups(changes: Changes) -> Iterator[Group]:
    """Yield the kinds that there are, most urgent first."""
    for word, found in (
        ("new", changes.new),
        ("still bad", changes.still),
        ("no longer looked at", changes.lost),
        ("fixed", changes.fixed),
    ):
        if found:
            yield Group(word=word, changes=found)


def before_and_now(change: Change, changes: Changes) -> str:
    """Return how it was and is: `was GREEN`, `was YELLOW`, `since 2d 04h`, `first looked at`."""
    if change.before is None:
        return "not looked at before"
    parts = []
    if change.before is not change.now or change.now is None:
        parts.append(f"was {change.before.word}")
    if change.now is None:
        parts.append("not looked at now")
    if change.since is not None and change.now is not Outcome.GREEN:
        parts.append(f"since {change.since.strftime('%Y-%m-%d %H:%M UTC')}")
    elif change.since is not None:
        bad_s = (changes.previous_at - change.since).total_seconds()
        parts.append(f"bad for {format_duration(bad_s)}" if bad_s >= 1 else "")
    return ", ".join(part for part in parts if part)

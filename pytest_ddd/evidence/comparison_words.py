"""Says in words what was changed, and how a scenario was before it and is after it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from pytest_ddd.evidence.compliance import Change
from pytest_ddd.outcomes import Outcome
from pytest_ddd.snapshots import Compared, Comparison, Kind
from pytest_ddd.units import format_duration


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Checks of which the same came, with what people call it."""

    word: str
    compared: tuple[Compared, ...]
    is_urgent: bool


def heading(comparison: Comparison) -> str:
    """Return `Before and after (snapshot of 2026-11-24 01:50 UTC): 1 regressed, 12 same`."""
    when = comparison.taken_at.strftime("%Y-%m-%d %H:%M UTC")
    told = [f"{len(group.compared)} {group.word}" for group in groups(comparison)]
    return f"Before and after (snapshot of {when}): {', '.join(told) or 'nothing to compare'}"


def groups(comparison: Comparison) -> Iterator[Group]:
    """Yield the kinds that there are, most urgent first."""
    for kind in Kind:
        if found := comparison.of(kind):
            urgent = any(not one.passes for one in found)
            yield Group(word=kind.value, compared=found, is_urgent=urgent)


def line(one: Compared) -> str:
    """Return `web1 disk:/var: GREEN -> RED: disk /var 93 % >= crit 90 %`, without a symbol."""
    what = one.entry or one.check.rpartition("/")[2]
    name = " ".join(part for part in (one.target, what) if part)
    said = (one.reason.strip().splitlines() or [""])[0]
    parts = (f"{name}: {_word(one.before)} -> {_word(one.now)}", one.why, said)
    return ": ".join(part for part in parts if part)


def change(one: Change) -> str:
    """Return `patches.app on web1: in force (1m 2s), approved by sara@example.org (SHA256:…)`."""
    who = f", approved by {', '.join(one.approvers)}" if one.approvers else ""
    said = f": {one.said}" if one.said else ""
    took = format_duration(one.took_s)
    return f"{one.kind}.{one.entry} on {one.target}: {one.state} ({took}){who}{said}"


def outcome(one: Compared) -> Outcome:
    """Return what to colour a line by: how it is now, or was."""
    return one.now or one.before or Outcome.UNKNOWN


def verdict(comparison: Comparison) -> str:
    """Return the answer of the gate; empty when there is no gate."""
    if not comparison.is_gate:
        return ""
    if comparison.is_empty:
        return "Gate: nothing to compare: no check of this scenario applies"
    if comparison.obstacles:
        return f"Gate: NOT PASSED: {', '.join(comparison.obstacles)}"
    bad = sum(outcome(one) in (Outcome.RED, Outcome.YELLOW) for one in comparison.of(Kind.SAME))
    still = f"; {bad} not green, as before" if bad else ""
    return f"Gate: PASSED: nothing regressed{still}"


def _word(outcome: Outcome | None) -> str:
    return outcome.word if outcome is not None else "not looked at"

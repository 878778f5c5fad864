"""Says what changed since the previous run: new, fixed, still bad, and lost from sight."""

from __future__ import annotations

from collections.abc import Iterable

from pytest_ddd.evidence.facts import Change, Changes
from pytest_ddd.evidence.summary import ATTENTION, Check, checks_of
from pytest_ddd.occurrences import PastResult, PreviousRun
from pytest_ddd.outcomes import Outcome
from pytest_ddd.results import CheckResult


def compare(
    previous: PreviousRun | None, results: Iterable[CheckResult], *, narrowed: bool
) -> Changes | None:
    """Return what changed; None when there is nothing to compare with.

    A check that is blocked now for the first time is no news of its own: what blocks it is.

    Args:
        previous: the run before.
        results: all looks of this run.
        narrowed: whether this run was asked for a part only, so that what it does not have
            means nothing.
    """
    if previous is None:
        return None
    before = {(past.identity, past.nodeid): past for past in previous.results}
    found: dict[str, list[Change]] = {"new": [], "fixed": [], "still": [], "lost": []}
    for check in checks_of(results):
        past = before.pop((check.last.identity, check.last.nodeid), None)
        kind = _kind(past, check.outcome)
        if kind:
            found[kind].append(_change(previous, past, check))
    if not narrowed:
        found["lost"] += [_gone(previous, past) for past in before.values() if _is_bad(past)]
    return Changes(
        previous_run_id=previous.run.run_id,
        previous_at=previous.run.started_at,
        **{kind: tuple(changes) for kind, changes in found.items()},
    )


def _kind(past: PastResult | None, now: Outcome) -> str:
    was_bad = past is not None and _is_bad(past)
    if now in ATTENTION:
        if was_bad:
            return "still"
        return "" if now is Outcome.BLOCKED else "new"
    if not was_bad:
        return ""
    return "fixed" if now is Outcome.GREEN else "lost"


def _is_bad(past: PastResult) -> bool:
    return past.outcome in ATTENTION


def _change(previous: PreviousRun, past: PastResult | None, check: Check) -> Change:
    last = check.last
    return Change(
        name=_name(last.target, last.reason, last.title or last.check_id, last.entry),
        check_id=last.check_id,
        before=past.outcome if past else None,
        now=check.outcome,
        since=previous.bad_since.get(last.identity),
    )


def _gone(previous: PreviousRun, past: PastResult) -> Change:
    _, check_id, target, entry = past.identity
    return Change(
        name=_name(target, past.reason, check_id, entry),
        check_id=check_id,
        before=past.outcome,
        now=None,
        since=previous.bad_since.get(past.identity),
    )


def _name(target: str, reason: str, otherwise: str, entry: str) -> str:
    """Return target and the first line of the reason, without the name twice."""
    first = (reason.strip().splitlines() or [f"{entry or otherwise}"])[0]
    return first if first.startswith(f"{target} ") else f"{target} {first}"

"""The compliance log: one chained line for each change that was carried out, never taken back.

`evidence/compliance.jsonl` only grows. Each package of a run that changed something names where
it ended then, so that a log which was cut or written anew does not fit the packages.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Literal, TypeAlias

from pytest_ddd import clock
from pytest_ddd.errors import RecordError
from pytest_ddd.evidence import chained
from pytest_ddd.evidence.manifest import Anchor
from pytest_ddd.jsonable import fields_to_json
from pytest_ddd.plain import visible
from pytest_ddd.redaction import DEFAULT
from pytest_ddd.results import CHANGED_PACKAGES, CheckResult, Problem, Reading

FILE_NAME = "compliance.jsonl"

State: TypeAlias = Literal["in force", "taken back", "left open"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What became of one change, in one line.

    Attributes:
        action_id: names it for good; a change that was taken back later has a second line.
        kind: what kind of action: `patches`, `rule_sets`.
        said: what went wrong, if something did.
        changed: `NAME OLD -> NEW` for each package, as seen on the host afterwards.
        planned: what it was to change, in the words of the plan.
        approvers: who allowed it, with the fingerprints of their keys.
        ticket: the change that the run belongs to (`--ddd-change`).
        outcome: of the check that carried it out; empty when another run writes the line.
        took_s: from its first line in the journal to its last.
        written_at: when this line was written, `written_by` by which run.
    """

    action_id: str
    kind: str
    environment: str
    target: str
    entry: str
    state: State
    said: str = ""
    started_at: datetime
    finished_at: datetime
    took_s: float
    operator: str
    run_id: str
    scenario: str = ""
    outcome: str = ""
    changed: tuple[str, ...] = ()
    planned: tuple[str, ...] = ()
    approvers: tuple[str, ...] = ()
    ticket: str = ""
    written_at: datetime
    written_by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Entered:
    """What a run has written into the log, and where the log ended then."""

    changes: tuple[Change, ...]
    end: Anchor


@dataclass(frozen=True, slots=True, kw_only=True)
class LogState:
    """Whether the log is whole; changes of this run are entered at its end."""

    readings: tuple[Reading, ...]
    problems: tuple[Problem, ...]


def look(path: Path) -> LogState:
    """Follow the chain of a log from its first line.

    Raises:
        RecordError: it is there and cannot be read.
    """
    log = chained.read(path, Change)
    reading = Reading(
        name="changes in the compliance log",
        value=len(log.entries),
        source=str(path),
        at=clock.now(),
        expected="each line continues the one before it",
        digest=log.heads[-1] if log.heads else "",
    )
    problems = tuple(Problem(text=f"it was changed: {one}") for one in log.damage)
    return LogState(readings=(reading,), problems=problems)


def enter(path: Path, changes: Sequence[Change]) -> Entered:
    """Write what the log does not have yet.

    Raises:
        RecordError: it cannot be written, or was tampered with: then it is not continued.
    """
    known = chained.read(path, Change)
    if known.damage:
        raise RecordError(
            f"{path}: not continued, it was changed: {known.damage[0]}",
            hint=f"keep it for whoever looks into that, and restore {path} from a copy",
        )
    there = {(one.action_id, one.state) for one in known.entries}
    fresh = tuple(one for one in changes if (one.action_id, one.state) not in there)
    end = Anchor(lines=len(known.heads), head=known.heads[-1] if known.heads else "")
    for one in fresh:
        end = chained.append(path, fields_to_json(one, lambda text: DEFAULT.scrub(visible(text))))
    return Entered(changes=fresh, end=end)


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What the results of a run say of a change; empty where they say nothing."""

    scenario: str = ""
    outcome: str = ""
    changed: tuple[str, ...] = ()
    planned: tuple[str, ...] = ()
    approvers: tuple[str, ...] = ()


def told_by(results: Sequence[CheckResult], target: str, entry: str) -> Told:
    """Return what results say of the change of an entry: its check, and the host afterwards."""
    found = Told()
    for one in sorted(results, key=lambda result: result.look):
        if one.target != target:
            continue
        by_name = {reading.name: reading for reading in one.readings}
        if one.entry == entry and "do" in by_name:
            who = by_name.get("approved by")
            found = replace(
                found,
                scenario=one.scenario,
                outcome=one.outcome.value,
                planned=_lines(by_name["plan"].detail) if "plan" in by_name else (),
                approvers=tuple(str(who.value).split(", ")) if who is not None else (),
            )
        if CHANGED_PACKAGES in by_name:
            found = replace(found, changed=_lines(by_name[CHANGED_PACKAGES].detail))
    return found


def _lines(text: str) -> tuple[str, ...]:
    return tuple(line for line in text.splitlines() if line.strip())

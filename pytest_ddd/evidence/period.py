"""Holds the runs of a period against what was due in it: expected, run, late and missed."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from pytest_ddd.errors import RecordError, UsageError
from pytest_ddd.evidence.ledger import Entry, Ledger
from pytest_ddd.evidence.verification import GOOD, INCOMPLETE, TAMPERED
from pytest_ddd.jsonable import from_json
from pytest_ddd.units import plural


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """One run that a schedule asked for; a run that starts after `until` came too late."""

    scenario: str
    environment: str
    due_at: datetime
    until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """What became of one expected run; None when there was none."""

    expected: Expected
    run: Entry | None

    @property
    def word(self) -> str:
        """`missed`, `incomplete`, or the run's outcome."""
        if self.run is None:
            return "missed"
        return self.run.outcome if self.run.complete else "incomplete"


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """All that was due from `since` until `until`, and the runs that nobody had asked for."""

    since: datetime
    until: datetime
    due: tuple[Due, ...]
    others: tuple[Entry, ...]
    damage: tuple[str, ...]
    is_known: bool = True
    """Whether anybody said what was due; if not, nobody can say that nothing was missed."""

    @property
    def missed(self) -> tuple[Due, ...]:
        """What was due and not run, or not run to its end."""
        return tuple(one for one in self.due if one.run is None or not one.run.complete)

    @property
    def status(self) -> int:
        """1 when the ledger is damaged, 5 when something was or may have been missed, else 0."""
        if self.damage:
            return TAMPERED
        return INCOMPLETE if self.missed or not self.is_known else GOOD


def period(
    ledger: Ledger,
    expected: Iterable[Expected] | None,
    since: datetime,
    until: datetime,
    *,
    scenario: str = "",
) -> Period:
    """Return what was due and what was run from `since` until just before `until`.

    Each expected run takes the first complete scheduled run of its scenario and environment that
    started when it was due and not later than allowed, or else the first incomplete one. It may
    start after the period. What a person did by hand, perhaps in part, stands for none. Without
    `expected` nobody knows what was due.
    """
    runs = [
        entry
        for entry in ledger.entries
        if entry.what == "sealed" and since <= entry.started_at and scenario in ("", entry.scenario)
    ]
    runs.sort(key=lambda entry: (not entry.complete, entry.started_at))
    found = []
    for one in sorted(expected or (), key=lambda one: one.due_at):
        if since <= one.due_at < until and scenario in ("", one.scenario):
            taken = next((run for run in runs if _fits(run, one)), None)
            if taken is not None:
                runs.remove(taken)
            found.append(Due(expected=one, run=taken))
    others = [entry for entry in runs if entry.started_at < until]
    others.sort(key=lambda entry: entry.started_at)
    return Period(
        since=since,
        until=until,
        due=tuple(found),
        others=tuple(others),
        damage=ledger.damage,
        is_known=expected is not None,
    )


def read_expected(path: Path) -> tuple[Expected, ...]:
    """Read expected runs, one JSON object a line.

    Raises:
        UsageError: the file cannot be read, or a line is not one; the message names the line.
    """
    found = []
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"--expected: {path} cannot be read: {error}") from None
    for number, line in enumerate(lines, start=1):
        try:
            found.append(from_json(Expected, json.loads(line)))
        except (ValueError, RecordError, RecursionError) as error:
            raise UsageError(
                f"{path}:{number}: {error}",
                hint='{"scenario": …, "environment": …, "due_at": "2026-11-23T07:30:00Z", '
                '"until": "2026-11-23T09:00:00Z"}',
            ) from None
    return tuple(found)


def told(found: Period) -> Iterator[str]:
    """Yield the period in lines, in order of time."""
    yield from (f"DAMAGED {line}" for line in found.damage)
    yield f"{_when(found.since)} to {_when(found.until)}, UTC"
    for one in found.due:
        asked = f"{_when(one.expected.due_at)}  {one.expected.environment} {one.expected.scenario}"
        ran = f", run {_when(one.run.started_at)} {one.run.name}" if one.run else ""
        yield f"  {one.word:<14} due {asked}{ran}"
    for run in found.others:
        word = run.outcome if run.complete else "incomplete"
        about = f"{run.environment} {run.scenario}, {run.kind} {run.name}"
        yield f"  {word:<14} not asked for: {_when(run.started_at)}  {about}"
    yield _sum(found)


def _sum(found: Period) -> str:
    others = plural(len(found.others), "other run")
    if not found.is_known:
        return (
            f"nobody knows what was due, so nobody can say that nothing was missed; {others}. Say "
            "what was due: --history URL, or --expected FILE"
        )
    if not found.due:
        return f"nothing was expected, so nothing can be missed; {others}"
    done = len(found.due) - len(found.missed)
    missed = sum(one.run is None for one in found.due)
    return (
        f"{done} of {plural(len(found.due), 'expected run')} done to the end, {missed} missed, "
        f"{len(found.missed) - missed} incomplete; {others}"
    )


def _fits(run: Entry, expected: Expected) -> bool:
    return (
        run.kind == "scheduled"
        and run.scenario == expected.scenario
        and run.environment == expected.environment
        and expected.due_at <= run.started_at <= expected.until
    )


def _when(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M}"

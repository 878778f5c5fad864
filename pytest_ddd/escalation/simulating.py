"""Replay runs with other rules: what would have been told, had they been in force."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import timedelta

from pytest_ddd.alerts import Decision
from pytest_ddd.escalation.evaluation import Mode, Plan, evaluate
from pytest_ddd.escalation.memory import MemoryBook
from pytest_ddd.results import CheckResult


def simulate(runs: Iterable[list[CheckResult]], plan: Plan) -> Iterator[Decision]:
    """Yield what the rules of a plan decide about runs, oldest first.

    Each run is evaluated when its last result was there. Windows and parents hold as in the plan;
    silences and acknowledgements of that time do not.
    """
    book, plan = MemoryBook(), replace(plan, mode=Mode.ON)
    for results in runs:
        if not results:
            continue
        book.waiting = list(results)
        at = max(one.started_at + timedelta(seconds=one.took_s) for one in results)
        yield from evaluate(book, plan, at).decisions

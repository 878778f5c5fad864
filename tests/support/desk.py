"""A desk that evaluates results with one rule, in memory."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from pytest_ddd.alerts import (
    Decision,
    Evaluation,
    Suppression,
)
from pytest_ddd.baseline.sections.escalation import Escalation
from pytest_ddd.escalation.evaluation import Mode, Plan, evaluate
from pytest_ddd.escalation.memory import MemoryBook
from pytest_ddd.messages import Kind, Message
from pytest_ddd.results import CheckResult
from tests.support.results import START

RED = {"when": ["RED"], "notify": ["pager"]}


class Desk:
    """Evaluates runs with one rule, `r`, unless told otherwise."""

    def __init__(self, rule: dict[str, object] | None = None, **section: object) -> None:
        self.book = MemoryBook()
        given = {
            "channels": {"pager": {"kind": "syslog"}, "mail": {"kind": "syslog"}},
            "rules": {"r": {**RED, **(rule or {})}},
        }
        self.plan = Plan(
            escalation=Escalation.model_validate({**given, **section}),
            timezone="Europe/Zurich",
            mode=Mode.ON,
        )

    def run(self, *results: CheckResult, at: datetime | None = None, mode=Mode.ON) -> Evaluation:
        """Evaluate, a minute after the last result."""
        self.book.waiting = list(results)
        last = max((one.started_at for one in results), default=START)
        plan = replace(self.plan, mode=mode)
        return evaluate(self.book, plan, at or last + timedelta(minutes=1))

    @property
    def alert(self):
        (found,) = self.book.alerts().values()
        return found


def kinds(evaluation: Evaluation) -> list[Kind]:
    return [one.message.kind for one in evaluation.outgoing]


def only(evaluation: Evaluation) -> Message:
    (found,) = evaluation.outgoing
    return found.message


def decision(evaluation: Evaluation) -> Decision:
    (found,) = evaluation.decisions
    return found


def why(evaluation: Evaluation) -> tuple[Suppression | None, str]:
    found = decision(evaluation)
    return found.suppressed, found.reference

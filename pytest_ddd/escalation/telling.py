"""The whole of escalation at the end of a run: evaluate, send, run what is allowed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from pytest_ddd import clock
from pytest_ddd.alerts import Evaluation, Parcel
from pytest_ddd.escalation.book import Book
from pytest_ddd.escalation.evaluation import Mode, Plan, evaluate
from pytest_ddd.escalation.flushing import BUDGET_S, Flushed, Outbox, flush
from pytest_ddd.escalation.interface import Channel
from pytest_ddd.escalation.proposing import Ledger, Ran, run_allowed

NOTHING = Flushed()

Books: TypeAlias = "Callable[[], AbstractContextManager[Book]]"
"""Opens a transaction, and gives the book of alerts in it."""


class WatchedOutbox(Outbox, Protocol):
    """An outbox that can say what has not arrived."""

    def undelivered(self) -> Sequence[Parcel]:
        """Return what has not arrived and no person has dropped, oldest first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a run, or a tick of the clock, is asked to do.

    `channels` are opened only when something may leave.
    """

    plan: Plan
    channels: Callable[[], Mapping[str, Channel]]
    run_proposals: bool = False
    budget_s: float = BUDGET_S


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What came of it."""

    mode: Mode
    evaluation: Evaluation
    flushed: Flushed = NOTHING
    undelivered: tuple[Parcel, ...] = ()
    ran: tuple[Ran, ...] = ()


def tell(books: Books, outbox: WatchedOutbox, ledger: Ledger, asked: Asked) -> Told:
    """Evaluate what is new, send what is due, and say what has not arrived.

    Raises:
        RecordError: the history cannot be read or written.
    """
    plan = asked.plan
    with books() as book:
        evaluation = evaluate(book, plan, clock.now())
    if plan.mode is Mode.OFF:
        return Told(mode=plan.mode, evaluation=evaluation)
    if plan.mode is not Mode.ON:
        undelivered = tuple(outbox.undelivered())
        return Told(mode=plan.mode, evaluation=evaluation, undelivered=undelivered)
    flushed, undelivered = _send(outbox, asked)
    ran: tuple[Ran, ...] = ()
    if asked.run_proposals:
        ran = tuple(run_allowed(evaluation.decisions, plan.escalation, ledger))
    return Told(
        mode=plan.mode, evaluation=evaluation, flushed=flushed, undelivered=undelivered, ran=ran
    )


def _send(outbox: WatchedOutbox, asked: Asked) -> tuple[Flushed, tuple[Parcel, ...]]:
    """Send what is due; return what came of it, and what has not arrived.

    Another run may put in a message between the two: that has not arrived only if it is still
    there when that, too, could have been sent.
    """
    deadline, channels = clock.monotonic() + asked.budget_s, dict(asked.channels())
    flushed = flush(outbox, channels, budget_s=asked.budget_s)
    seen = {one.parcel_id for one in outbox.undelivered()}
    if not seen:
        return flushed, ()
    usable = {name: one for name, one in channels.items() if name not in flushed.resting}
    again = flush(outbox, usable, budget_s=deadline - clock.monotonic())
    both = Flushed(
        delivered=flushed.delivered + again.delivered,
        failed=flushed.failed + again.failed,
        lost=flushed.lost + again.lost,
    )
    return both, tuple(one for one in outbox.undelivered() if one.parcel_id in seen)

"""Carry out an action: a line in the journal before and after each transition, undo on failure."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TypeVar

from pytest_ddd import clock
from pytest_ddd.actions.interface import Action, Plan, Subject
from pytest_ddd.actions.journal import Deed, Journal, Transition, line_of
from pytest_ddd.errors import CannotLookError, DddError, RecordError
from pytest_ddd.results import Problem, Reading

T = TypeVar("T")

UNDONE = "taken back: it is as it was before"


@dataclass(frozen=True, slots=True, kw_only=True)
class Carried:
    """What became of an action.

    Attributes:
        plan: what it was to change.
        readings: what was done and seen, for the record.
        problems: why it did not work, and whether it could be undone; empty when it is in force.
        left_open: actions on the same subject that an earlier run had left in the middle.
    """

    plan: Plan
    readings: tuple[Reading, ...]
    problems: tuple[Problem, ...] = ()
    left_open: tuple[Deed, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Hand:
    """Who acts: the run, its operator, and the journal that they write."""

    journal: Journal
    run_id: str
    operator: str

    def carry_out(self, action: Action) -> Carried:
        """Do what an action plans, verify it, and undo it when either fails.

        Raises:
            CannotLookError: it could not look, and nothing was touched.
            RecordError: the journal cannot be written.
        """
        plan = action.plan()
        left = self.left_open(action.subject)
        readings = [_reading("plan", plan.summary, detail=plan.detail)]
        if not plan.is_needed and not left:
            return Carried(plan=plan, readings=tuple(readings))
        with self.journal.lock(action.subject.environment):
            carried = self._carried(action, plan)
            if not carried.problems:
                self._close(left)
        return replace(carried, readings=(*readings, *carried.readings), left_open=left)

    def take_back(self, deed: Deed, action: Action) -> tuple[Problem, ...]:
        """Undo what an earlier run did, or left in the middle.

        Raises:
            CannotLookError: another run is changing things now.
            RecordError: the journal cannot be written.
        """
        with self.journal.lock(deed.subject.environment):
            work = _Work(self, deed.subject, deed.action_id)
            return work.undo(action)

    def left_open(self, subject: Subject | None = None) -> tuple[Deed, ...]:
        """Return the actions that were left in the middle: on one subject, or all."""
        return tuple(
            deed
            for deed in self.journal.deeds()
            if deed.is_open and subject in (None, deed.subject)
        )

    def _carried(self, action: Action, plan: Plan) -> Carried:
        work = _Work(self, action.subject, uuid.uuid4().hex)
        try:
            work.step("do", lambda: action.do(work.keep))
            problems = work.step("verify", action.verify)
        except RecordError:
            if work.has_touched:  # what cannot be written down is not done
                action.undo(work.keep)
            raise
        except CannotLookError as failure:
            undone = work.undo(action)
            if not work.has_touched:
                raise
            problems = (Problem(text=failure.message), *(undone or work.was_undone))
        except DddError as failure:
            problems = (Problem(text=str(failure)), *(work.undo(action) or work.was_undone))
        except BaseException:
            work.undo(action)
            raise
        else:
            if problems:
                problems = (*problems, *(work.undo(action) or work.was_undone))
        return Carried(plan=plan, readings=tuple(work.readings), problems=problems)

    def _close(self, deeds: Sequence[Deed]) -> None:
        for deed in deeds:
            work = _Work(self, deed.subject, deed.action_id)
            work.step("close", lambda: None)


class _Work:
    """One action while it is carried out."""

    def __init__(self, hand: Hand, subject: Subject, action_id: str) -> None:
        self.hand, self.subject, self.action_id = hand, subject, action_id
        self.keep = hand.journal.keep(action_id)
        self.readings: list[Reading] = []

    @property
    def has_touched(self) -> bool:
        """Whether `do` has come so far that it kept a way back."""
        return self.keep.folder.exists()

    @property
    def was_undone(self) -> tuple[Problem, ...]:
        """What to say of an undo that went well."""
        return (Problem(text=UNDONE),) if self.has_touched else ()

    def step(self, transition: Transition, do: Callable[[], T]) -> T:
        """Do one transition, with a line before and a line after it."""
        with self._noted(transition) as ending:
            found = do()
            if isinstance(found, tuple) and found:
                ending.said = "; ".join(str(one) for one in found)
        return found

    def undo(self, action: Action) -> tuple[Problem, ...]:
        """Undo; what does not work becomes a problem, never an exception."""
        try:
            problems = self.step("undo", lambda: action.undo(self.keep))
        except DddError as failure:
            problems = (Problem(text=failure.message),)
        if not problems:
            return ()
        where = self.keep.folder
        return (
            *problems,
            Problem(text=f"it could NOT be undone: {self.subject} as it was is kept in {where}"),
        )

    @contextmanager
    def _noted(self, transition: Transition) -> Iterator[_Ending]:
        self._write(transition, _Ending())
        started, ending = clock.monotonic(), _Ending(is_end=True)
        try:
            yield ending
        except BaseException as failure:
            ending.said = str(failure) or type(failure).__name__
            raise
        finally:
            self._write(transition, ending)
            took_s = clock.monotonic() - started
            self.readings.append(
                _reading(
                    transition,
                    "failed" if ending.said else "done",
                    error=ending.said,
                    took_s=took_s,
                )
            )

    def _write(self, transition: Transition, ending: _Ending) -> None:
        self.hand.journal.write(
            line_of(
                self.subject,
                action_id=self.action_id,
                run_id=self.hand.run_id,
                operator=self.hand.operator,
                transition=transition,
                phase="end" if ending.is_end else "begin",
                good=ending.is_end and not ending.said,
                said=ending.said,
            )
        )


@dataclass(slots=True)
class _Ending:
    """How a transition ends; nothing said means well."""

    is_end: bool = False
    said: str = ""


def _reading(
    name: str, value: str, *, detail: str = "", error: str = "", took_s: float = 0.0
) -> Reading:
    return Reading(
        name=name,
        value=value,
        source="action",
        at=clock.now(),
        took_s=round(took_s, 6),
        detail=detail,
        error=error,
    )

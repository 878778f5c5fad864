"""Carry out many inquiries at once: what all of them ask next is read together, round by round."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pytest_ddd.baseline.fields import Entry
from pytest_ddd.baseline.model import Declaration
from pytest_ddd.baseline.placing import Statement
from pytest_ddd.connections import Connections
from pytest_ddd.errors import CannotLookError
from pytest_ddd.probes.ahead import ReadAhead
from pytest_ddd.probes.capture.inquiries import INQUIRIES
from pytest_ddd.probes.capture.interface import Candidate, Inquiry, LeftOut
from pytest_ddd.probes.configuration import SECTION, DriftItem


@dataclass(frozen=True, slots=True, kw_only=True)
class _Open:
    """An inquiry that waits for an answer."""

    about: Candidate
    inquiry: Inquiry
    item: DriftItem


def ask(
    connections: Connections, host: str, candidates: Iterable[Candidate]
) -> tuple[list[Statement], list[LeftOut]]:
    """Return an entry that holds for each candidate, and those that have none."""
    found: list[Statement] = []
    left_out: list[LeftOut] = []
    waiting: list[_Open] = []
    for about in candidates:
        if about.kind == "unlisted":
            found.append(Statement(host=host, path=about.path, values=about.values or {}))
            continue
        inquiry = INQUIRIES[about.kind](about)
        try:
            item = _item(connections, host, about, next(inquiry))
        except CannotLookError as reason:
            left_out.append(_left_out(host, about, reason))
        else:
            waiting.append(_Open(about=about, inquiry=inquiry, item=item))
    while waiting:
        _read(connections, host, [one.item for one in waiting])
        waiting = [
            following
            for one in waiting
            if (following := _answer(connections, host, one, found, left_out)) is not None
        ]
    return found, left_out


def _answer(
    connections: Connections, host: str, one: _Open, found: list[Statement], left_out: list[LeftOut]
) -> _Open | None:
    """Hand an answer over; return the next question, or None when the inquiry has ended."""
    try:
        try:
            drift = one.item.read()
        except CannotLookError as failure:
            following = one.inquiry.throw(failure)
        else:
            following = one.inquiry.send(drift)
    except StopIteration as end:
        found.append(Statement(host=host, path=one.about.path, values=end.value))
        return None
    except CannotLookError as reason:
        left_out.append(_left_out(host, one.about, reason))
        return None
    item = _item(connections, host, one.about, following)
    return _Open(about=one.about, inquiry=one.inquiry, item=item)


def _item(connections: Connections, host: str, about: Candidate, model: Entry) -> DriftItem:
    declaration = Declaration(section=SECTION, key=about.key, model=model, origins={})
    return DriftItem(declaration=declaration, host=host, connections=connections)


def _read(connections: Connections, host: str, items: Sequence[DriftItem]) -> None:
    ahead = ReadAhead(connections)
    ahead.start(items, [host])
    for item in items:
        ahead.wait(item, lambda: None)
    ahead.stop()


def _left_out(host: str, about: Candidate, reason: CannotLookError) -> LeftOut:
    why = reason.message.removeprefix(f"{about.key}: ")
    return LeftOut(host=host, name=f"{about.kind}:{about.name}", why=why, hint=reason.hint)

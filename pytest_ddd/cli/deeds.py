"""Tell what actions have changed, from their journal, and what to type about it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_ddd.cli.printing import say

if TYPE_CHECKING:
    from pytest_ddd.actions.journal import Deed


def told(environment: str) -> int:
    """Print what is in force and what was left open, of one environment or of all.

    Raises:
        RecordError: the journal cannot be read.
    """
    from pytest_ddd.actions.journal import Journal

    show(last(Journal(Path.cwd()).deeds(), environment))
    return 0


def last(deeds: Iterable[Deed], environment: str) -> list[Deed]:
    """Return what is not over; of what is there to stay, the newest deed on each subject."""
    from pytest_ddd.actions.catalogue import LASTING

    left = [
        deed for deed in deeds if not deed.is_over and environment in ("", deed.subject.environment)
    ]
    newest = {deed.subject: deed for deed in left}
    return [
        deed
        for deed in left
        if deed.is_open or deed.subject.kind not in LASTING or newest[deed.subject] is deed
    ]


def show(deeds: Sequence[Deed]) -> None:
    """Print them; of one that was left open, also how it is taken back."""
    for deed in deeds:
        say(f"{'! left open' if deed.is_open else '✓ in force'}: {deed.words}")
        if deed.is_open:
            one = deed.subject
            say(
                "  finish it: the same run again, with --ddd-apply; or take it back: pytest-ddd "
                f"action undo --host={one.environment} --kind={one.kind} --target={one.target}"
            )
    if not deeds:
        say("nothing is in force, and nothing was left open")

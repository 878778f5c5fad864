"""The questions about a site that no machine can answer, and how their answers are asked for."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pytest_ddd.cli.printing import say
from pytest_ddd.errors import UsageError

ZONES = "zoneinfo/"
"""What stands before a time zone's name in the path of its file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One question: the flag that answers it, its words, and what makes an answer wrong."""

    name: str
    """Name of the flag: `on-call`."""
    words: str
    example: str
    proposal: Callable[[], str] = str
    """What a bare Enter means; empty = leave it open."""
    check: Callable[[str], object] = str
    """Raises ValueError for an answer that cannot be used."""

    @property
    def dest(self) -> str:
        """Name of its value among parsed arguments."""
        return self.name.replace("-", "_")


def machine_zone(clock_file: Path = Path("/etc/localtime")) -> str:
    """Return the IANA name of this machine's time zone; UTC when it does not say."""
    _, found, name = os.path.realpath(clock_file).partition(ZONES)
    return name if found else "UTC"


def answers(
    questions: Sequence[Question], given: Mapping[str, str | None], *, may_ask: bool = True
) -> dict[str, str]:
    """Return the answers by name: from the flags, and on a terminal from the person there.

    Args:
        questions: what is to be known.
        given: what flags said by `dest`; None where a flag was not given.
        may_ask: False where nobody needs to know.

    Raises:
        UsageError: a flag's answer cannot be used, or the terminal was closed.
    """
    found = {one.name: _checked(one, given.get(one.dest)) for one in questions}
    is_open = [one for one in questions if given.get(one.dest) is None]
    if may_ask and is_open and sys.stdin.isatty() and sys.stdout.isatty():
        say("What no machine can know. Enter takes what stands in brackets.\n")
        found |= {one.name: _ask(one) for one in is_open}
        say()
    return {name: answer for name, answer in found.items() if answer}


def _checked(question: Question, answer: str | None) -> str:
    try:
        if answer:
            question.check(answer)
    except ValueError as mistake:
        raise UsageError(
            f"--{question.name}: {mistake}",
            hint=f"pytest-ddd init --{question.name}='{question.example}'",
        ) from None
    return answer or ""


def _ask(question: Question) -> str:
    """Ask until the answer can be used."""
    proposal = question.proposal()
    while True:
        try:
            answer = input(f"{question.words} [{proposal or 'none'}]: ").strip() or proposal
        except EOFError:
            raise UsageError(
                "no answer: the terminal was closed",
                hint="pytest-ddd init --help   # each question has a flag",
            ) from None
        try:
            if answer:
                question.check(answer)
        except ValueError as mistake:
            say(f"  {mistake}")
        else:
            return answer

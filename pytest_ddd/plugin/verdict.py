"""Verdict: what one check has judged so far, and what came of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

import pytest

from pytest_ddd import clock, results
from pytest_ddd.outcomes import Outcome, worst
from pytest_ddd.probes.entry import Looked
from pytest_ddd.results import Problem, Reading, Threshold
from pytest_ddd.units import format_duration

if TYPE_CHECKING:
    from pytest_ddd.connections import Reachability
    from pytest_ddd.probes.entry import Answer

VERDICT_KEY = pytest.StashKey["Verdict"]()


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """Which look of a check this is, and since when (monotonic seconds) the check is yellow."""

    number: int = 1
    yellow_since: float | None = None


LOOK_KEY = pytest.StashKey[Look]()
AHEAD_KEY = pytest.StashKey[Looked | None]()
"""What was read ahead for the next look of an item."""

_FIRST = 200
"""How much of the first line of a detail stands in the reason."""

_SHOWN = 3
"""How many readings a green check names in one line."""


@dataclass(kw_only=True)
class Verdict:
    """The judgements of one look of one check."""

    started_at: datetime
    started: float
    look: Look = Look()
    readings: list[Reading] = field(default_factory=list)
    blocked_by: str = ""
    reads_before: int = 0
    """How often the entry had been read before this look."""
    ahead: Looked | None = None
    """When its entry was read and how long that took, if it was read ahead."""
    ended: Outcome = Outcome.GREEN
    """What the way in which the check ended says: an exception, a skip, a failed assert."""
    said: list[str] = field(default_factory=list)
    attached: list[str] = field(default_factory=list)
    unseen: bool = False
    """Whether something could not be looked at beside what is known to be wrong."""
    explained: bool = False
    """Whether its entry says what is wrong, and so why a reading has no value."""
    host: str = ""
    """The host on which the check itself may run commands."""
    answer: Answer | None = None
    """What was read that is no entry of the baseline."""
    properties: list[tuple[str, object]] = field(default_factory=list)
    """What JUnit shows of it, without secrets."""
    knowledge: object = None
    """What was known of secrets when the properties were cleaned."""
    waiver: str = ""
    """The waiver that accepted what this look found."""

    @property
    def began_at(self) -> datetime:
        """When the look began: with its read, where that was done ahead."""
        return min(self.started_at, self.ahead.started_at) if self.ahead else self.started_at

    @property
    def took_s(self) -> float:
        """How long the look took by itself: its read, and the check; not the wait for its turn."""
        own_s = clock.monotonic() - self.started
        return own_s + (self.ahead.took_s if self.ahead else 0.0)

    def judge(self, reading: Reading, threshold: Threshold) -> Outcome:
        """Apply a threshold to a reading, remember both, and return the outcome; never raises."""
        judged = results.judge(reading, threshold)
        self.readings.append(judged)
        return judged.outcome or Outcome.UNKNOWN

    def attach(self, name: str, text: str) -> None:
        """Keep a text as evidence."""
        self.attached.append(text)
        self.readings.append(Reading(name=name, value=None, at=clock.now(), detail=text))

    def reached(self, reachability: Reachability, hostspec: str, where: str = "") -> None:
        """Take over what the attempt to reach a host said; `where` is where it is declared."""
        self.ended = reachability.outcome
        if reachability.outcome is Outcome.GREEN:
            self.said.append(f"answered in {format_duration(reachability.took_s)}")
        else:
            hint = f"\n  hint: {reachability.hint}" if reachability.hint else ""
            self.said.append(f"{reachability.reason}{where}{hint}")
        self.readings.append(
            Reading(
                name="reachable",
                value=reachability.outcome is Outcome.GREEN,
                source=hostspec,
                at=self.started_at,
                took_s=reachability.took_s,
                error="" if reachability.outcome is Outcome.GREEN else reachability.reason,
                outcome=reachability.outcome,
            )
        )

    def block(self, by: str, reason: str) -> None:
        """Remember that the check was not done because something else is down."""
        self.blocked_by = by
        self.ended = Outcome.BLOCKED
        self.said = [f"not looked at: {by}: {reason}"]

    def fails(self, outcome: Outcome, said: str) -> None:
        """Remember how the check ended."""
        self.ended = outcome
        self.said.append(said)

    def finds(self, problems: Sequence[Problem]) -> None:
        """Remember what the entry says is wrong."""
        self.explained = True
        self.unseen = any(problem.blind for problem in problems)
        for problem in problems:
            self.fails(Outcome.RED, str(problem))

    def resolution(self) -> tuple[Reading, ...]:
        """Return how long a yellow took to become green, once it has."""
        since = self.look.yellow_since
        if since is None or self.outcome is not Outcome.GREEN:
            return ()
        took_s = round(clock.monotonic() - since, 3)
        return (Reading(name="time to resolve", value=took_s, unit="s", at=clock.now()),)

    @property
    def outcome(self) -> Outcome:
        """The worst of all judgements and of how the check ended.

        What went well before a check ended as NOT_APPLICABLE does not make it GREEN.
        """
        judged = [reading.outcome for reading in self.readings if reading.outcome is not None]
        if self.ended is Outcome.NOT_APPLICABLE:
            judged = [outcome for outcome in judged if outcome is not Outcome.GREEN]
        return worst([self.ended, *judged])

    @property
    def is_blind(self) -> bool:
        """Whether anything at all could not be looked at: RED hides it, a waiver may not."""
        # What its entry found wrong is why there was no value to judge: no blind spot of its own.
        no_value = any(reading.outcome is Outcome.UNKNOWN for reading in self.readings)
        return self.unseen or (no_value and not self.explained)

    @property
    def wrong(self) -> list[str]:
        """Everything that is not as it should be, one text each."""
        bad = [_told(reading) for reading in self.readings if self._tells(reading)]
        return list(dict.fromkeys([*self.said, *bad]))

    def reason(self, seen: tuple[Reading, ...]) -> str:
        """Say in one line why: what is bad, or what a green check saw."""
        outcome = self.outcome
        if outcome is Outcome.GREEN and not self.said:
            return _green(self.readings, seen)
        return "; ".join(self.wrong)

    def _tells(self, reading: Reading) -> bool:
        """Whether a reading says something that the reason does not say yet."""
        if reading.threshold is None or reading.outcome in (None, Outcome.GREEN):
            return False
        # When the check is red already, that there was no value to judge is no news.
        return not (self.ended is Outcome.RED and reading.outcome is Outcome.UNKNOWN)


def _told(reading: Reading) -> str:
    """Say what a bad reading saw; of a count, also the first thing that was counted."""
    text = results.explain(reading)
    first = reading.detail.strip().split("\n", 1)[0]
    return f"{text}: {first[:_FIRST]}" if first and reading.unit == "" else text


def _green(judged: list[Reading], seen: tuple[Reading, ...]) -> str:
    told = [results.explain(reading) for reading in judged if reading.threshold is not None]
    told = told or [reading.shown for reading in seen if reading.value is not None]
    more = len(told) - _SHOWN
    return "; ".join(told[:_SHOWN]) + (f"; and {more} more" if more > 0 else "")


def problems_in(left: object) -> tuple[Problem, ...]:
    """Return the problems that a failed `assert answer.problems == …` compares, if it does."""
    if not isinstance(left, tuple | list) or not left:
        return ()
    return tuple(one for one in left if isinstance(one, Problem))

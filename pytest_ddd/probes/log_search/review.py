"""Turn what a log search found into readings and problems."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from pytest_ddd import clock
from pytest_ddd.baseline.model import Declaration
from pytest_ddd.baseline.sections.logs import Log as LogModel
from pytest_ddd.probes.log_search.answer import Found
from pytest_ddd.probes.log_search.blind import complaint
from pytest_ddd.probes.log_search.command import shown
from pytest_ddd.results import Problem, Reading
from pytest_ddd.units import format_duration

CLOCK_TOLERANCE_S = 300
"""A clock or a stamp that is further ahead is wrong; less is NTP still settling."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LogReview:
    """How many lines of each kind a log holds since the night began.

    `from_the_future` counts lines whose stamp is more than five minutes ahead of the host's
    clock; they are among the critical and error lines too, and always a problem.
    """

    critical: Reading
    errors: Reading
    from_the_future: Reading
    readings: tuple[Reading, ...]
    problems: tuple[Problem, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """One look at one log: what was asked, and when; `name` is its path or its unit."""

    declaration: Declaration[LogModel]
    name: str
    since: datetime
    started_at: datetime
    took_s: float
    attempt: int

    def review(self, found: Found) -> LogReview:
        """Return the readings and problems of what was found."""
        critical = self._lines(found, "critical", found.critical)
        errors = self._lines(found, "error", found.error)
        future = self._lines(found, "future", found.future)
        files = self._reading("files read of", found.files)
        size = self._reading("bytes read of", found.size_bytes, unit="bytes")
        return LogReview(
            critical=critical,
            errors=errors,
            from_the_future=future,
            readings=(critical, errors, future, files, size),
            problems=self._problems(found),
        )

    def _lines(self, found: Found, line_class: str, count: int) -> Reading:
        label = "lines from the future in" if line_class == "future" else f"{line_class} lines in"
        detail = found.sample(line_class, count)
        if found.files == 0:
            detail = f"{self.name} was not written since {clock.stamp(self.since)}"
        return self._reading(label, count, detail=detail)

    def _reading(self, label: str, value: int, *, unit: str = "", detail: str = "") -> Reading:
        return Reading(
            name=f"{label} {self.declaration.key}",
            value=value,
            unit=unit,
            source=shown(self.declaration.model),
            at=self.started_at,
            took_s=self.took_s,
            attempt=self.attempt,
            detail=detail,
        )

    def _problems(self, found: Found) -> tuple[Problem, ...]:
        unseen = dict.fromkeys(complaint(blind, self.name) for blind in found.blinds)
        texts = [f"the last line of {last} is from the future" for last in found.ends_in_future]
        if found.future:
            texts.append(
                f"{found.future} matching lines of {self.name} are from the future: "
                "a clock or a time zone is wrong, or the log was tampered with"
            )
        if not found.whole:
            texts.append(
                f"at least: counting {self.name} ended after {found.looked} matching lines"
            )
        if text := _clock_problem(found.host_now_s, self.started_at):
            texts.append(text)
        origin = self.declaration.origin("path" if self.declaration.model.path else "journal")
        return (
            *(Problem(text=text, origin=origin, blind=True) for text in unseen),
            *(Problem(text=text, origin=origin) for text in dict.fromkeys(texts)),
        )


def _clock_problem(host_now_s: int, started_at: datetime) -> str:
    """Say how far the host's clock is off ours, which stood between start and now."""
    behind_s = started_at.timestamp() - host_now_s
    ahead_s = host_now_s - clock.now().timestamp()
    if behind_s > CLOCK_TOLERANCE_S:
        return f"the host's clock is {format_duration(behind_s)} behind ours"
    if ahead_s > CLOCK_TOLERANCE_S:
        return f"the host's clock is {format_duration(ahead_s)} ahead of ours"
    return ""

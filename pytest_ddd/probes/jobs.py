"""Batch jobs: how their latest run went, held against the last time that they were due."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import takewhile
from typing import TYPE_CHECKING, cast

from pytest_ddd import clock
from pytest_ddd.baseline.due import dues_before
from pytest_ddd.baseline.model import Declaration
from pytest_ddd.baseline.sections import jobs as section
from pytest_ddd.errors import CannotLookError, UnreachableError
from pytest_ddd.probes.attempts import until_good
from pytest_ddd.probes.endpoints import url_for_host
from pytest_ddd.probes.entry import Entry
from pytest_ddd.probes.job_sources import log_line, marker, systemd, told
from pytest_ddd.probes.job_sources.interface import Found, Run
from pytest_ddd.probes.job_sources.lateness import Lateness, lateness
from pytest_ddd.probes.web.ask import Caller
from pytest_ddd.results import Problem, Reading
from pytest_ddd.units import format_duration

if TYPE_CHECKING:
    from pytest_ddd.connections import Session
    from pytest_ddd.probes.scope import Scope

__all__ = ["Job", "JobState", "entries"]

SECTION = "jobs"
_CLOCKS_DIFFER_S = 300
"""An end in the future is suspicious only beyond what clocks may differ."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobState:
    """How the latest run went.

    Attributes:
        lateness: seconds between the time that the job was due and its end, or now.
        runtime: seconds that the latest run took, or has taken so far.
    """

    lateness: Reading
    runtime: Reading
    problems: tuple[Problem, ...] = ()

    @property
    def readings(self) -> tuple[Reading, ...]:
        """All that was read."""
        return (self.lateness, self.runtime)


class Job(Entry[JobState]):
    """One job, looked at from the controller or on the host that it runs on.

    Attributes:
        late: the limits of its lateness in seconds.
        runtime: the limits of its run time in seconds; None when there are none.
    """

    def __init__(
        self, declaration: Declaration[section.Job], *, target: str, host: str, scope: Scope
    ) -> None:
        super().__init__(section=SECTION, key=declaration.key, target=target, host=host)
        model = declaration.model
        self.late = declaration.threshold("late", unit="s")
        limited = model.runtime is not None
        self.runtime = declaration.threshold("runtime", unit="s") if limited else None
        self._declaration = declaration
        self._scope = scope

    def look(self) -> JobState:
        """Look at the latest run; again only when it could not be looked at.

        Raises:
            CannotLookError: no attempt could look.
        """
        state, _before = until_good(self._declaration.model.attempts, self._look_once)
        return state

    def _look_once(self, attempt: int) -> JobState:
        started = clock.monotonic()
        try:
            found = self._find()
            late = self._lateness(found)
        except UnreachableError:
            raise
        except CannotLookError as failure:
            origin = self._declaration.origin()
            where = f" ({origin})" if origin else ""
            message = f"{self.key}: {failure.message}{where}"
            raise CannotLookError(message, hint=failure.hint) from failure
        blank = Reading(
            name="",
            value=None,
            unit="s",
            source=found.source,
            at=clock.now(),
            took_s=clock.monotonic() - started,
            attempt=attempt,
        )
        writer = _Writer(declaration=self._declaration, found=found, blank=blank)
        return writer.state(late)

    def _find(self) -> Found:
        model = self._declaration.model
        if model.systemd is not None:
            return systemd.find(self._session, model.systemd, model.timeout)
        if model.file is not None:
            return marker.find(self._session, model.file, model.timeout)
        if model.log is not None:
            return log_line.find(self._session, model.log, model.timeout)
        if model.sql is not None:
            return told.from_row(self._scope.databases, model.sql)
        if model.http is not None:
            return told.from_http(Caller.of(model.http, self._url(model.http.url)), model.told)
        return told.from_command(self._session, model.command, model.told, model.timeout)

    @property
    def _session(self) -> Session:
        if self.host:
            return self._scope.connections.session(self.host)
        return self._scope.connections.controller

    def _url(self, url: str) -> str:
        if self.target not in self._scope.hosts:
            return url
        return url_for_host(url, self._scope.connections.spec(self.target))

    def _lateness(self, found: Found) -> Lateness:
        now = found.seen_at or clock.now()
        late = self._held(found.run, self._dues(now), now)
        if late is None:
            raise CannotLookError("was not due in fifty years: look at its schedule")
        known_from = found.known_from
        if found.run is not None or found.problems or known_from is None or known_from <= late.due:
            return late
        known = self._held(None, takewhile(known_from.__le__, self._dues(now)), now)
        first_limit = self.late.warn or self.late.crit
        if known is not None and first_limit is not None and known.seconds >= first_limit.value:
            return known
        raise CannotLookError(
            f"{found.source}: knows nothing from before {_shown(known_from)}, when the"
            f" host started, and the job was due {_shown(late.due)}",
            hint="look into the journal; a marker file or a database row outlives a restart",
        )

    def _dues(self, now: datetime) -> Iterator[datetime]:
        zone = self._scope.baseline.environment.timezone
        return dues_before(self._declaration.model.schedule, zone, now)

    def _held(self, run: Run | None, dues: Iterable[datetime], now: datetime) -> Lateness | None:
        last_limit = self.late.crit or self.late.warn
        return lateness(run, dues=dues, now=now, most_s=last_limit.value if last_limit else 0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Writer:
    """Turns what was found into readings and problems."""

    declaration: Declaration[section.Job]
    found: Found
    blank: Reading

    def state(self, late: Lateness) -> JobState:
        """Return the state of the job."""
        return JobState(
            lateness=self._lateness(late),
            runtime=self._runtime(self.found.run),
            problems=tuple(self._problems()),
        )

    @property
    def _now(self) -> datetime:
        return self.found.seen_at or self.blank.at

    def _lateness(self, late: Lateness) -> Reading:
        said = self.found.run.said if self.found.run is not None else "no run is known"
        return self._reading(
            "lateness",
            value=round(late.seconds, 1),
            expected=f"ended after it was due {_shown(late.due)}",
            detail="; ".join(filter(None, (late.words, said))),
            error="",
        )

    def _runtime(self, run: Run | None) -> Reading:
        value, error = None, "nothing tells when it began"
        if run is not None and run.started_at is not None:
            taken = (run.finished_at or self._now) - run.started_at
            value, error = max(0.0, round(taken.total_seconds(), 1)), ""
        return self._reading("runtime", value=value, expected="", detail="", error=error)

    def _reading(
        self, what: str, *, value: float | None, expected: str, detail: str, error: str
    ) -> Reading:
        return Reading(
            name=f"{self.declaration.key} {what}",
            value=value,
            unit="s",
            source=self.blank.source,
            at=self.blank.at,
            took_s=self.blank.took_s,
            attempt=self.blank.attempt,
            expected=expected,
            detail=detail,
            error=error,
            origin=self.declaration.origin("late" if what == "lateness" else what),
        )

    def _problems(self) -> list[Problem]:
        texts = list(self.found.problems)
        run = self.found.run
        if run is not None and not run.succeeded:
            when = f" {_shown(run.finished_at)}" if run.finished_at else ""
            texts.append(f"failed{when}: {run.said}")
        times = (run.started_at, run.finished_at) if run is not None else ()
        for moment in (one for one in times if one is not None):
            ahead_s = (moment - self._now).total_seconds()
            if ahead_s > _CLOCKS_DIFFER_S:
                texts.append(
                    f"tells of the future: {_shown(moment)}, {format_duration(ahead_s)} on"
                )
        origin = self.declaration.origin()
        return [Problem(text=f"{self.declaration.key}: {text}", origin=origin) for text in texts]


def entries(scope: Scope) -> list[Job]:
    """Return the jobs of the environment, then those of each selected host."""
    found = []
    for declaration in scope.in_environment(SECTION):
        ours = cast("Declaration[section.Job]", declaration)
        found.append(Job(ours, target=scope.baseline.name, host="", scope=scope))
    for host, declaration in scope.on_hosts(SECTION):
        ours = cast("Declaration[section.Job]", declaration)
        on_host = any(getattr(ours.model, name) for name in section.ON_A_HOST)
        via = host if on_host and ours.model.from_ != "controller" else ""
        found.append(Job(ours, target=host, host=via, scope=scope))
    return found


def _shown(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC"

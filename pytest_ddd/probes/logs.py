"""Error lines in log files and journals since the night began, counted on the host itself."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, cast

from pytest_ddd import clock
from pytest_ddd.baseline.model import Declaration
from pytest_ddd.baseline.sections.logs import Log as LogModel
from pytest_ddd.errors import CannotLookError
from pytest_ddd.probes.entry import Entry
from pytest_ddd.probes.log_answer import Found, parse
from pytest_ddd.probes.log_blind import complaint, hint
from pytest_ddd.probes.log_command import command_for, shown
from pytest_ddd.probes.log_patterns import refuse_strange
from pytest_ddd.results import Limit, Problem, Reading, Threshold
from pytest_ddd.units import format_duration

if TYPE_CHECKING:  # the connections are not needed to declare
    from pytest_ddd.connections import Connections
    from pytest_ddd.probes.scope import Scope

SECTION = "logs"

CLOCK_TOLERANCE_S = 300
"""A clock or a stamp that is further ahead is wrong; less is NTP still settling."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LogReview:
    """How many lines of each kind a log holds since `since`.

    `from_the_future` counts lines whose stamp is more than five minutes ahead of the host's
    clock; they are among the critical and error lines too, and always a problem.
    """

    critical: Reading
    errors: Reading
    from_the_future: Reading
    readings: tuple[Reading, ...]
    problems: tuple[Problem, ...]


class Log(Entry[LogReview]):
    """One log of one host that is declared in the section `logs`."""

    def __init__(
        self,
        *,
        declaration: Declaration[LogModel],
        host: str,
        connections: Connections,
        since: datetime,
    ) -> None:
        super().__init__(section=SECTION, key=declaration.key, target=host, host=host)
        self.declaration = declaration
        self._connections = connections
        self._since = since

    @property
    def critical(self) -> Threshold:
        """One critical line is red."""
        return Threshold(crit=Limit(value=1, origin=self.declaration.origin("critical")))

    @property
    def errors(self) -> Threshold:
        """The limits of the number of error lines."""
        return self.declaration.threshold("errors", unit="")

    def look(self) -> LogReview:
        """Search the log on its host; nothing but counts and a small sample comes back.

        Raises:
            CannotLookError: some of it could not be seen, and what was seen is not red.
        """
        model, started_at = self.declaration.model, clock.now()
        name = model.path or f"journal {model.journal}"
        patterns = [*model.critical, *model.error, *model.ignore]
        refuse_strange(patterns, where=f"log {self.key}")
        since = self._since if model.since is None else started_at - timedelta(seconds=model.since)
        answer = self._connections.session(self.host).run(
            command_for(model, since=since, now=started_at),
            timeout_s=model.timeout,
            repeatable=True,
        )
        said = answer.stderr.decode(errors="replace").strip()[:300]
        try:
            found = parse(answer.stdout, name=name)
        except CannotLookError as failure:
            raise CannotLookError(f"{failure.message}: {said or answer.exit_status}") from None
        if found.absent and not model.optional and not found.blinds:
            raise CannotLookError(f"{name} is not there")
        self._refuse_blind(found, name, said)
        return self._review(found, name, started_at=started_at, took_s=answer.took_s)

    def _refuse_blind(self, found: Found, name: str, said: str) -> None:
        """A known fault is not hidden by a blind spot; without one, a blind spot is all we know."""
        crit = self.errors.crit
        is_red = found.critical > 0 or (crit is not None and found.error >= crit.value)
        if found.blinds and not is_red:
            texts = dict.fromkeys(complaint(blind, name) for blind in found.blinds)
            tail = f" ({said})" if said else ""
            raise CannotLookError("; ".join(texts) + tail, hint=hint(found.blinds[0], name))

    def _review(self, found: Found, name: str, *, started_at: datetime, took_s: float) -> LogReview:
        source = shown(self.declaration.model)

        def counted(label: str, value: int, detail: str = "", unit: str = "") -> Reading:
            return Reading(
                name=f"{label} {self.key}",
                value=value,
                unit=unit,
                source=source,
                at=started_at,
                took_s=took_s,
                detail=f"{name} is absent, as it may be" if found.absent else detail,
            )

        critical = counted(
            "critical lines in", found.critical, found.sample("critical", found.critical)
        )
        errors = counted("error lines in", found.error, found.sample("error", found.error))
        future = counted(
            "lines from the future in", found.future, found.sample("future", found.future)
        )
        files = counted("files read of", found.files)
        size = counted("bytes read of", found.size_bytes, unit="bytes")
        return LogReview(
            critical=critical,
            errors=errors,
            from_the_future=future,
            readings=(critical, errors, future, files, size),
            problems=self._problems(found, name, started_at),
        )

    def _problems(self, found: Found, name: str, started_at: datetime) -> tuple[Problem, ...]:
        texts = [complaint(blind, name) for blind in found.blinds]
        texts += [f"the last line of {last} is from the future" for last in found.ends_in_future]
        if found.future:
            texts.append(
                f"{found.future} matching lines of {name} are from the future: "
                "a clock or a time zone is wrong, or the log was tampered with"
            )
        if not found.whole:
            texts.append(f"at least: counting {name} ended after {found.looked} matching lines")
        if text := _clock_problem(found.host_now_s, started_at):
            texts.append(text)
        origin = self.declaration.origin("path" if self.declaration.model.path else "journal")
        return tuple(Problem(text=text, origin=origin) for text in dict.fromkeys(texts))


def entries(scope: Scope) -> list[Log]:
    """Return one log for every (host, declaration)."""
    return [
        Log(
            declaration=cast("Declaration[LogModel]", declaration),
            host=host,
            connections=scope.connections,
            since=scope.since,
        )
        for host, declaration in scope.on_hosts(SECTION)
    ]


def _clock_problem(host_now_s: int, started_at: datetime) -> str:
    """Say how far the host's clock is off ours, which stood between start and now."""
    behind_s = started_at.timestamp() - host_now_s
    ahead_s = host_now_s - clock.now().timestamp()
    if behind_s > CLOCK_TOLERANCE_S:
        return f"the host's clock is {format_duration(behind_s)} behind ours"
    if ahead_s > CLOCK_TOLERANCE_S:
        return f"the host's clock is {format_duration(ahead_s)} ahead of ours"
    return ""

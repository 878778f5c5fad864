"""Access logs: who logged in or tried to, and who became root."""

from __future__ import annotations

import shlex
from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from importlib import resources
from typing import TYPE_CHECKING, cast

from pytest_ddd import clock
from pytest_ddd.baseline.model import Declaration
from pytest_ddd.baseline.sections.access import Access as Model
from pytest_ddd.errors import CannotLookError
from pytest_ddd.probes.attempts import until_good
from pytest_ddd.probes.entry import Entry
from pytest_ddd.probes.login_search.answer import Found, parse
from pytest_ddd.probes.login_search.events import Event
from pytest_ddd.probes.login_search.judging import strangers, unlogged
from pytest_ddd.results import Problem, Reading, Threshold, Value
from pytest_ddd.units import format_duration, plural

if TYPE_CHECKING:
    from pytest_ddd.connections import Connections
    from pytest_ddd.probes.scope import Scope

SECTION = "access"
_SHOWN = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessReview:
    """Log-ins of one host since a moment.

    `failed` counts log-ins that failed, in the log or in btmp, whichever knows more; `unknown`
    attempts with names that no account has.
    """

    failed: Reading
    unknown: Reading
    readings: tuple[Reading, ...]
    problems: tuple[Problem, ...]


class AccessLog(Entry[AccessReview]):
    """One entry of the section `access` on one host."""

    def __init__(
        self,
        declaration: Declaration[Model],
        *,
        host: str,
        connections: Connections,
        zone: str,
    ) -> None:
        super().__init__(section=SECTION, key=declaration.key, target=host, host=host)
        self.declaration = declaration
        self._connections = connections
        self._zone = zone

    @property
    def failed(self) -> Threshold:
        """The limits of the number of failed log-ins."""
        return self.declaration.threshold("failed", unit="")

    @property
    def unknown(self) -> Threshold:
        """The limits of the number of attempts with unknown names."""
        return self.declaration.threshold("unknown", unit="")

    def look(self) -> AccessReview:
        """Read the log; again only when it could not be read.

        Raises:
            CannotLookError: some of it could not be seen, and what was seen is not wrong.
        """
        review, _before = until_good(self.declaration.model.attempts, self._look_once)
        return review

    def _look_once(self, attempt: int) -> AccessReview:
        model, at = self.declaration.model, clock.now()
        since = at - timedelta(seconds=model.since)
        answer = self._connections.session(self.host).run(
            command_for(model, since=since),
            timeout_s=model.timeout,
            max_output_bytes=model.max_bytes,
            repeatable=True,
        )
        found = parse(answer.text, since=since)
        review = _Review(self.declaration, found, at, attempt, answer.took_s)
        blinds = [*found.blinds, *_short(found, model, since)]
        problems = [*review.problems(self._zone)]
        if blinds and not problems:
            raise CannotLookError(
                f"{self.key}: {'; '.join(blinds)}",
                hint="" if found.blinds else "shorten `since`, or keep logs for longer",
            )
        origin = self.declaration.origin()
        unseen = (Problem(text=text, origin=origin, blind=True) for text in blinds)
        return review.made((*problems, *unseen))


def command_for(model: Model, *, since: datetime) -> str:
    """Return POSIX sh text that prints what `answer.parse` reads."""
    source = resources.files("pytest_ddd.probes.login_search").joinpath("logins.sh")
    values = {
        "path": model.path or "",
        "since": str(int(since.timestamp())),
        "sessions": "1" if model.sessions else "",
    }
    heads = [f"{name}={shlex.quote(value)}" for name, value in values.items()]
    return "\n".join([*heads, source.read_text("utf-8")])


def _short(found: Found, model: Model, since: datetime) -> list[str]:
    """Say that a log does not reach back as far as it is asked."""
    name = model.path or "the journal"
    if found.reaches is None:
        return [] if found.blinds else [f"{name} holds no line that says when"]
    if found.reaches <= since:
        return []
    lacking = format_duration((found.reaches - since).total_seconds())
    return [f"{name} begins at {found.reaches:%Y-%m-%d %H:%M} UTC: {lacking} are missing"]


@dataclass(frozen=True, slots=True)
class _Review:
    """Turns what was found into readings and problems."""

    declaration: Declaration[Model]
    found: Found
    at: datetime
    attempt: int
    took_s: float

    def problems(self, zone: str) -> list[Problem]:
        """Return everything that may not be."""
        origin = self.declaration.origin
        texts = strangers(self.found.events, self.declaration.model, zone)
        problems = [Problem(text=text, origin=origin(key)) for text, key in texts]
        for session in unlogged(self.found):
            text = (
                f"wtmp knows a log-in of {session.who} from {session.where} at "
                f"{session.at:%Y-%m-%d %H:%M} UTC, and the log does not: it was cut or changed"
            )
            problems.append(Problem(text=text, origin=origin("sessions")))
        return problems

    def made(self, problems: tuple[Problem, ...]) -> AccessReview:
        """Return the review."""
        events = self.found.events
        of = {
            kind: [one for one in events if one.kind == kind]
            for kind in ("login", "failed", "unknown", "sudo")
        }
        in_log, in_btmp = len(of["failed"]), len(self.found.failures)
        failed = self._reading("failed log-ins", max(in_log, in_btmp), _told(of["failed"]))
        unknown = self._reading("unknown names", len(of["unknown"]), _told(of["unknown"]))
        logins = self._reading("log-ins", len(of["login"]), _told(of["login"]))
        sudo = self._reading("commands as somebody else", len(of["sudo"]), _told(of["sudo"]))
        sessions = self._reading("sessions in wtmp", len(self.found.logins), "")
        reaches = self._reading("log reaches back to", f"{self.found.reaches}", "")
        return AccessReview(
            failed=failed,
            unknown=unknown,
            readings=(failed, unknown, logins, sudo, sessions, reaches),
            problems=problems,
        )

    def _reading(self, name: str, value: Value, detail: str) -> Reading:
        model = self.declaration.model
        return Reading(
            name=f"{name} {self.declaration.key}",
            value=value,
            source=model.path or "journalctl SYSLOG_FACILITY=4 SYSLOG_FACILITY=10",
            at=self.at,
            took_s=self.took_s,
            attempt=self.attempt,
            detail=detail,
            origin=self.declaration.origin(),
        )


def _told(events: list[Event]) -> str:
    """Return who and from where, the most frequent first."""
    counts = Counter(f"{one.who} from {one.where}" if one.where else one.who for one in events)
    lines = [f"{name}: {plural(count, 'time')}" for name, count in counts.most_common(_SHOWN)]
    more = len(counts) - _SHOWN
    return "\n".join([*lines, *([f"… {more} more"] if more > 0 else [])])


def entries(scope: Scope) -> list[AccessLog]:
    """Return one entry for every (host, declaration)."""
    return [
        AccessLog(
            cast("Declaration[Model]", declaration),
            host=host,
            connections=scope.connections,
            zone=scope.baseline.environment.timezone,
        )
        for host, declaration in scope.on_hosts(SECTION)
    ]

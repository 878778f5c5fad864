"""Read what the login search prints: events, sessions, and everything it could not see."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from pytest_ddd.errors import CannotLookError
from pytest_ddd.probes.login_search.events import Event, read, stamp_of, zone_of

_NO_LOGIN = ("reboot", "shutdown", "runlevel")
"""What last(1) lists beside people."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """One line of last or lastb."""

    who: str
    terminal: str
    where: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What a host knows of log-ins; `reaches` is the oldest moment that its log speaks of."""

    events: tuple[Event, ...]
    logins: tuple[Session, ...]
    failures: tuple[Session, ...]
    reaches: datetime | None
    blinds: tuple[str, ...]


def parse(text: str, *, since: datetime) -> Found:
    """Return what was found since a moment.

    Raises:
        CannotLookError: the search did not come to its end.
    """
    lines = text.split("\n")
    if "#E" not in lines or not lines[0].startswith("#N "):
        raise CannotLookError("the search did not come to its end")
    return _Reader(lines, since).found()


class _Reader:
    """Goes through the lines, and remembers whose file it is in."""

    def __init__(self, lines: list[str], since: datetime) -> None:
        _, now, zone = lines[0].split()
        self._zone = zone_of(zone)
        self._before = datetime.fromtimestamp(int(now), UTC)
        # Logs tell whole seconds: one in which the window begins belongs to it.
        self._lines, self._since = lines, since.replace(microsecond=0)
        self._events: list[Event] = []
        self._logins: list[Session] = []
        self._failures: list[Session] = []
        self._failed: set[tuple[str, str]] = set()
        """Connections (sshd and address) that have failed, and not yet got in or ended."""
        self._oldest: list[datetime] = []
        self._blinds: list[str] = []

    def found(self) -> Found:
        for line in self._lines[1:]:
            if line.startswith(":"):
                self._event(line[1:])
            elif line.startswith(("#F ", "#O ")):
                self._first(line)
            elif line.startswith(("#W ", "#B ")):
                self._session(line)
            elif line.startswith("#! "):
                self._blinds.append(line[3:].strip())
        return Found(
            events=tuple(sorted(self._events, key=lambda one: one.at)),
            logins=tuple(self._logins),
            failures=tuple(self._failures),
            reaches=min(self._oldest, default=None),
            blinds=tuple(dict.fromkeys(self._blinds)),
        )

    def _event(self, line: str) -> None:
        at = stamp_of(line, zone=self._zone, before=self._before)
        if at is None:
            self._blinds.append(f"a line does not say when: {line[:80]!r}")
        elif at >= self._since:
            self._events += filter(self._counts, read(line, at))

    def _counts(self, event: Event) -> bool:
        """Whether it was not told before: a connection that failed ends as well."""
        connection = (event.process, event.where)
        if event.kind == "failed" and event.process and event.what:
            self._failed.add(connection)
        elif event.kind in ("failed", "login") and connection in self._failed:
            self._failed.remove(connection)
            return event.kind == "login"
        return True

    def _first(self, line: str) -> None:
        first = line[3:]
        if line.startswith("#F "):
            mtime, _, first = first.partition(" ")
            self._before = datetime.fromtimestamp(int(mtime), UTC)
        at = stamp_of(first, zone=self._zone, before=self._before)
        if at is not None:
            self._oldest.append(at)
        elif first:
            self._blinds.append(f"a line does not say when: {first[:80]!r}")

    def _session(self, line: str) -> None:
        words = line[3:].split()
        times = [index for index, word in enumerate(words) if word[:2] == "20" and "T" in word]
        is_footer = words[1:2] == ["begins"]  # `btmp.1 begins 2026-…`, the last line
        if not times or is_footer or words[0] in _NO_LOGIN:
            return
        at = stamp_of(words[times[0]], zone=timedelta(), before=self._before)
        if at is None or at < self._since:
            return
        middle = words[1 : times[0]]
        who = words[0] if times[0] > 1 else ""
        where = middle[1] if len(middle) > 1 else ""
        one = Session(who=who, terminal=middle[0] if middle else "", where=where, at=at)
        (self._logins if line.startswith("#W") else self._failures).append(one)
